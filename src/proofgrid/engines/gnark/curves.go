package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/backend/groth16"
	bls12377 "github.com/consensys/gnark/backend/groth16/bls12-377"
	bn254 "github.com/consensys/gnark/backend/groth16/bn254"
	bw6761 "github.com/consensys/gnark/backend/groth16/bw6-761"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/constraint"
	csBLS12377 "github.com/consensys/gnark/constraint/bls12-377"
	csBN254 "github.com/consensys/gnark/constraint/bn254"
)

// curve is what circuits are proven on: the one whose scalar field is that of the prime they were compiled for.
type curve struct {
	id        ecc.ID
	name      string // in requests, answers and identities of programs
	prime     string // as circom's --prime spells it
	title     string // for people
	newSystem func(capacity int) constraint.R1CS[constraint.U64]
	g1Bytes   int // of a compressed point
	g2Bytes   int
	modulus   element
	// commitments are in a proof behind its three points, and then one point that shows that they are known
	commitments int
}

var curves = []*curve{
	{
		id: ecc.BN254, name: "bn254", prime: "bn128", title: "BN254", g1Bytes: 32, g2Bytes: 64,
		newSystem: func(capacity int) constraint.R1CS[constraint.U64] { return csBN254.NewR1CS(capacity) },
		modulus:   littleEndian(ecc.BN254.ScalarField()),
	},
	{
		id: ecc.BLS12_377, name: "bls12377", prime: "bls12377", title: "BLS12-377", g1Bytes: 48, g2Bytes: 96,
		newSystem: func(capacity int) constraint.R1CS[constraint.U64] { return csBLS12377.NewR1CS(capacity) },
		modulus:   littleEndian(ecc.BLS12_377.ScalarField()),
	},
}

// outerCurve is what wraps are proven on: its scalar field is the one that the points of BLS12-377 have their coordinates in.
// No circuit of circom is compiled for it.
var outerCurve = &curve{id: ecc.BW6_761, name: "bw6761", title: "BW6-761", g1Bytes: 96, g2Bytes: 96}

// contractCurve is what wraps are proven on that contracts verify. Computing in limbs takes a commitment.
var contractCurve = &curve{id: ecc.BN254, name: "bn254", title: "BN254", g1Bytes: 32, g2Bytes: 64, commitments: 1}

const primes = "bn128 or bls12377"

func curveOfModulus(modulus []byte) *curve {
	for _, one := range curves {
		if bytes.Equal(modulus, one.modulus[:]) {
			return one
		}
	}
	return nil
}

func curveNamed(name string) (*curve, error) {
	for _, one := range curves {
		if one.name == name {
			return one, nil
		}
	}
	return nil, refuse("curve", "there are no proofs on a curve %q", name)
}

// element is a value of a scalar field as circom's files hold it: little endian, below the modulus.
type element [elementBytes]byte

// element reads a value; ok is false for one that is not below the modulus.
func (c *curve) element(content []byte) (value element, ok bool) {
	copy(value[:], content)
	for at := elementBytes - 1; at >= 0; at-- {
		if value[at] != c.modulus[at] {
			return value, value[at] < c.modulus[at]
		}
	}
	return value, false
}

func littleEndian(value *big.Int) (made element) {
	value.FillBytes(made[:])
	return element(reversed(made[:]))
}

func (e element) decimal() string { return new(big.Int).SetBytes(reversed(e[:])).String() }

// witness makes gnark's form of the values of wires, of which `public` come first; wire 0 is not among them.
func (c *curve) witness(wires []element, public int) witness.Witness {
	made, _ := witness.New(c.id.ScalarField())
	values := make(chan any)
	go func() {
		defer close(values)
		for _, value := range wires {
			values <- reversed(value[:])
		}
	}()
	_ = made.Fill(public, len(wires)-public, values) // there are as many as there are
	return made
}

// proofBytes is the size of A, B and C, and of commitments and what shows that they are known, compressed.
func (c *curve) proofBytes() int {
	if c.commitments == 0 {
		return c.threePoints()
	}
	return c.threePoints() + (c.commitments+1)*c.g1Bytes
}

func (c *curve) threePoints() int { return 2*c.g1Bytes + c.g2Bytes }

// countBytes are how gnark says, behind the three points, how many commitments follow.
const countBytes = 4

// spelled writes a proof in its one spelling: as gnark does, without a count of commitments.
func (c *curve) spelled(proof groth16.Proof) string {
	content, three := written(proof), c.threePoints()
	content = append(append([]byte{}, content[:three]...), content[three+countBytes:]...)
	return base64.StdEncoding.EncodeToString(content[:c.proofBytes()])
}

// readProof takes a proof in its one spelling: points of the right groups, compressed, nothing before or behind.
func (c *curve) readProof(text string) (groth16.Proof, error) {
	content, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(content) != c.proofBytes() {
		return nil, fmt.Errorf("a proof on %s has %d bytes", c.title, c.proofBytes())
	}
	proof, three := groth16.NewProof(c.id), c.threePoints()
	whole := binary.BigEndian.AppendUint32(append([]byte{}, content[:three]...), uint32(c.commitments))
	if whole = append(whole, content[three:]...); c.commitments == 0 {
		whole = append(whole, written(proof)[three+countBytes:]...) // no knowledge of nothing
	}
	if _, err := proof.ReadFrom(bytes.NewReader(whole)); err != nil || c.spelled(proof) != text {
		return nil, fmt.Errorf("the proof is not three points of %s in their compressed form", c.title)
	}
	for _, one := range pointsOfProof(proof) {
		if one.IsInfinity() {
			return nil, errors.New("a point of the proof is at infinity")
		}
	}
	return proof, nil
}

func written(proof groth16.Proof) []byte {
	var content bytes.Buffer
	_, _ = proof.WriteTo(&content) // nothing can be wrong with a buffer
	return content.Bytes()
}

// point is one of G1 or G2 of any curve.
type point interface {
	IsInfinity() bool
	Marshal() []byte
}

func pointsOfProof(proof groth16.Proof) []point {
	switch proof := proof.(type) {
	case *bn254.Proof:
		return []point{&proof.Ar, &proof.Bs, &proof.Krs}
	case *bls12377.Proof:
		return []point{&proof.Ar, &proof.Bs, &proof.Krs}
	case *bw6761.Proof:
		return []point{&proof.Ar, &proof.Bs, &proof.Krs}
	}
	panic("a curve that is in no table")
}

// provingParts returns how many wires a proving key is for, and the points that stand in its verifying key too.
func provingParts(key groth16.ProvingKey) (wires int, shared []point) {
	switch key := key.(type) {
	case *bn254.ProvingKey:
		return len(key.InfinityA), []point{&key.G1.Alpha, &key.G1.Beta, &key.G1.Delta, &key.G2.Beta, &key.G2.Delta}
	case *bls12377.ProvingKey:
		return len(key.InfinityA), []point{&key.G1.Alpha, &key.G1.Beta, &key.G1.Delta, &key.G2.Beta, &key.G2.Delta}
	case *bw6761.ProvingKey:
		return len(key.InfinityA), []point{&key.G1.Alpha, &key.G1.Beta, &key.G1.Delta, &key.G2.Beta, &key.G2.Delta}
	}
	panic("a curve that is in no table")
}

// verifyingParts returns the points that bind public values, those that stand in the proving key too, and how many
// commitments a verifying key asks for.
func verifyingParts(key groth16.VerifyingKey) (binding, shared []point, commitments int) {
	switch key := key.(type) {
	case *bn254.VerifyingKey:
		shared = []point{&key.G1.Alpha, &key.G1.Beta, &key.G1.Delta, &key.G2.Beta, &key.G2.Delta}
		return points(key.G1.K), shared, len(key.PublicAndCommitmentCommitted) + len(key.CommitmentKeys)
	case *bw6761.VerifyingKey:
		shared = []point{&key.G1.Alpha, &key.G1.Beta, &key.G1.Delta, &key.G2.Beta, &key.G2.Delta}
		return points(key.G1.K), shared, len(key.PublicAndCommitmentCommitted) + len(key.CommitmentKeys)
	case *bls12377.VerifyingKey:
		shared = []point{&key.G1.Alpha, &key.G1.Beta, &key.G1.Delta, &key.G2.Beta, &key.G2.Delta}
		return points(key.G1.K), shared, len(key.PublicAndCommitmentCommitted) + len(key.CommitmentKeys)
	}
	panic("a curve that is in no table")
}

// commitsAsWraps says whether what a key commits to are no public values, so that none has to be hashed along.
func commitsAsWraps(key groth16.VerifyingKey) bool {
	onBN254, ok := key.(*bn254.VerifyingKey)
	return !ok || !slices.ContainsFunc(onBN254.PublicAndCommitmentCommitted, func(one []int) bool { return len(one) != 0 })
}

// deltaIsGamma says whether a key is one of snarkjs before its second phase, for which proofs can be forged.
func deltaIsGamma(key groth16.VerifyingKey) bool {
	switch key := key.(type) {
	case *bn254.VerifyingKey:
		return key.G2.Delta.Equal(&key.G2.Gamma)
	case *bls12377.VerifyingKey:
		return key.G2.Delta.Equal(&key.G2.Gamma)
	}
	panic("a curve that is in no table")
}

func points[P any, Pointer interface {
	*P
	point
}](list []P) []point {
	made := make([]point, len(list))
	for place := range list {
		made[place] = Pointer(&list[place])
	}
	return made
}

func reversed(content []byte) []byte {
	turned := make([]byte, len(content))
	for place, value := range content {
		turned[len(content)-1-place] = value
	}
	return turned
}
