package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"math/big"
	"os"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	bn254 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
)

const (
	provingKeyField   = "source.proving_key"
	verifyingKeyField = "source.verifying_key"
	// A, B and C, compressed: 32, 64 and 32 bytes.
	proofBytes = curve.SizeOfG1AffineCompressed + curve.SizeOfG2AffineCompressed + curve.SizeOfG1AffineCompressed
)

type circuitRequest struct{ R1CS string }

func describeCircuit(request *circuitRequest) (any, error) {
	circuit, err := readCircuit(request.R1CS)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"constraints": circuit.constraints, "wires": circuit.wires, "outputs": circuit.outputs,
		"public_inputs": circuit.inputs, "private_inputs": circuit.privateInputs,
	}, nil
}

type keysRequest struct {
	R1CS         string
	Wasm         string
	ProvingKey   string `json:"proving_key"`
	VerifyingKey string `json:"verifying_key"`
}

// generateKeys runs a setup whose randomness nobody keeps, and nobody can be sure of that: for development.
func generateKeys(request *keysRequest) (any, error) {
	circuit, err := readCircuit(request.R1CS)
	if err != nil {
		return nil, err
	}
	progress("setup", 0)
	provingKey, verifyingKey := new(bn254.ProvingKey), new(bn254.VerifyingKey)
	if err := bn254.Setup(circuit.system(), provingKey, verifyingKey); err != nil {
		return nil, refuse(r1csField, "no keys can be made for it: %s", firstLine(err))
	}
	progress("write", 900)
	// Points that we made ourselves are in their groups: raw, so that a prover reads them without taking roots.
	if err := writeFile(request.ProvingKey, provingKey.WriteRawTo); err != nil {
		return nil, err
	}
	if err := writeFile(request.VerifyingKey, verifyingKey.WriteTo); err != nil {
		return nil, err
	}
	return map[string]any{}, nil
}

// checkKeys says whether circuit, program and keys may belong together: sizes, and the points that both keys hold.
func checkKeys(request *keysRequest) (any, error) {
	circuit, err := readCircuit(request.R1CS)
	if err != nil {
		return nil, err
	}
	verifyingKey, err := readVerifyingKey(request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	if verifyingKey.NbPublicWitness() != int(circuit.outputs+circuit.inputs) {
		return nil, refuse(verifyingKeyField, "it is for %d public values, the circuit has %d",
			verifyingKey.NbPublicWitness(), circuit.outputs+circuit.inputs)
	}
	for place, point := range verifyingKey.G1.K[1:] {
		if point.IsInfinity() {
			return nil, refuse(verifyingKeyField, "it binds public value %d to nothing: a proof would verify for any other", place)
		}
	}
	provingKey := new(bn254.ProvingKey)
	if err := readFile(request.ProvingKey, provingKey.ReadFrom); err != nil {
		return nil, refuse(provingKeyField, "it is no proving key of gnark's Groth16 on BN254")
	}
	if len(provingKey.InfinityA) != int(circuit.wires) {
		return nil, refuse(provingKeyField, "it is for %d wires, the circuit has %d", len(provingKey.InfinityA), circuit.wires)
	}
	if provingKey.G1.Alpha != verifyingKey.G1.Alpha || provingKey.G1.Beta != verifyingKey.G1.Beta ||
		provingKey.G1.Delta != verifyingKey.G1.Delta || provingKey.G2.Beta != verifyingKey.G2.Beta ||
		provingKey.G2.Delta != verifyingKey.G2.Delta {
		return nil, refuse(provingKeyField, "it does not belong to the verifying key")
	}
	return map[string]any{}, checkProgram(request.Wasm, int(circuit.wires))
}

type executeRequest struct {
	R1CS   string
	Wasm   string
	Inputs Inputs
}

// execute says which public values an input leads to, or what is wrong with it; nothing is proven.
func execute(request *executeRequest) (any, error) {
	circuit, wires, err := solved(request)
	if err != nil {
		return nil, err
	}
	if _, err := circuit.system().Solve(fullWitness(circuit, wires)); err != nil {
		return nil, refuse("inputs", "what the circuit's program computes of them does not satisfy its constraints")
	}
	return map[string]any{"public": publicValues(circuit, wires)}, nil
}

type proveRequest struct {
	executeRequest
	ProvingKey string `json:"proving_key"`
}

func prove(request *proveRequest) (any, error) {
	progress("witness", 0)
	circuit, wires, err := solved(&request.executeRequest)
	if err != nil {
		return nil, err
	}
	progress("key", 200)
	provingKey := new(bn254.ProvingKey)
	// Its digest was checked by whoever asks; subgroup checks would take longer than the proof.
	if err := readFile(request.ProvingKey, provingKey.UnsafeReadFrom); err != nil {
		return nil, refuse(provingKeyField, "it is no proving key of gnark's Groth16 on BN254")
	}
	progress("prove", 400)
	proof, err := bn254.Prove(circuit.system(), provingKey, fullWitness(circuit, wires))
	if err != nil {
		return nil, refuse("inputs", "what the circuit's program computes of them does not satisfy its constraints")
	}
	return map[string]any{"proof": spelled(proof), "public": publicValues(circuit, wires)}, nil
}

func solved(request *executeRequest) (*circuitFile, []fr.Element, error) {
	circuit, err := readCircuit(request.R1CS)
	if err != nil {
		return nil, nil, err
	}
	wires, err := calculate(request.Wasm, request.Inputs)
	if err != nil {
		return nil, nil, err
	}
	if len(wires) != int(circuit.wires) || !wires[0].IsOne() {
		return nil, nil, refuse(wasmField, "it computes %d wires, the circuit has %d", len(wires), circuit.wires)
	}
	return circuit, wires, nil
}

type claim struct {
	Proof  string   // base64
	Public []string // in decimal: outputs, then public inputs
}

type verifyRequest struct {
	VerifyingKey string `json:"verifying_key"`
	Claims       []claim
}

// verify says of each claim what is wrong with it; "" for a right one.
func verify(request *verifyRequest) (any, error) {
	verifyingKey, err := readVerifyingKey(request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	verdicts := make([]string, len(request.Claims))
	for place, one := range request.Claims {
		verdicts[place] = verdict(verifyingKey, one)
	}
	return map[string]any{"verdicts": verdicts}, nil
}

func verdict(verifyingKey *bn254.VerifyingKey, one claim) string {
	proof, wrong := readProof(one.Proof)
	if wrong != "" {
		return wrong
	}
	public := make(fr.Vector, len(one.Public))
	for place, text := range one.Public {
		value, err := parse(text)
		if err != nil {
			return "a public value is " + err.Error()
		}
		public[place], _ = element(value)
	}
	if len(public) != verifyingKey.NbPublicWitness() {
		return "there are not as many public values as the verifying key takes"
	}
	if err := bn254.Verify(proof, verifyingKey, public); err != nil {
		return "the proof does not verify"
	}
	return ""
}

func exportVerifier(request *verifyRequest) (any, error) {
	verifyingKey, err := readVerifyingKey(request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := verifyingKey.ExportSolidity(&text); err != nil {
		return nil, err
	}
	return map[string]any{"solidity": text.String()}, nil
}

func readVerifyingKey(path string) (*bn254.VerifyingKey, error) {
	verifyingKey := new(bn254.VerifyingKey)
	if err := readFile(path, verifyingKey.ReadFrom); err != nil {
		return nil, refuse(verifyingKeyField, "it is no verifying key of gnark's Groth16 on BN254")
	}
	if len(verifyingKey.PublicAndCommitmentCommitted) != 0 || len(verifyingKey.CommitmentKeys) != 0 {
		return nil, refuse(verifyingKeyField, "it asks for commitments, which circom's circuits have not")
	}
	return verifyingKey, nil
}

func spelled(proof *bn254.Proof) string {
	a, b, c := proof.Ar.Bytes(), proof.Bs.Bytes(), proof.Krs.Bytes()
	return base64.StdEncoding.EncodeToString(append(append(a[:], b[:]...), c[:]...))
}

// readProof takes a proof in its one spelling: points of the right groups, compressed, nothing before or behind.
func readProof(text string) (*bn254.Proof, string) {
	content, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(content) != proofBytes {
		return nil, "a proof has 128 bytes"
	}
	proof := new(bn254.Proof)
	at := curve.SizeOfG1AffineCompressed
	to := at + curve.SizeOfG2AffineCompressed
	_, first := proof.Ar.SetBytes(content[:at])
	_, second := proof.Bs.SetBytes(content[at:to])
	_, third := proof.Krs.SetBytes(content[to:])
	if first != nil || second != nil || third != nil || spelled(proof) != text {
		return nil, "the proof is not three points of BN254 in their compressed form"
	}
	if proof.Ar.IsInfinity() || proof.Bs.IsInfinity() || proof.Krs.IsInfinity() {
		return nil, "a point of the proof is at infinity"
	}
	return proof, ""
}

func fullWitness(circuit *circuitFile, wires []fr.Element) witness.Witness {
	made, _ := witness.New(ecc.BN254.ScalarField())
	values := make(chan any)
	go func() {
		defer close(values)
		for _, value := range wires[1:] {
			values <- value
		}
	}()
	public := int(circuit.outputs + circuit.inputs)
	_ = made.Fill(public, len(wires)-1-public, values) // there are as many as there are
	return made
}

func publicValues(circuit *circuitFile, wires []fr.Element) []string {
	values := make([]string, circuit.outputs+circuit.inputs)
	for place := range values {
		var number big.Int
		values[place] = wires[place+1].BigInt(&number).String()
	}
	return values
}

func readFile(path string, readFrom func(io.Reader) (int64, error)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReaderSize(file, 1<<20)
	if _, err := readFrom(reader); err != nil {
		return err
	}
	if _, err := reader.ReadByte(); err != io.EOF {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func writeFile(path string, writeTo func(io.Writer) (int64, error)) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	writer := bufio.NewWriterSize(file, 1<<20)
	if _, err := writeTo(writer); err != nil {
		return err
	}
	if err := writer.Flush(); err != nil {
		return err
	}
	return file.Close()
}
