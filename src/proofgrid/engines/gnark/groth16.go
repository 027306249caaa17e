package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/backend/groth16"
)

const (
	provingKeyField   = "source.proving_key"
	verifyingKeyField = "source.verifying_key"
)

type circuitRequest struct{ R1CS string }

func describeCircuit(request *circuitRequest) (any, error) {
	circuit, err := readCircuit(request.R1CS)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"curve": circuit.curve.name, "constraints": circuit.constraints, "wires": circuit.wires, "outputs": circuit.outputs,
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
	provingKey, verifyingKey, err := groth16.Setup(circuit.system())
	if err != nil {
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
	verifyingKey, err := readVerifyingKey(circuit.curve, request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	if verifyingKey.NbPublicWitness() != circuit.public() {
		return nil, refuse(verifyingKeyField, "it is for %d public values, the circuit has %d",
			verifyingKey.NbPublicWitness(), circuit.public())
	}
	binding, shared, _ := verifyingParts(verifyingKey)
	if deltaIsGamma(verifyingKey) {
		return nil, refuse(verifyingKeyField, "its delta is its gamma, so anybody can forge proofs: nobody has contributed to it")
	}
	for place, point := range binding[1:] {
		if point.IsInfinity() {
			return nil, refuse(verifyingKeyField, "it binds public value %d to nothing: a proof would verify for any other", place)
		}
	}
	provingKey := groth16.NewProvingKey(circuit.curve.id)
	if err := readFile(request.ProvingKey, provingKey.ReadFrom); err != nil {
		return nil, refuse(provingKeyField, "it is no proving key of gnark's Groth16 on %s", circuit.curve.title)
	}
	wires, others := provingParts(provingKey)
	if wires != int(circuit.wires) {
		return nil, refuse(provingKeyField, "it is for %d wires, the circuit has %d", wires, circuit.wires)
	}
	for place, point := range shared {
		if !bytes.Equal(point.Marshal(), others[place].Marshal()) {
			return nil, refuse(provingKeyField, "it does not belong to the verifying key")
		}
	}
	return map[string]any{}, checkProgram(circuit.curve, request.Wasm, int(circuit.wires))
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
	if _, err := circuit.system().Solve(circuit.curve.witness(wires[1:], circuit.public())); err != nil {
		return nil, refuse("inputs", "what the circuit's program computes of them does not satisfy its constraints")
	}
	return map[string]any{"public": publicValues(circuit, wires)}, nil
}

type proveRequest struct {
	executeRequest
	ProvingKey string `json:"proving_key"`
	Snarkjs    bool   // the keys were made by snarkjs
}

func prove(request *proveRequest) (any, error) {
	progress("witness", 0)
	circuit, wires, err := solved(&request.executeRequest)
	if err != nil {
		return nil, err
	}
	circuit.rowsOfSnarkjs = request.Snarkjs
	progress("key", 200)
	provingKey := groth16.NewProvingKey(circuit.curve.id)
	// Its digest was checked by whoever asks; subgroup checks would take longer than the proof.
	if err := readFile(request.ProvingKey, provingKey.UnsafeReadFrom); err != nil {
		return nil, refuse(provingKeyField, "it is no proving key of gnark's Groth16 on %s", circuit.curve.title)
	}
	progress("prove", 400)
	proof, err := groth16.Prove(circuit.system(), provingKey, circuit.curve.witness(wires[1:], circuit.public()))
	if err != nil {
		return nil, refuse("inputs", "what the circuit's program computes of them does not satisfy its constraints")
	}
	return map[string]any{"proof": circuit.curve.spelled(proof), "public": publicValues(circuit, wires)}, nil
}

func solved(request *executeRequest) (*circuitFile, []element, error) {
	circuit, err := readCircuit(request.R1CS)
	if err != nil {
		return nil, nil, err
	}
	wires, err := calculate(circuit.curve, request.Wasm, request.Inputs)
	if err != nil {
		return nil, nil, err
	}
	if len(wires) != int(circuit.wires) || wires[0] != (element{1}) {
		return nil, nil, refuse(wasmField, "it computes %d wires, the circuit has %d", len(wires), circuit.wires)
	}
	return circuit, wires, nil
}

type claim struct {
	Proof  string   // base64
	Public []string // in decimal: outputs, then public inputs
}

type verifyRequest struct {
	Curve        string
	VerifyingKey string `json:"verifying_key"`
	Claims       []claim
}

// verify says of each claim what is wrong with it; "" for a right one.
func verify(request *verifyRequest) (any, error) {
	curve, err := curveNamed(request.Curve)
	if err != nil {
		return nil, err
	}
	verifyingKey, err := readVerifyingKey(curve, request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	verdicts := make([]string, len(request.Claims))
	for place, one := range request.Claims {
		verdicts[place] = curve.verdict(verifyingKey, one)
	}
	return map[string]any{"verdicts": verdicts}, nil
}

func (c *curve) verdict(verifyingKey groth16.VerifyingKey, one claim) string {
	proof, err := c.readProof(one.Proof)
	if err != nil {
		return err.Error()
	}
	public, err := c.publicOf(one.Public)
	if err != nil {
		return err.Error()
	}
	if len(public) != verifyingKey.NbPublicWitness() {
		return "there are not as many public values as the verifying key takes"
	}
	if err := groth16.Verify(proof, verifyingKey, c.witness(public, len(public))); err != nil {
		return "the proof does not verify"
	}
	return ""
}

func (c *curve) publicOf(texts []string) ([]element, error) {
	public := make([]element, len(texts))
	for place, text := range texts {
		value, err := c.parse(text)
		if err != nil {
			return nil, fmt.Errorf("a public value is %w", err)
		}
		public[place] = value
	}
	return public, nil
}

func exportVerifier(request *verifyRequest) (any, error) {
	curve, err := curveOfContracts(request.Curve)
	if err != nil {
		return nil, err
	}
	verifyingKey, err := readVerifyingKey(curve, request.VerifyingKey)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := verifyingKey.ExportSolidity(&text); err != nil {
		return nil, err
	}
	return map[string]any{"solidity": text.String()}, nil
}

type wordsRequest struct {
	Curve string
	Proof string // base64
}

// words says the coordinates of a proof's points, as contracts take them.
func words(request *wordsRequest) (any, error) {
	curve, err := curveOfContracts(request.Curve)
	if err != nil {
		return nil, err
	}
	proof, err := curve.readProof(request.Proof)
	if err != nil {
		return nil, refuse("proof", "%v", err)
	}
	return map[string]any{"words": wordsOf(pointsOfProof(proof)...)}, nil
}

func curveOfContracts(name string) (*curve, error) {
	curve, err := curveNamed(name)
	if err == nil && curve.id != ecc.BN254 {
		err = refuse("curve", "contracts verify proofs on BN254; these are on %s", curve.title)
	}
	return curve, err
}

func readVerifyingKey(curve *curve, path string) (groth16.VerifyingKey, error) {
	verifyingKey := groth16.NewVerifyingKey(curve.id)
	if err := readFile(path, verifyingKey.ReadFrom); err != nil {
		return nil, refuse(verifyingKeyField, "it is no verifying key of gnark's Groth16 on %s", curve.title)
	}
	if _, _, commitments := verifyingParts(verifyingKey); commitments != 0 {
		return nil, refuse(verifyingKeyField, "it asks for commitments, which circom's circuits have not")
	}
	return verifyingKey, nil
}

func publicValues(circuit *circuitFile, wires []element) []string {
	values := make([]string, circuit.public())
	for place := range values {
		values[place] = wires[place+1].decimal()
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
