package main

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bls12-377"
	"github.com/consensys/gnark-crypto/ecc/bw6-761/fr"
	native "github.com/consensys/gnark-crypto/ecc/bw6-761/fr/mimc"
	backend "github.com/consensys/gnark/backend/groth16/bls12-377"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/algebra/algopts"
	"github.com/consensys/gnark/std/algebra/native/sw_bls12377"
	"github.com/consensys/gnark/std/hash/mimc"
)

// wrapTag is the first thing that a commitment is of; another arrangement of what follows is another number.
const wrapTag = 1

// wrapShape says what a wrap takes: so many chains, each of these slices, with as many outputs and public inputs each.
// What a slice but the first has as public inputs is what the one before it left.
type wrapShape struct {
	Chains int
	Slices [][2]int
}

func (s *wrapShape) parts() int { return s.Chains * len(s.Slices) }

func (s *wrapShape) public(slice int) int { return s.Slices[slice][0] + s.Slices[slice][1] }

// wrapKey is what a verifier needs of the key of one slice.
type wrapKey struct {
	K                  []sw_bls12377.G1Affine
	GammaNeg, DeltaNeg sw_bls12377.G2Affine
	E                  sw_bls12377.GT
}

// wrapPart is a proof with its public values: outputs, then public inputs.
type wrapPart struct {
	Ar, Krs sw_bls12377.G1Affine
	Bs      sw_bls12377.G2Affine
	Public  []frontend.Variable
}

// wrapCircuit says: every part verifies under the key of its slice, every slice begins with what the one before it left,
// and the commitment is of the keys and of all public values.
//
// Keys are part of the witness, so one setup serves all programs of a shape; whoever verifies computes the commitment from
// the keys that it knows.
type wrapCircuit struct {
	Commitment frontend.Variable `gnark:",public"`
	Keys       []wrapKey
	Parts      []wrapPart // chain by chain
	shape      *wrapShape
}

func newWrapCircuit(shape *wrapShape) *wrapCircuit {
	circuit := &wrapCircuit{
		Keys: make([]wrapKey, len(shape.Slices)), Parts: make([]wrapPart, shape.parts()), shape: shape,
	}
	for slice := range circuit.Keys {
		circuit.Keys[slice].K = make([]sw_bls12377.G1Affine, shape.public(slice)+1)
	}
	for place := range circuit.Parts {
		circuit.Parts[place].Public = make([]frontend.Variable, shape.public(place%len(shape.Slices)))
	}
	return circuit
}

func (c *wrapCircuit) Define(api frontend.API) error {
	outer, err := mimc.NewMiMC(api)
	if err != nil {
		return err
	}
	outer.Write(wrapTag)
	for slice := range c.Keys {
		inner, err := mimc.NewMiMC(api)
		if err != nil {
			return err
		}
		inner.Write(c.Keys[slice].elements()...)
		outer.Write(inner.Sum())
	}
	pairing := sw_bls12377.NewPairing(api)
	for place := range c.Parts {
		slice := place % len(c.shape.Slices)
		part := &c.Parts[place]
		if err := part.verify(api, pairing, &c.Keys[slice]); err != nil {
			return err
		}
		outputs := c.shape.Slices[slice][0]
		outer.Write(part.Public[:outputs]...)
		if slice == 0 {
			outer.Write(part.Public[outputs:]...)
			continue
		}
		for at, value := range part.Public[outputs:] {
			api.AssertIsEqual(value, c.Parts[place-1].Public[at])
		}
	}
	api.AssertIsEqual(outer.Sum(), c.Commitment)
	return nil
}

// verify is Groth16's equation. gnark's own verifier adds incompletely, so that it cannot take public values that are all
// zero; and a point of a proof is a prover's: that it is on the curve, and in the group, has to be shown.
func (p *wrapPart) verify(api frontend.API, pairing *sw_bls12377.Pairing, key *wrapKey) error {
	pairing.AssertIsOnG1(&p.Ar)
	pairing.AssertIsOnG1(&p.Krs)
	pairing.AssertIsOnG2(&p.Bs)
	// Infinity, spelled (0, 0), passes for a point of the group, and divides nothing by nothing later on.
	api.AssertIsDifferent(p.Ar.Y, 0)
	api.AssertIsDifferent(p.Krs.Y, 0)
	api.AssertIsEqual(p.Bs.P.Y.IsZero(api), 0)
	sum := key.K[0]
	for at, value := range p.Public {
		var bound sw_bls12377.G1Affine
		bound.ScalarMul(api, key.K[at+1], value, algopts.WithCompleteArithmetic())
		sum.AddUnified(api, bound)
	}
	found, err := pairing.Pair(
		[]*sw_bls12377.G1Affine{&sum, &p.Krs, &p.Ar}, []*sw_bls12377.G2Affine{&key.GammaNeg, &key.DeltaNeg, &p.Bs})
	if err != nil {
		return err
	}
	pairing.AssertIsEqual(found, &key.E)
	return nil
}

// elements are the coordinates of a key, in the order that its digest is of.
func (k *wrapKey) elements() []frontend.Variable {
	var all []frontend.Variable
	for place := range k.K {
		all = append(all, k.K[place].X, k.K[place].Y)
	}
	for _, one := range []*sw_bls12377.G2Affine{&k.GammaNeg, &k.DeltaNeg} {
		all = append(all, one.P.X.A0, one.P.X.A1, one.P.Y.A0, one.P.Y.A1)
	}
	c0, c1 := &k.E.C0, &k.E.C1
	return append(all, c0.B0.A0, c0.B0.A1, c0.B1.A0, c0.B1.A1, c0.B2.A0, c0.B2.A1,
		c1.B0.A0, c1.B0.A1, c1.B1.A0, c1.B1.A1, c1.B2.A0, c1.B2.A1)
}

// valueOf makes the witness of a key.
func valueOf(key *backend.VerifyingKey) (wrapKey, error) {
	target, err := bls12377.Pair([]bls12377.G1Affine{key.G1.Alpha}, []bls12377.G2Affine{key.G2.Beta})
	if err != nil {
		return wrapKey{}, err
	}
	var gammaNeg, deltaNeg bls12377.G2Affine
	gammaNeg.Neg(&key.G2.Gamma)
	deltaNeg.Neg(&key.G2.Delta)
	value := wrapKey{
		K: make([]sw_bls12377.G1Affine, len(key.G1.K)), GammaNeg: sw_bls12377.NewG2Affine(gammaNeg),
		DeltaNeg: sw_bls12377.NewG2Affine(deltaNeg), E: sw_bls12377.NewGTEl(target),
	}
	for place := range key.G1.K {
		value.K[place] = sw_bls12377.NewG1Affine(key.G1.K[place])
	}
	return value, nil
}

// commitment is what the circuit computes, outside of it. `public` holds the public values of each part.
func (s *wrapShape) commitment(keys []wrapKey, public [][]element) fr.Element {
	whole := []fr.Element{fr.NewElement(wrapTag)}
	for place := range keys {
		var content []fr.Element
		for _, value := range keys[place].elements() {
			content = append(content, value.(fr.Element))
		}
		whole = append(whole, hashed(content))
	}
	for place, values := range public {
		slice := place % len(s.Slices)
		if slice > 0 {
			values = values[:s.Slices[slice][0]]
		}
		for _, value := range values {
			var one fr.Element
			one.SetBytes(reversed(value[:]))
			whole = append(whole, one)
		}
	}
	return hashed(whole)
}

func hashed(content []fr.Element) (digest fr.Element) {
	hash := native.NewMiMC()
	for place := range content {
		_, _ = hash.Write(content[place].Marshal()) // whatever is below the modulus is taken
	}
	digest.SetBytes(hash.Sum(nil))
	return digest
}

func bigOf(value element) *big.Int { return new(big.Int).SetBytes(reversed(value[:])) }

// addable says whether the circuit's additions of what public values bind are those of the curve. It adds points whose Y
// cancel as if they were opposite, and takes no sum at infinity: a key may be made so that this happens, by its client.
func addable(key *backend.VerifyingKey, public []element) bool {
	sum := key.G1.K[0]
	for at, value := range public {
		var bound bls12377.G1Affine
		bound.ScalarMultiplication(&key.G1.K[at+1], bigOf(value))
		if bound.IsInfinity() {
			continue
		}
		var cancelled bls12377.G1Affine
		cancelled.Neg(&bound)
		if !sum.IsInfinity() && sum.Y.Equal(&cancelled.Y) {
			return false
		}
		sum.Add(&sum, &bound)
	}
	return !sum.IsInfinity()
}
