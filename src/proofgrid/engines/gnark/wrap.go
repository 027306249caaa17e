package main

import (
	"bytes"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bw6-761/fr"
	"github.com/consensys/gnark/backend/groth16"
	bls12377 "github.com/consensys/gnark/backend/groth16/bls12-377"
	bw6761 "github.com/consensys/gnark/backend/groth16/bw6-761"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/algebra/native/sw_bls12377"
)

const (
	wrapProvingKeyField   = "source.wrap_proving_key"
	wrapVerifyingKeyField = "source.wrap_verifying_key"
	partsField            = "parts"
	wrapPartsMax          = 1024
)

// wrapRequest is what every command of wraps is about. Parts stand chain by chain; there may be fewer chains than a wrap
// takes: the last one then fills the places behind it.
type wrapRequest struct {
	wrapShape
	VerifyingKeys    []string `json:"verifying_keys"` // of the slices
	WrapProvingKey   string   `json:"wrap_proving_key"`
	WrapVerifyingKey string   `json:"wrap_verifying_key"`
	Parts            []claim
	Claimed          []claim // to wrap-check: what the commitment is of, where that is not what the parts say
	Proof            string
}

func (r *wrapRequest) check() error {
	if r.Chains < 1 || len(r.Slices) == 0 || r.Chains > wrapPartsMax || r.parts() > wrapPartsMax {
		return refuse("settings.wrap_parts", "a wrap takes 1 to %d proofs", wrapPartsMax)
	}
	for slice, counts := range r.Slices {
		if counts[0] < 0 || counts[1] < 0 || r.public(slice) > wrapPartsMax {
			return refuse(partsField, "a wrap takes up to %d public values of each proof", wrapPartsMax)
		}
		if slice > 0 && counts[1] != r.Slices[slice-1][0] {
			return refuse(partsField, "slice %d has not as many public inputs as the one before it leaves", slice)
		}
	}
	return nil
}

func (r *wrapRequest) system() (constraint.ConstraintSystem, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return frontend.Compile(ecc.BW6_761.ScalarField(), r1cs.NewBuilder, newWrapCircuit(&r.wrapShape))
}

// generateWrapKeys runs a setup for a shape, whatever the programs; like generateKeys, for development.
func generateWrapKeys(request *wrapRequest) (any, error) {
	progress("circuit", 0)
	system, err := request.system()
	if err != nil {
		return nil, err
	}
	progress("setup", 50)
	provingKey, verifyingKey, err := groth16.Setup(system)
	if err != nil {
		return nil, err
	}
	progress("write", 950)
	if err := writeFile(request.WrapProvingKey, provingKey.WriteRawTo); err != nil {
		return nil, err
	}
	if err := writeFile(request.WrapVerifyingKey, verifyingKey.WriteTo); err != nil {
		return nil, err
	}
	return map[string]any{"constraints": system.GetNbConstraints()}, nil
}

// checkWrapKeys says whether keys are for wraps of this shape, and how large its circuit is.
func checkWrapKeys(request *wrapRequest) (any, error) {
	system, err := request.system()
	if err != nil {
		return nil, err
	}
	verifyingKey, err := readWrapVerifyingKey(request.WrapVerifyingKey)
	if err != nil {
		return nil, err
	}
	_, shared, _ := verifyingParts(verifyingKey)
	provingKey, err := readWrapProvingKey(request.WrapProvingKey)
	if err != nil {
		return nil, err
	}
	wires, others := provingParts(provingKey)
	internal, secret, public := system.GetNbVariables()
	if wires != internal+secret+public {
		return nil, refuse(wrapProvingKeyField, "it is not for wraps of %d proofs with as many public values", request.parts())
	}
	for place, point := range shared {
		if !bytes.Equal(point.Marshal(), others[place].Marshal()) {
			return nil, refuse(wrapProvingKeyField, "it does not belong to the verifying key")
		}
	}
	return map[string]any{"constraints": system.GetNbConstraints()}, nil
}

// checkWrapClaim says whether proofs of these public values can be wrapped, whoever makes them.
func checkWrapClaim(request *wrapRequest) (any, error) {
	if err := request.check(); err != nil {
		return nil, err
	}
	keys, _, err := request.keys()
	if err != nil {
		return nil, err
	}
	public, err := request.publicValues(request.Parts)
	if err != nil {
		return nil, err
	}
	for place := range request.Parts {
		if !addable(keys[place%len(keys)], public[place]) {
			return nil, refuse(partsField, "the public values of part %d cannot be wrapped under its key", place)
		}
	}
	return map[string]any{}, nil
}

// checkWrapParts says whether the circuit takes these parts, claimed to be others or not. Nothing is proven.
func checkWrapParts(request *wrapRequest) (any, error) {
	assigned, err := request.witness()
	if err != nil {
		return nil, err
	}
	system, err := request.system()
	if err != nil {
		return nil, err
	}
	return map[string]any{"satisfied": system.IsSolved(assigned) == nil, "constraints": system.GetNbConstraints()}, nil
}

func wrap(request *wrapRequest) (any, error) {
	progress("circuit", 0)
	assigned, err := request.witness()
	if err != nil {
		return nil, err
	}
	system, err := request.system()
	if err != nil {
		return nil, err
	}
	progress("key", 100)
	provingKey, err := readWrapProvingKey(request.WrapProvingKey)
	if err != nil {
		return nil, err
	}
	progress("wrap", 300)
	proof, err := groth16.Prove(system, provingKey, assigned)
	if err != nil {
		return nil, refuse(partsField, "they do not satisfy the wrap's constraints")
	}
	return map[string]any{"proof": outerCurve.spelled(proof)}, nil
}

// verifyWrap says what is wrong with a proof of parts with these public values; "" for a right one.
func verifyWrap(request *wrapRequest) (any, error) {
	if err := request.check(); err != nil {
		return nil, err
	}
	verifyingKey, err := readWrapVerifyingKey(request.WrapVerifyingKey)
	if err != nil {
		return nil, err
	}
	_, keys, err := request.keys()
	if err != nil {
		return nil, err
	}
	commitment, err := request.commitment(keys, request.Parts)
	if err != nil {
		return nil, err
	}
	proof, err := outerCurve.readProof(request.Proof)
	if err != nil {
		return map[string]any{"verdict": err.Error()}, nil
	}
	assigned, err := frontend.NewWitness(&wrapClaim{Commitment: commitment}, outerCurve.id.ScalarField(), frontend.PublicOnly())
	if err != nil {
		return nil, err
	}
	if err := groth16.Verify(proof, verifyingKey, assigned); err != nil {
		return map[string]any{"verdict": "the proof does not verify"}, nil
	}
	return map[string]any{"verdict": ""}, nil
}

type wrapClaim struct {
	Commitment frontend.Variable `gnark:",public"`
}

func (c *wrapClaim) Define(frontend.API) error { return nil }

// --- what a request holds ---------------------------------------------------------------------------

func readWrapProvingKey(path string) (groth16.ProvingKey, error) {
	key := groth16.NewProvingKey(outerCurve.id)
	if err := readFile(path, key.UnsafeReadFrom); err != nil {
		return nil, refuse(wrapProvingKeyField, "it is no proving key of gnark's Groth16 on %s", outerCurve.title)
	}
	return key, nil
}

func readWrapVerifyingKey(path string) (groth16.VerifyingKey, error) {
	key := groth16.NewVerifyingKey(outerCurve.id)
	if err := readFile(path, key.ReadFrom); err != nil {
		return nil, refuse(wrapVerifyingKeyField, "it is no verifying key of gnark's Groth16 on %s", outerCurve.title)
	}
	_, _, commitments := verifyingParts(key)
	if commitments != 0 || key.NbPublicWitness() != 1 || key.(*bw6761.VerifyingKey).G1.K[1].IsInfinity() {
		return nil, refuse(wrapVerifyingKeyField, "it is not for one public value, the commitment")
	}
	return key, nil
}

func (r *wrapRequest) keys() ([]*bls12377.VerifyingKey, []wrapKey, error) {
	if len(r.VerifyingKeys) != len(r.Slices) {
		return nil, nil, refuse(verifyingKeyField, "there are %d keys for %d slices", len(r.VerifyingKeys), len(r.Slices))
	}
	inner, _ := curveNamed("bls12377")
	keys, values := make([]*bls12377.VerifyingKey, len(r.Slices)), make([]wrapKey, len(r.Slices))
	for slice, path := range r.VerifyingKeys {
		key, err := readVerifyingKey(inner, path)
		if err != nil {
			return nil, nil, err
		}
		if key.NbPublicWitness() != r.public(slice) {
			return nil, nil, refuse(verifyingKeyField, "it is for another number of public values than its slice has")
		}
		keys[slice] = key.(*bls12377.VerifyingKey)
		if values[slice], err = valueOf(keys[slice]); err != nil {
			return nil, nil, refuse(verifyingKeyField, "it has no pairing")
		}
	}
	return keys, values, nil
}

// filled returns as many parts as the circuit takes: the last chain once more in each place that is left.
func (r *wrapRequest) filled(parts []claim) ([]claim, error) {
	slices := len(r.Slices)
	if len(parts) == 0 || len(parts)%slices != 0 || len(parts) > r.parts() {
		return nil, refuse(partsField, "expected whole chains of %d, from 1 to %d", slices, r.Chains)
	}
	all := append([]claim{}, parts...)
	for len(all) < r.parts() {
		all = append(all, parts[len(parts)-slices:]...)
	}
	return all, nil
}

func (r *wrapRequest) publicValues(parts []claim) ([][]element, error) {
	inner, _ := curveNamed("bls12377")
	public := make([][]element, len(parts))
	for place, part := range parts {
		if len(part.Public) != r.public(place%len(r.Slices)) {
			return nil, refuse(partsField, "part %d has another number of public values than its slice", place)
		}
		for _, text := range part.Public {
			value, err := inner.parse(text)
			if err != nil {
				return nil, refuse(partsField, "a public value of part %d is %s", place, err)
			}
			public[place] = append(public[place], value)
		}
	}
	return public, nil
}

// filledValues returns as many parts as the circuit takes, and the public values of each.
func (r *wrapRequest) filledValues(parts []claim) ([]claim, [][]element, error) {
	all, err := r.filled(parts)
	if err != nil {
		return nil, nil, err
	}
	public, err := r.publicValues(all)
	return all, public, err
}

func (r *wrapRequest) commitment(keys []wrapKey, parts []claim) (fr.Element, error) {
	_, public, err := r.filledValues(parts)
	if err != nil {
		return fr.Element{}, err
	}
	return r.wrapShape.commitment(keys, public), nil
}

func (r *wrapRequest) witness() (witness.Witness, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	_, values, err := r.keys()
	if err != nil {
		return nil, err
	}
	all, public, err := r.filledValues(r.Parts)
	if err != nil {
		return nil, err
	}
	claimed := r.Parts
	if r.Claimed != nil {
		claimed = r.Claimed
	}
	commitment, err := r.commitment(values, claimed)
	if err != nil {
		return nil, err
	}
	assigned := &wrapCircuit{Commitment: commitment, Keys: values, Parts: make([]wrapPart, len(all))}
	inner, _ := curveNamed("bls12377")
	for place := range all {
		read, err := inner.readProof(all[place].Proof)
		if err != nil {
			return nil, refuse(partsField, "part %d: %s", place, err)
		}
		proof := read.(*bls12377.Proof)
		assigned.Parts[place] = wrapPart{
			Ar: sw_bls12377.NewG1Affine(proof.Ar), Krs: sw_bls12377.NewG1Affine(proof.Krs), Bs: sw_bls12377.NewG2Affine(proof.Bs),
			Public: make([]frontend.Variable, len(public[place])),
		}
		for at, value := range public[place] {
			assigned.Parts[place].Public[at] = bigOf(value)
		}
	}
	return frontend.NewWitness(assigned, ecc.BW6_761.ScalarField())
}
