package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"time"

	bn "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/iop"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	"github.com/consensys/gnark/backend"
	plonk "github.com/consensys/gnark/backend/plonk/bn254"
)

// PLONK on BN254. A key of a circuit has no secret: it commits to the circuit's gates by the points of a ceremony.

const (
	morePoints = 3 // than rows: what hides a wire's values makes its polynomial longer
	rowsMost   = gatesMax
)

func describeGates(request *circuitRequest) (any, error) {
	_, made, err := readGates(request.R1CS)
	if err != nil {
		return nil, err
	}
	rows := made.rows()
	return map[string]any{"gates": made.count(), "rows": rows, "points": rows + morePoints}, nil
}

func readGates(path string) (*circuitFile, *gates, error) {
	circuit, err := readCircuit(path)
	if err != nil {
		return nil, nil, err
	}
	made, err := circuit.gates()
	return circuit, made, err
}

type setupRequest struct {
	R1CS         string
	Wasm         string
	Points       string // of the ceremony
	Own          string // where those that the circuit needs are written
	VerifyingKey string `json:"verifying_key"`
}

// setUp derives a circuit's verifying key, and writes the points that it and its proofs rest on.
func setUp(request *setupRequest) (any, error) {
	circuit, made, err := readGates(request.R1CS)
	if err != nil {
		return nil, err
	}
	progress("points", 100)
	points, err := readPoints(request.Points, made.rows()+morePoints)
	if err != nil {
		return nil, err
	}
	if err := checkPowers(points); err != nil {
		return nil, err
	}
	progress("keys", 500)
	key, err := made.key(points)
	if err != nil {
		return nil, err
	}
	if err := writePoints(request.Own, points); err != nil {
		return nil, err
	}
	if err := os.WriteFile(request.VerifyingKey, spelledKey(key), 0o600); err != nil {
		return nil, err
	}
	return map[string]any{}, checkProgram(circuit.curve, request.Wasm, int(circuit.wires))
}

// key commits to the gates as gnark's setup does, but by coefficients instead of values: for that no points have to be
// brought into another form.
func (g *gates) key(points []bn.G1Affine) (*plonk.VerifyingKey, error) {
	key := emptyKey(g.rows(), g.public)
	domain := fft.NewDomain(key.Size)
	trace := plonk.NewTrace(g.system, domain)
	columns := []*iop.Polynomial{trace.Ql, trace.Qr, trace.Qm, trace.Qo, trace.Qk, trace.S1, trace.S2, trace.S3}
	for place, commitment := range commitmentsOf(key) {
		coefficients := columns[place].Coefficients()
		domain.FFTInverse(coefficients, fft.DIF)
		fft.BitReverse(coefficients)
		made, err := kzg.Commit(coefficients, kzg.ProvingKey{G1: points})
		if err != nil {
			return nil, err
		}
		*commitment = made
	}
	return key, nil
}

// emptyKey has what keys of all circuits of a size have.
func emptyKey(rows, public int) *plonk.VerifyingKey {
	domain := fft.NewDomain(uint64(rows), fft.WithoutPrecompute())
	key := &plonk.VerifyingKey{
		Size: domain.Cardinality, Generator: domain.Generator, CosetShift: domain.FrMultiplicativeGen,
		NbPublicVariables: uint64(public), Kzg: ignition(), Qcp: []kzg.Digest{},
	}
	key.SizeInv.SetUint64(key.Size).Inverse(&key.SizeInv)
	return key
}

func commitmentsOf(key *plonk.VerifyingKey) []*kzg.Digest {
	return []*kzg.Digest{&key.Ql, &key.Qr, &key.Qm, &key.Qo, &key.Qk, &key.S[0], &key.S[1], &key.S[2]}
}

// spelledKey writes what keys differ in: rows, public values, and eight commitments.
func spelledKey(key *plonk.VerifyingKey) []byte {
	made := binary.BigEndian.AppendUint32(nil, uint32(key.Size))
	made = binary.BigEndian.AppendUint32(made, uint32(key.NbPublicVariables))
	for _, commitment := range commitmentsOf(key) {
		point := commitment.Bytes()
		made = append(made, point[:]...)
	}
	return made
}

func readKey(path string) (*plonk.VerifyingKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	wrong := refuse(verifyingKeyField, "it is no verifying key of a circuit for PLONK")
	const head = 8
	if len(content) != head+8*bn.SizeOfG1AffineCompressed {
		return nil, wrong
	}
	rows, public := binary.BigEndian.Uint32(content), binary.BigEndian.Uint32(content[4:])
	if bits.OnesCount32(rows) != 1 || rows < gatesLeast || rows > rowsMost || public > rows {
		return nil, wrong
	}
	key := emptyKey(int(rows), int(public))
	for place, commitment := range commitmentsOf(key) {
		if !readPoint(commitment, content[head+place*bn.SizeOfG1AffineCompressed:]) {
			return nil, wrong
		}
	}
	return key, nil
}

// readPoint reads a compressed point in its one spelling.
func readPoint(point *bn.G1Affine, content []byte) bool {
	content = content[:bn.SizeOfG1AffineCompressed]
	if _, err := point.SetBytes(content); err != nil {
		return false
	}
	again := point.Bytes()
	return string(again[:]) == string(content)
}

const (
	timeOfPoint     = 550 * time.Microsecond // of processor time, to bring it into Lagrange's form
	shareOfLagrange = 700                    // in 1/1000, of a job that begins with it
)

type lagrangeRequest struct {
	Points   string
	Rows     int
	Lagrange string
}

// writeLagrange brings points into the form that provers commit by, once for all circuits with as many rows.
func writeLagrange(request *lagrangeRequest) (any, error) {
	if request.Rows < gatesLeast || request.Rows > rowsMost || bits.OnesCount(uint(request.Rows)) != 1 {
		return nil, refuse(pointsField, "there are no circuits of %d rows", request.Rows)
	}
	points, err := readPoints(request.Points, request.Rows)
	if err != nil {
		return nil, err
	}
	stop := tellTime("points", time.Duration(request.Rows)*timeOfPoint, shareOfLagrange)
	turned, err := kzg.ToLagrangeG1(points)
	stop()
	if err != nil {
		return nil, err
	}
	return map[string]any{}, writePoints(request.Lagrange, turned)
}

type plonkRequest struct {
	executeRequest
	Points       string
	Lagrange     string
	VerifyingKey string `json:"verifying_key"`
}

func provePlonk(request *plonkRequest) (any, error) {
	progress("witness", 0)
	circuit, wires, err := solved(&request.executeRequest)
	if err != nil {
		return nil, err
	}
	progress("key", 200)
	made, err := circuit.gates()
	if err != nil {
		return nil, err
	}
	key := &plonk.ProvingKey{}
	if key.Vk, err = readKey(request.VerifyingKey); err != nil {
		return nil, err
	}
	if key.Vk.Size != uint64(made.rows()) || key.Vk.NbPublicVariables != uint64(made.public) {
		return nil, refuse(verifyingKeyField, "it is the key of another circuit")
	}
	if key.Kzg.G1, err = readPoints(request.Points, made.rows()+morePoints); err != nil {
		return nil, err
	}
	if key.KzgLagrange.G1, err = readPoints(request.Lagrange, made.rows()); err != nil {
		return nil, err
	}
	progress("prove", 300)
	witness := circuit.curve.witness(wires[1:], circuit.public())
	// The shards of the quotient tell of the witness unless they are blinded.
	proof, err := plonk.Prove(made.system, key, witness, backend.WithStatisticalZeroKnowledge())
	if err != nil {
		return nil, refuse("inputs", "what the circuit's program computes of them does not satisfy its constraints")
	}
	return map[string]any{
		"proof": base64.StdEncoding.EncodeToString(spelledProof(proof)), "public": publicValues(circuit, wires),
	}, nil
}

// partsOfProof are the points and values of a proof, in the order in which it is written.
func partsOfProof(proof *plonk.Proof) (points []*bn.G1Affine, values []*fr.Element) {
	points = []*bn.G1Affine{
		&proof.LRO[0], &proof.LRO[1], &proof.LRO[2], &proof.Z, &proof.H[0], &proof.H[1], &proof.H[2],
		&proof.BatchedProof.H, &proof.ZShiftedOpening.H,
	}
	for place := range proof.BatchedProof.ClaimedValues {
		values = append(values, &proof.BatchedProof.ClaimedValues[place])
	}
	return points, append(values, &proof.ZShiftedOpening.ClaimedValue)
}

// spelledProof writes a proof in its one spelling: nine points, compressed, then seven values, big endian. gnark writes
// how many there are besides.
func spelledProof(proof *plonk.Proof) (made []byte) {
	points, values := partsOfProof(proof)
	for _, one := range points {
		content := one.Bytes()
		made = append(made, content[:]...)
	}
	for _, one := range values {
		content := one.Bytes()
		made = append(made, content[:]...)
	}
	return made
}

const valuesAtOnce = 6 // that a proof opens together

func readPlonkProof(text string) (*plonk.Proof, error) {
	proof := &plonk.Proof{Bsb22Commitments: []kzg.Digest{}}
	proof.BatchedProof.ClaimedValues = make([]fr.Element, valuesAtOnce)
	points, values := partsOfProof(proof)
	size := len(points)*bn.SizeOfG1AffineCompressed + len(values)*fr.Bytes
	content, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(content) != size {
		return nil, fmt.Errorf("a proof has %d bytes", size)
	}
	for place, one := range points {
		if !readPoint(one, content[place*bn.SizeOfG1AffineCompressed:]) {
			return nil, errors.New("the proof does not begin with nine points of BN254 in their compressed form")
		}
	}
	content = content[len(points)*bn.SizeOfG1AffineCompressed:]
	for place, one := range values {
		if one.SetBytesCanonical(content[place*fr.Bytes:(place+1)*fr.Bytes]) != nil {
			return nil, errors.New("a value of the proof is not below the modulus of BN254's scalar field")
		}
	}
	return proof, nil
}

func verifyPlonk(request *verifyRequest) (any, error) {
	curve, err := curveOfContracts(request.Curve)
	if err != nil {
		return nil, err
	}
	key, err := readKey(request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	verdicts := make([]string, len(request.Claims))
	for place, one := range request.Claims {
		verdicts[place] = curve.plonkVerdict(key, one)
	}
	return map[string]any{"verdicts": verdicts}, nil
}

func (c *curve) plonkVerdict(key *plonk.VerifyingKey, one claim) string {
	proof, err := readPlonkProof(one.Proof)
	if err != nil {
		return err.Error()
	}
	public, err := c.publicOf(one.Public)
	if err != nil {
		return err.Error()
	}
	if uint64(len(public)) != key.NbPublicVariables {
		return "there are not as many public values as the verifying key takes"
	}
	if err := plonk.Verify(proof, key, c.witness(public, len(public)).Vector().(fr.Vector)); err != nil {
		return "the proof does not verify"
	}
	return ""
}

func exportPlonkVerifier(request *verifyRequest) (any, error) {
	key, err := readKey(request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := key.ExportSolidity(&text); err != nil {
		return nil, err
	}
	return map[string]any{"solidity": text.String()}, nil
}

// contractProof says a proof as its contract takes it, with points that are not compressed.
func contractProof(request *wordsRequest) (any, error) {
	proof, err := readPlonkProof(request.Proof)
	if err != nil {
		return nil, refuse("proof", "%v", err)
	}
	return map[string]any{"proof": base64.StdEncoding.EncodeToString(proof.MarshalSolidity())}, nil
}
