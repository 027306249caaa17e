package main

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bls12-377"
	"github.com/consensys/gnark-crypto/ecc/bw6-761/fr"
	"github.com/consensys/gnark-crypto/hash"
	"github.com/consensys/gnark/backend/groth16"
	backend "github.com/consensys/gnark/backend/groth16/bls12-377"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/algebra/algopts"
	"github.com/consensys/gnark/std/algebra/native/sw_bls12377"
	"github.com/consensys/gnark/std/hash/mimc"
)

// nativeTag is the first thing that a commitment is of; another arrangement of what follows is another number.
const nativeTag = 1

// nativeWraps are of BLS12-377's proofs in one on BW6-761, whose scalar field has the coordinates of the other's points.
type nativeWraps struct{}

// nativeKey is what a verifier needs of the key of one slice.
type nativeKey struct {
	K                  []sw_bls12377.G1Affine
	GammaNeg, DeltaNeg sw_bls12377.G2Affine
	E                  sw_bls12377.GT
}

// nativePart is a proof with its public values.
type nativePart struct {
	Ar, Krs sw_bls12377.G1Affine
	Bs      sw_bls12377.G2Affine
	Public  []frontend.Variable
}

func (nativeWraps) inner() *curve { return curves[1] }

func (nativeWraps) outer() *curve { return outerCurve }

func (nativeWraps) circuit(shape *wrapShape) frontend.Circuit {
	circuit := &wrapCircuit[nativeKey, nativePart]{
		Keys: make([]nativeKey, len(shape.Slices)), Parts: make([]nativePart, shape.parts()), shape: shape, begin: beginNative,
	}
	for slice := range circuit.Keys {
		circuit.Keys[slice].K = make([]sw_bls12377.G1Affine, shape.public(slice)+1)
	}
	for place := range circuit.Parts {
		circuit.Parts[place].Public = make([]frontend.Variable, shape.public(place%len(shape.Slices)))
	}
	return circuit
}

type nativeArithmetic struct {
	api     frontend.API
	pairing *sw_bls12377.Pairing
}

func beginNative(api frontend.API) (wrapArithmetic[nativeKey, nativePart], error) {
	return &nativeArithmetic{api, sw_bls12377.NewPairing(api)}, nil
}

func (a *nativeArithmetic) public(part *nativePart) []frontend.Variable { return part.Public }

func (a *nativeArithmetic) digest(key *nativeKey) (frontend.Variable, error) {
	return a.hashed(key.elements())
}

func (a *nativeArithmetic) commitment(digests, values []frontend.Variable) (frontend.Variable, error) {
	return a.hashed(append(append([]frontend.Variable{nativeTag}, digests...), values...))
}

func (a *nativeArithmetic) hashed(content []frontend.Variable) (frontend.Variable, error) {
	hash, err := mimc.NewMiMC(a.api)
	if err != nil {
		return nil, err
	}
	hash.Write(content...)
	return hash.Sum(), nil
}

// verify is Groth16's equation. gnark's own verifier adds incompletely, so that it cannot take public values that are all
// zero; and a point of a proof is a prover's: that it is on the curve, and in the group, has to be shown.
func (a *nativeArithmetic) verify(p *nativePart, key *nativeKey) error {
	a.pairing.AssertIsOnG1(&p.Ar)
	a.pairing.AssertIsOnG1(&p.Krs)
	a.pairing.AssertIsOnG2(&p.Bs)
	// Infinity, spelled (0, 0), passes for a point of the group, and divides nothing by nothing later on.
	a.api.AssertIsDifferent(p.Ar.Y, 0)
	a.api.AssertIsDifferent(p.Krs.Y, 0)
	a.api.AssertIsEqual(p.Bs.P.Y.IsZero(a.api), 0)
	sum := key.K[0]
	for at, value := range p.Public {
		var bound sw_bls12377.G1Affine
		bound.ScalarMul(a.api, key.K[at+1], value, algopts.WithCompleteArithmetic())
		sum.AddUnified(a.api, bound)
	}
	found, err := a.pairing.Pair(
		[]*sw_bls12377.G1Affine{&sum, &p.Krs, &p.Ar}, []*sw_bls12377.G2Affine{&key.GammaNeg, &key.DeltaNeg, &p.Bs})
	if err != nil {
		return err
	}
	a.pairing.AssertIsEqual(found, &key.E)
	return nil
}

// elements are the coordinates of a key, in the order that its digest is of.
func (k *nativeKey) elements() []frontend.Variable {
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

// --- outside of the circuit -------------------------------------------------------------------------

func (nativeWraps) complaint(verifyingKey groth16.VerifyingKey) string {
	if _, err := nativeValueOf(verifyingKey); err != nil {
		return "it has no pairing"
	}
	return ""
}

// nativeValueOf makes the witness of a key.
func nativeValueOf(verifyingKey groth16.VerifyingKey) (nativeKey, error) {
	key := verifyingKey.(*backend.VerifyingKey)
	target, err := bls12377.Pair([]bls12377.G1Affine{key.G1.Alpha}, []bls12377.G2Affine{key.G2.Beta})
	if err != nil {
		return nativeKey{}, err
	}
	var gammaNeg, deltaNeg bls12377.G2Affine
	gammaNeg.Neg(&key.G2.Gamma)
	deltaNeg.Neg(&key.G2.Delta)
	value := nativeKey{
		K: make([]sw_bls12377.G1Affine, len(key.G1.K)), GammaNeg: sw_bls12377.NewG2Affine(gammaNeg),
		DeltaNeg: sw_bls12377.NewG2Affine(deltaNeg), E: sw_bls12377.NewGTEl(target),
	}
	for place := range key.G1.K {
		value.K[place] = sw_bls12377.NewG1Affine(key.G1.K[place])
	}
	return value, nil
}

func (nativeWraps) assigned(
	keys []groth16.VerifyingKey, proofs []groth16.Proof, public [][]element, commitment *big.Int,
) (frontend.Circuit, error) {
	circuit := &wrapCircuit[nativeKey, nativePart]{Commitment: commitment, Parts: make([]nativePart, len(proofs))}
	for _, key := range keys {
		value, err := nativeValueOf(key)
		if err != nil {
			return nil, err
		}
		circuit.Keys = append(circuit.Keys, value)
	}
	for place := range proofs {
		proof := proofs[place].(*backend.Proof)
		circuit.Parts[place] = nativePart{
			Ar: sw_bls12377.NewG1Affine(proof.Ar), Krs: sw_bls12377.NewG1Affine(proof.Krs),
			Bs: sw_bls12377.NewG2Affine(proof.Bs), Public: variablesOf(public[place]),
		}
	}
	return circuit, nil
}

func (nativeWraps) digest(verifyingKey groth16.VerifyingKey) (*big.Int, error) {
	value, err := nativeValueOf(verifyingKey)
	if err != nil {
		return nil, err
	}
	var content []*big.Int
	for _, one := range value.elements() {
		coordinate := one.(fr.Element)
		content = append(content, coordinate.BigInt(new(big.Int)))
	}
	return hashedByMiMC(hash.MIMC_BW6_761, content), nil
}

func (nativeWraps) commitment(digests, values []*big.Int) *big.Int {
	return hashedByMiMC(hash.MIMC_BW6_761, append(append([]*big.Int{big.NewInt(nativeTag)}, digests...), values...))
}

// addable says whether the circuit's additions of what public values bind are those of the curve. It adds points whose Y
// cancel as if they were opposite, and takes no sum at infinity: a key may be made so that this happens, by its client.
func (nativeWraps) addable(verifyingKey groth16.VerifyingKey, public []element) bool {
	key := verifyingKey.(*backend.VerifyingKey)
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
