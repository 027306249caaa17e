package main

import (
	"bytes"
	"crypto/sha256"
	"math/big"

	"github.com/consensys/gnark-crypto/hash"
	"github.com/consensys/gnark/backend"
	"github.com/consensys/gnark/backend/groth16"
	"github.com/consensys/gnark/backend/solidity"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

const (
	wrapProvingKeyField   = "source.wrap_proving_key"
	wrapVerifyingKeyField = "source.wrap_verifying_key"
	partsField            = "parts"
	wrapPartsMax          = 1024
)

// flavour is how proofs on one curve are verified inside a proof on another.
type flavour interface {
	inner() *curve
	outer() *curve
	circuit(shape *wrapShape) frontend.Circuit
	// assigned makes the witness; there are as many proofs as the circuit takes
	assigned(keys []groth16.VerifyingKey, proofs []groth16.Proof, public [][]element, commitment *big.Int) (frontend.Circuit, error)
	// complaint says what is wrong with a key of parts; "" for one that the circuit takes
	complaint(key groth16.VerifyingKey) string
	// digest and commitment are what the circuit computes, outside of it
	digest(key groth16.VerifyingKey) (*big.Int, error)
	commitment(digests, values []*big.Int) *big.Int
	// addable says whether the circuit can add what these public values bind
	addable(key groth16.VerifyingKey, public []element) bool
}

// flavours by the curve of the parts.
var flavours = map[string]flavour{"bls12377": nativeWraps{}, "bn254": emulatedWraps{}}

// wrapRequest is what every command of wraps is about. Parts stand chain by chain; there may be fewer chains than a wrap
// takes: the last one then fills the places behind it.
type wrapRequest struct {
	wrapShape
	Curve            string   // of the parts
	VerifyingKeys    []string `json:"verifying_keys"` // of the slices
	WrapProvingKey   string   `json:"wrap_proving_key"`
	WrapVerifyingKey string   `json:"wrap_verifying_key"`
	Parts            []claim
	Claimed          []claim // to wrap-check: what the commitment is of, where that is not what the parts say
	Proof            string
}

func (r *wrapRequest) check() error {
	if flavours[r.Curve] == nil {
		return refuse("curve", "there are no wraps of proofs on a curve %q", r.Curve)
	}
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

func (r *wrapRequest) flavour() flavour { return flavours[r.Curve] }

func (r *wrapRequest) system() (constraint.ConstraintSystem, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	flavour := r.flavour()
	return frontend.Compile(flavour.outer().id.ScalarField(), r1cs.NewBuilder, flavour.circuit(&r.wrapShape))
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
	if err := request.check(); err != nil {
		return nil, err
	}
	verifyingKey, err := request.wrapVerifyingKey()
	if err != nil {
		return nil, err
	}
	system, err := request.system()
	if err != nil {
		return nil, err
	}
	_, shared, _ := verifyingParts(verifyingKey)
	provingKey, err := request.wrapProvingKey()
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
	keys, err := request.keys()
	if err != nil {
		return nil, err
	}
	public, err := request.publicValues(request.Parts)
	if err != nil {
		return nil, err
	}
	for place := range request.Parts {
		if !request.flavour().addable(keys[place%len(keys)], public[place]) {
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
	satisfied := system.IsSolved(assigned, challenged()) == nil
	return map[string]any{"satisfied": satisfied, "constraints": system.GetNbConstraints()}, nil
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
	provingKey, err := request.wrapProvingKey()
	if err != nil {
		return nil, err
	}
	progress("wrap", 300)
	// what is committed to is hashed as contracts hash; without commitments it says nothing
	proof, err := groth16.Prove(system, provingKey, assigned, solidity.WithProverTargetSolidityVerifier(backend.GROTH16))
	if err != nil {
		return nil, refuse(partsField, "they do not satisfy the wrap's constraints")
	}
	return map[string]any{"proof": request.flavour().outer().spelled(proof)}, nil
}

// verifyWrap says what is wrong with a proof of parts with these public values; "" for a right one.
func verifyWrap(request *wrapRequest) (any, error) {
	if err := request.check(); err != nil {
		return nil, err
	}
	verifyingKey, err := request.wrapVerifyingKey()
	if err != nil {
		return nil, err
	}
	keys, err := request.keys()
	if err != nil {
		return nil, err
	}
	commitment, err := request.commitment(keys, request.Parts)
	if err != nil {
		return nil, err
	}
	outer := request.flavour().outer()
	proof, err := outer.readProof(request.Proof)
	if err != nil {
		return map[string]any{"verdict": err.Error()}, nil
	}
	assigned, err := frontend.NewWitness(&wrapClaim{Commitment: commitment}, outer.id.ScalarField(), frontend.PublicOnly())
	if err != nil {
		return nil, err
	}
	asContracts := solidity.WithVerifierTargetSolidityVerifier(backend.GROTH16)
	if err := groth16.Verify(proof, verifyingKey, assigned, asContracts); err != nil {
		return map[string]any{"verdict": "the proof does not verify"}, nil
	}
	return map[string]any{"verdict": ""}, nil
}

type wrapClaim struct {
	Commitment frontend.Variable `gnark:",public"`
}

func (c *wrapClaim) Define(frontend.API) error { return nil }

// --- what a request holds ---------------------------------------------------------------------------

func (r *wrapRequest) wrapProvingKey() (groth16.ProvingKey, error) {
	outer := r.flavour().outer()
	key := groth16.NewProvingKey(outer.id)
	if err := readFile(r.WrapProvingKey, key.UnsafeReadFrom); err != nil {
		return nil, refuse(wrapProvingKeyField, "it is no proving key of gnark's Groth16 on %s", outer.title)
	}
	return key, nil
}

func (r *wrapRequest) wrapVerifyingKey() (groth16.VerifyingKey, error) {
	outer := r.flavour().outer()
	key := groth16.NewVerifyingKey(outer.id)
	if err := readFile(r.WrapVerifyingKey, key.ReadFrom); err != nil {
		return nil, refuse(wrapVerifyingKeyField, "it is no verifying key of gnark's Groth16 on %s", outer.title)
	}
	binding, _, commitments := verifyingParts(key)
	if commitments != 2*outer.commitments || len(binding) != 2+outer.commitments || binding[1].IsInfinity() || !commitsAsWraps(key) {
		return nil, refuse(wrapVerifyingKeyField, "it is not for one public value, the commitment")
	}
	return key, nil
}

func (r *wrapRequest) keys() ([]groth16.VerifyingKey, error) {
	if len(r.VerifyingKeys) != len(r.Slices) {
		return nil, refuse(verifyingKeyField, "there are %d keys for %d slices", len(r.VerifyingKeys), len(r.Slices))
	}
	keys := make([]groth16.VerifyingKey, len(r.Slices))
	for slice, path := range r.VerifyingKeys {
		key, err := readVerifyingKey(r.flavour().inner(), path)
		if err != nil {
			return nil, err
		}
		if key.NbPublicWitness() != r.public(slice) {
			return nil, refuse(verifyingKeyField, "it is for another number of public values than its slice has")
		}
		if complaint := r.flavour().complaint(key); complaint != "" {
			return nil, refuse(verifyingKeyField, "%s", complaint)
		}
		keys[slice] = key
	}
	return keys, nil
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
	inner := r.flavour().inner()
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

func (r *wrapRequest) commitment(keys []groth16.VerifyingKey, parts []claim) (*big.Int, error) {
	_, public, err := r.filledValues(parts)
	if err != nil {
		return nil, err
	}
	digests := make([]*big.Int, len(keys))
	for slice, key := range keys {
		if digests[slice], err = r.flavour().digest(key); err != nil {
			return nil, err
		}
	}
	var values []*big.Int
	for _, value := range bound(&r.wrapShape, public) {
		values = append(values, bigOf(value))
	}
	return r.flavour().commitment(digests, values), nil
}

func (r *wrapRequest) witness() (witness.Witness, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	keys, err := r.keys()
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
	commitment, err := r.commitment(keys, claimed)
	if err != nil {
		return nil, err
	}
	proofs := make([]groth16.Proof, len(all))
	for place := range all {
		if proofs[place], err = r.flavour().inner().readProof(all[place].Proof); err != nil {
			return nil, refuse(partsField, "part %d: %s", place, err)
		}
	}
	assigned, err := r.flavour().assigned(keys, proofs, public, commitment)
	if err != nil {
		return nil, err
	}
	return frontend.NewWitness(assigned, r.flavour().outer().id.ScalarField())
}

// challenged lets a circuit's constraints be looked at without keys: what it commits to, to draw a challenge, is hashed.
func challenged() solver.Option {
	id := solver.GetHintID(cs.Bsb22CommitmentComputePlaceholder)
	return solver.OverrideHint(id, func(modulus *big.Int, committed, challenge []*big.Int) error {
		sum := sha256.New()
		for _, value := range committed {
			sum.Write(value.FillBytes(make([]byte, 96)))
		}
		challenge[0].SetBytes(sum.Sum(nil)).Mod(challenge[0], modulus)
		return nil
	})
}

// hashedByMiMC is of values below the modulus of the hash's field.
func hashedByMiMC(kind hash.Hash, content []*big.Int) *big.Int {
	sum := kind.New()
	for _, value := range content {
		_, _ = sum.Write(value.FillBytes(make([]byte, sum.BlockSize()))) // whatever is below the modulus is taken
	}
	return new(big.Int).SetBytes(sum.Sum(nil))
}
