package main

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"

	backend "github.com/consensys/gnark/backend/groth16/bn254"
)

// wrapContract stands behind gnark's contract, under its licence: it takes the public values themselves.
const wrapContract = `
/// @title One proof of %[1]d Groth16 proofs, whose public values are the last argument.
/// @notice Values are outputs and then public inputs, proof by proof. Where fewer proofs are inside, the last one stands
/// in each place that is left.
contract OneProofVerifier is Verifier {
%[2]s
    /// Return if there are proofs of these values inside this proof, and revert if there are not.
    function verifyProofs(
        uint256[8] calldata proof,
        uint256[2] calldata commitments,
        uint256[2] calldata commitmentPok,
        uint256[%[3]d] calldata values
    ) public view {
        uint256[1] memory input;
        input[0] = uint256(sha256(abi.encodePacked(%[4]s, values))) >> %[5]d;
        this.verifyProof(proof, commitments, commitmentPok, input);
    }
}
`

const keyOfContract = "    /// Digest of the key under which the proofs inside are.\n    uint256 public constant KEY_%d = 0x%064x;\n"

// exportWrapVerifier writes the contract that takes wraps of proofs under these keys.
func exportWrapVerifier(request *wrapRequest) (any, error) {
	if err := request.checkOnContracts(); err != nil {
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
	values := 0
	for slice := range request.Slices {
		values += request.Chains * request.bounds(slice)
	}
	if values == 0 {
		return nil, refuse(partsField, "a proof without public values says nothing to a contract")
	}
	var lines, names []string
	for slice, key := range keys {
		digest, err := request.flavour().digest(key)
		if err != nil {
			return nil, err
		}
		names = append(names, fmt.Sprintf("KEY_%d", slice))
		lines = append(lines, fmt.Sprintf(keyOfContract, slice, digest))
	}
	var text bytes.Buffer // of gnark's contract, which hashes what is committed to by keccak256
	if err := verifyingKey.ExportSolidity(&text); err != nil {
		return nil, err
	}
	fmt.Fprintf(&text, wrapContract, request.parts(), strings.Join(lines, "\n"), values, strings.Join(names, ", "), 256-commitmentBits)
	return map[string]any{"solidity": text.String()}, nil
}

// wrapWords says the coordinates of a wrap's points, as contracts take them: of A, B and C, and of the commitment and of
// what shows that it is known.
func wrapWords(request *wrapRequest) (any, error) {
	if err := request.checkOnContracts(); err != nil {
		return nil, err
	}
	read, err := request.flavour().outer().readProof(request.Proof)
	if err != nil {
		return nil, refuse("proof", "%v", err)
	}
	proof := read.(*backend.Proof)
	return map[string]any{
		"words": wordsOf(pointsOfProof(read)...), "commitments": wordsOf(points(proof.Commitments)...),
		"knowledge": wordsOf(&proof.CommitmentPok),
	}, nil
}

func (r *wrapRequest) checkOnContracts() error {
	if err := r.check(); err != nil {
		return err
	}
	if r.flavour().outer() != contractCurve {
		return refuse("curve", "contracts verify proofs on BN254; these are on %s", r.flavour().outer().title)
	}
	return nil
}

func wordsOf(points ...point) []string {
	made := []string{}
	for _, point := range points {
		for content := point.Marshal(); len(content) > 0; content = content[elementBytes:] {
			made = append(made, new(big.Int).SetBytes(content[:elementBytes]).String())
		}
	}
	return made
}
