package main

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/algebra/emulated/sw_bn254"
	"github.com/consensys/gnark/std/algebra/emulated/sw_emulated"
	"github.com/consensys/gnark/std/hash/mimc"
	"github.com/consensys/gnark/std/math/emulated"
)

// emulatedTag is the first thing that the digest of a key is of; another arrangement of what follows is another number.
const emulatedTag = 2

// emulatedScalarBits are as many as the modulus of BN254's scalar field has.
const emulatedScalarBits = 254

// emulatedWraps are of BN254's proofs in one on BN254, which contracts verify. The coordinates of its points are no values
// of its circuits, so they are computed with in limbs: a part costs 25 times what it costs on BLS12-377.
type emulatedWraps struct{}

// emulatedKey is what a verifier needs of the key of one slice.
type emulatedKey struct {
	K                  []sw_bn254.G1Affine
	GammaNeg, DeltaNeg sw_bn254.G2Affine
	// Rest stands for e(-alpha, beta): the final exponentiation makes that of it
	Rest sw_bn254.GTEl
}

// emulatedPart is a proof with its public values.
type emulatedPart struct {
	Ar, Krs sw_bn254.G1Affine
	Bs      sw_bn254.G2Affine
	Public  []frontend.Variable
}

func (emulatedWraps) inner() *curve { return curves[0] }

func (emulatedWraps) outer() *curve { return contractCurve }

func (emulatedWraps) circuit(shape *wrapShape) frontend.Circuit {
	circuit := &wrapCircuit[emulatedKey, emulatedPart]{
		Keys: make([]emulatedKey, len(shape.Slices)), Parts: make([]emulatedPart, shape.parts()), shape: shape,
		begin: beginEmulated,
	}
	for slice := range circuit.Keys {
		circuit.Keys[slice].K = make([]sw_bn254.G1Affine, shape.public(slice)+1)
	}
	for place := range circuit.Parts {
		circuit.Parts[place].Public = make([]frontend.Variable, shape.public(place%len(shape.Slices)))
	}
	return circuit
}

type emulatedArithmetic struct {
	api     frontend.API
	curve   *sw_emulated.Curve[sw_bn254.BaseField, sw_bn254.ScalarField]
	field   *emulated.Field[sw_bn254.BaseField]
	pairing *sw_bn254.Pairing
	sums    map[*emulatedKey][]emulatedSums
}

// emulatedSums are of the points that two neighbouring public values are multiplied with: their sum and their difference
// with both signs, or one point with both signs, by the digits of the two.
type emulatedSums []*sw_bn254.G1Affine

func beginEmulated(api frontend.API) (wrapArithmetic[emulatedKey, emulatedPart], error) {
	curve, err := sw_emulated.New[sw_bn254.BaseField, sw_bn254.ScalarField](api, sw_emulated.GetBN254Params())
	if err != nil {
		return nil, err
	}
	field, err := emulated.NewField[sw_bn254.BaseField](api)
	if err != nil {
		return nil, err
	}
	pairing, err := sw_bn254.NewPairing(api)
	return &emulatedArithmetic{api, curve, field, pairing, map[*emulatedKey][]emulatedSums{}}, err
}

func (a *emulatedArithmetic) public(part *emulatedPart) []frontend.Variable { return part.Public }

// digest is of the limbs themselves, so a coordinate has one spelling.
func (a *emulatedArithmetic) digest(key *emulatedKey) (frontend.Variable, error) {
	hash, err := mimc.NewMiMC(a.api)
	if err != nil {
		return nil, err
	}
	hash.Write(emulatedTag)
	for place := range key.K {
		hash.Write(key.K[place].X.Limbs...)
		hash.Write(key.K[place].Y.Limbs...)
	}
	gamma, delta, rest := &key.GammaNeg.P, &key.DeltaNeg.P, &key.Rest
	for _, coordinate := range []*emulated.Element[sw_bn254.BaseField]{
		&gamma.X.A0, &gamma.X.A1, &gamma.Y.A0, &gamma.Y.A1, &delta.X.A0, &delta.X.A1, &delta.Y.A0, &delta.Y.A1,
		&rest.A0, &rest.A1, &rest.A2, &rest.A3, &rest.A4, &rest.A5, &rest.A6, &rest.A7, &rest.A8, &rest.A9, &rest.A10, &rest.A11,
	} {
		hash.Write(coordinate.Limbs...)
	}
	return hash.Sum(), nil
}

// commitment is SHA-256 of digests and values, of 32 bytes each, without its last three bits: contracts can compute it.
func (a *emulatedArithmetic) commitment(digests, values []frontend.Variable) (frontend.Variable, error) {
	var content []frontend.Variable
	for _, value := range append(append([]frontend.Variable{}, digests...), values...) {
		content = append(content, 0, 0)
		digits := a.api.ToBinary(value, emulatedScalarBits) // below the modulus: one spelling
		for at := range digits {
			content = append(content, digits[len(digits)-1-at])
		}
	}
	digest := sha256Bits{a.api}.sum(content)[:commitmentBits]
	var sum frontend.Variable = 0
	for _, digit := range digest {
		sum = a.api.Add(a.api.Mul(sum, 2), digit)
	}
	return sum, nil
}

// verify is Groth16's equation, with all of it on one side. gnark's own verifier multiplies by hints that a prover can
// choose (its issues 1697 and 1767), and none of its pairings demands that B is on its curve; that B is then in its group
// they do demand, by the multiple of it that they come to.
func (a *emulatedArithmetic) verify(p *emulatedPart, key *emulatedKey) error {
	a.pairing.AssertIsOnG1(&p.Ar)
	a.pairing.AssertIsOnG1(&p.Krs)
	a.pairing.AssertIsOnTwist(&p.Bs)
	// Infinity, spelled (0, 0), passes for a point of the curve, and divides nothing by nothing later on.
	a.api.AssertIsEqual(a.field.IsZero(&p.Ar.Y), 0)
	a.api.AssertIsEqual(a.field.IsZero(&p.Krs.Y), 0)
	a.api.AssertIsEqual(a.pairing.Ext2.IsZero(&p.Bs.P.Y), 0)
	known, err := a.pairing.MillerLoop(
		[]*sw_bn254.G1Affine{a.bound(key, p.Public), &p.Krs}, []*sw_bn254.G2Affine{&key.GammaNeg, &key.DeltaNeg})
	if err != nil {
		return err
	}
	a.pairing.AssertMillerLoopAndFinalExpIsOne(&p.Ar, &p.Bs, a.pairing.Ext12.Mul(known, &key.Rest))
	return nil
}

// bound is what public values bind: K[0] and each value times its point.
//
// No hint has a say in it: a value has digits 1 and -1 (digitsOf), and points are doubled and added. Additions are
// incomplete, and begin at a point of which nobody knows how it comes from those of a key that others made: so no sum meets
// its summand, unless whoever made the key wanted that, which `addable` finds.
func (a *emulatedArithmetic) bound(key *emulatedKey, public []frontend.Variable) *sw_bn254.G1Affine {
	if len(public) == 0 {
		return &key.K[0]
	}
	digits := make([][]frontend.Variable, len(public))
	for at, value := range public {
		digits[at] = a.digitsOf(value)
	}
	sum := a.constant(emulatedStart)
	for at := emulatedScalarBits - 1; at >= 0; at-- {
		for pair, sums := range a.sumsOf(key) {
			var term *sw_bn254.G1Affine
			if len(sums) == 2 {
				term = a.curve.Select(digits[2*pair][at], sums[1], sums[0])
			} else {
				term = a.curve.Lookup2(digits[2*pair][at], digits[2*pair+1][at], sums[0], sums[1], sums[2], sums[3])
			}
			before := sum
			sum = a.curve.Add(before, term)
			if pair == 0 {
				sum = a.curve.Add(sum, before)
			}
		}
	}
	return a.curve.AddUnified(a.curve.AddUnified(sum, a.constant(emulatedEnd)), &key.K[0])
}

// digitsOf returns bits of which each stands for the digit 1 or, where it is not set, -1: the value is the sum of the
// digits times powers of two. As the field is that of the values, these are the bits of another value.
func (a *emulatedArithmetic) digitsOf(value frontend.Variable) []frontend.Variable {
	return a.api.ToBinary(a.api.Mul(a.api.Add(value, allDigits), half), emulatedScalarBits)
}

func (a *emulatedArithmetic) sumsOf(key *emulatedKey) []emulatedSums {
	if made := a.sums[key]; made != nil {
		return made
	}
	var made []emulatedSums
	for at := 1; at < len(key.K); at += 2 {
		one := &key.K[at]
		if at+1 == len(key.K) {
			made = append(made, emulatedSums{a.curve.Neg(one), one})
			continue
		}
		other := &key.K[at+1]
		sum, difference := a.curve.Add(one, other), a.curve.Add(one, a.curve.Neg(other))
		made = append(made, emulatedSums{a.curve.Neg(sum), difference, a.curve.Neg(difference), sum})
	}
	a.sums[key] = made
	return made
}

func (a *emulatedArithmetic) constant(point bn254.G1Affine) *sw_bn254.G1Affine {
	return &sw_bn254.G1Affine{X: *a.field.NewElement(point.X), Y: *a.field.NewElement(point.Y)}
}

// half and allDigits are of digitsOf; a sum begins at emulatedStart and has -emulatedEnd too much at its end.
var (
	half, allDigits = func() (*big.Int, *big.Int) {
		modulus := ecc.BN254.ScalarField()
		all := new(big.Int).Lsh(big.NewInt(1), emulatedScalarBits)
		return new(big.Int).ModInverse(big.NewInt(2), modulus), all.Sub(all, big.NewInt(1)).Mod(all, modulus)
	}()
	emulatedStart, emulatedEnd = func() (start, end bn254.G1Affine) {
		start, _ = bn254.HashToG1([]byte("the point at which sums of public values begin"), []byte("proofgrid wrap 2"))
		end.ScalarMultiplication(&start, new(big.Int).Lsh(big.NewInt(1), emulatedScalarBits))
		end.Neg(&end)
		return start, end
	}()
)
