package main

import (
	"crypto/sha256"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/hash"
	"github.com/consensys/gnark/backend/groth16"
	backend "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/algebra/emulated/sw_bn254"
)

// commitmentBits are as many as fit below the modulus of BN254's scalar field, whatever they are.
const commitmentBits = 253

// complaint says what is wrong with a key. At infinity, points of G2 would leave a prover lines to choose.
func (emulatedWraps) complaint(verifyingKey groth16.VerifyingKey) string {
	key := verifyingKey.(*backend.VerifyingKey)
	infinity := key.G1.Alpha.IsInfinity() || key.G2.Beta.IsInfinity() || key.G2.Gamma.IsInfinity() || key.G2.Delta.IsInfinity()
	for place := range key.G1.K[1:] {
		infinity = infinity || key.G1.K[place+1].IsInfinity()
	}
	if infinity {
		return "a point of it is at infinity"
	}
	return ""
}

func emulatedValueOf(key *backend.VerifyingKey) (emulatedKey, error) {
	gammaNeg, deltaNeg, rest, err := negated(key)
	value := emulatedKey{
		K: make([]sw_bn254.G1Affine, len(key.G1.K)), GammaNeg: sw_bn254.NewG2Affine(gammaNeg),
		DeltaNeg: sw_bn254.NewG2Affine(deltaNeg), Rest: sw_bn254.NewGTEl(rest),
	}
	for place := range key.G1.K {
		value.K[place] = sw_bn254.NewG1Affine(key.G1.K[place])
	}
	return value, err
}

// negated returns what of a key stands on the other side of the equation.
func negated(key *backend.VerifyingKey) (gamma, delta bn254.G2Affine, rest bn254.GT, err error) {
	gamma.Neg(&key.G2.Gamma)
	delta.Neg(&key.G2.Delta)
	rest, err = bn254.Pair([]bn254.G1Affine{key.G1.Alpha}, []bn254.G2Affine{key.G2.Beta})
	rest.Exp(rest, beforeFinalExponentiation)
	return gamma, delta, rest, err
}

// beforeFinalExponentiation is the power that gnark's final exponentiation turns into the inverse: -1 / s(p^12 - 1)/r,
// modulo r, where s = 2x(6x^2 + 3x + 1) and x is BN254's seed.
var beforeFinalExponentiation = func() *big.Int {
	p, r, x, one := ecc.BN254.BaseField(), ecc.BN254.ScalarField(), big.NewInt(4965661367192848881), big.NewInt(1)
	power := new(big.Int).Exp(p, big.NewInt(12), nil)
	power.Div(power.Sub(power, one), r)
	cofactor := new(big.Int).Mul(x, big.NewInt(6)) // 6x
	cofactor.Add(cofactor, big.NewInt(3)).Mul(cofactor, x).Add(cofactor, one).Mul(cofactor, x).Lsh(cofactor, 1)
	power.Mul(power, cofactor).Neg(power)
	return power.ModInverse(power.Mod(power, r), r)
}()

func (emulatedWraps) assigned(
	keys []groth16.VerifyingKey, proofs []groth16.Proof, public [][]element, commitment *big.Int,
) (frontend.Circuit, error) {
	circuit := &wrapCircuit[emulatedKey, emulatedPart]{Commitment: commitment, Parts: make([]emulatedPart, len(proofs))}
	for _, key := range keys {
		value, err := emulatedValueOf(key.(*backend.VerifyingKey))
		if err != nil {
			return nil, err
		}
		circuit.Keys = append(circuit.Keys, value)
	}
	for place := range proofs {
		proof := proofs[place].(*backend.Proof)
		circuit.Parts[place] = emulatedPart{
			Ar: sw_bn254.NewG1Affine(proof.Ar), Krs: sw_bn254.NewG1Affine(proof.Krs), Bs: sw_bn254.NewG2Affine(proof.Bs),
			Public: variablesOf(public[place]),
		}
	}
	return circuit, nil
}

func (emulatedWraps) digest(verifyingKey groth16.VerifyingKey) (*big.Int, error) {
	key := verifyingKey.(*backend.VerifyingKey)
	gammaNeg, deltaNeg, rest, err := negated(key)
	if err != nil {
		return nil, err
	}
	content := []*big.Int{big.NewInt(emulatedTag)}
	add := func(coordinates ...fp.Element) {
		for place := range coordinates {
			left := coordinates[place].BigInt(new(big.Int))
			for range 4 {
				content = append(content, new(big.Int).And(left, limbMask))
				left.Rsh(left, 64)
			}
		}
	}
	for _, point := range key.G1.K {
		add(point.X, point.Y)
	}
	for _, point := range []bn254.G2Affine{gammaNeg, deltaNeg} {
		add(point.X.A0, point.X.A1, point.Y.A0, point.Y.A1)
	}
	// gnark's circuits hold GT as polynomials in one root, whose sixth power is 9 + u
	tower := []bn254.E2{rest.C0.B0, rest.C1.B0, rest.C0.B1, rest.C1.B1, rest.C0.B2, rest.C1.B2}
	for _, one := range tower {
		var nine fp.Element
		nine.SetUint64(9)
		nine.Mul(&nine, &one.A1)
		nine.Sub(&one.A0, &nine)
		add(nine)
	}
	for _, one := range tower {
		add(one.A1)
	}
	return hashedByMiMC(hash.MIMC_BN254, content), nil
}

var limbMask = new(big.Int).SetUint64(1<<64 - 1)

func (emulatedWraps) commitment(digests, values []*big.Int) *big.Int {
	sum := sha256.New()
	for _, value := range append(append([]*big.Int{}, digests...), values...) {
		sum.Write(value.FillBytes(make([]byte, 32)))
	}
	digest := new(big.Int).SetBytes(sum.Sum(nil))
	return digest.Rsh(digest, 256-commitmentBits)
}

// addable says whether the circuit's additions of what public values bind are those of the curve, by doing them: a key may
// be made so that a sum meets its summand, by its client.
func (emulatedWraps) addable(verifyingKey groth16.VerifyingKey, public []element) bool {
	key := verifyingKey.(*backend.VerifyingKey)
	if len(public) == 0 {
		return true
	}
	fine, sums := true, [][]bn254.G1Affine{}
	added := func(one, other bn254.G1Affine) (sum bn254.G1Affine) {
		fine = fine && !one.X.Equal(&other.X)
		sum.Add(&one, &other)
		return sum
	}
	minus := func(point bn254.G1Affine) (made bn254.G1Affine) {
		made.Neg(&point)
		return made
	}
	for at := 1; at < len(key.G1.K); at += 2 {
		one := key.G1.K[at]
		if at+1 == len(key.G1.K) {
			sums = append(sums, []bn254.G1Affine{minus(one), one, minus(one), one})
			continue
		}
		sum, difference := added(one, key.G1.K[at+1]), added(one, minus(key.G1.K[at+1]))
		sums = append(sums, []bn254.G1Affine{minus(sum), difference, minus(difference), sum})
	}
	digits := make([]*big.Int, len(public)+1)
	for at := range digits {
		digits[at] = new(big.Int)
		if at < len(public) {
			digits[at].Mul(digits[at].Add(bigOf(public[at]), allDigits), half)
			digits[at].Mod(digits[at], curves[0].id.ScalarField())
		}
	}
	sum := emulatedStart
	for at := emulatedScalarBits - 1; at >= 0; at-- {
		for pair := range sums {
			before := sum
			sum = added(before, sums[pair][digits[2*pair].Bit(at)+2*digits[2*pair+1].Bit(at)])
			if pair == 0 {
				sum = added(sum, before)
			}
		}
	}
	for _, point := range []bn254.G1Affine{emulatedEnd, key.G1.K[0]} {
		// the complete addition takes points whose Y cancel for opposite ones
		opposite := minus(point)
		fine = fine && (sum.Equal(&opposite) || !sum.Y.Equal(&opposite.Y) || sum.IsInfinity() || point.IsInfinity())
		sum.Add(&sum, &point)
	}
	return fine
}
