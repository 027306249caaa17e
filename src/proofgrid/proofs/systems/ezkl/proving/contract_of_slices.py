"""A contract that holds those of slices together: whole requests of a program of several slices, in one call.

    verifySlices(calls)     calls of the slices' contracts, as they are: of all slices of one input, then of the next

A slice's contract sees one proof. This one has each verified by its own, and compares what they cannot see: that a
proof commits to the tensor that the proof before it put out. Where the commitments stand in a call is known, for the
slices' contracts take a proof nowhere but in its usual place.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofgrid.proofs.base import Program
from proofgrid.proofs.kit.contract_calls import call_of, selector_of
from proofgrid.proofs.offers import Contract, ContractCall
from proofgrid.proofs.systems.ezkl.engine import COMMITMENT_BYTES
from proofgrid.proofs.systems.ezkl.layout import Layout, layout_of
from proofgrid.proofs.systems.ezkl.proving.contract_text import KEYED_PROOF_AT, NAME, PROOF_AT, takes_key
from proofgrid.proofs.systems.ezkl.proving.contracts import FUNCTION, KEYED_FUNCTION

SLICES_FUNCTION = "verifySlices(bytes[])"  #: answers true, or reverts

_SOURCE = """\
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title All slices of the program {digest}
/// @notice A contract of a slice sees one proof. This one has them all verified, and compares the commitments by which
/// neighbours speak of the same tensor.
contract {name}s {{
    bytes32 public constant PROGRAM = 0x{digest};
    uint256 public constant SLICES = {slices};

    /// For each slice: its contract's function, where in a call of it the commitment to what it takes in stands, and
    /// where that to what it puts out; two bytes each.
    bytes private constant SHAPES = {shapes};

    address[] public verifiers;

    error NotOfSlices(uint256 number);
    error NoContract(uint256 slice);
    error OtherFunction(uint256 at);
    error ProofRefused(uint256 at);
    error OtherTensor(uint256 at);

    /// @param verifiers_ The contracts of the slices, from the first on.
    constructor(address[] memory verifiers_) {{
        if (verifiers_.length != SLICES) revert NotOfSlices(verifiers_.length);
        for (uint256 slice = 0; slice < SLICES; slice++) {{
            if (verifiers_[slice].code.length == 0) revert NoContract(slice);
        }}
        verifiers = verifiers_;
    }}

    /// @notice Answer true where every proof is right and goes with its neighbours; revert otherwise.
    /// @param calls Calls of the slices' contracts: of all slices of one input, then of all of the next.
    function verifySlices(bytes[] calldata calls) external view returns (bool) {{
        if (calls.length == 0 || calls.length % SLICES != 0) revert NotOfSlices(calls.length);
        bytes memory shapes = SHAPES;
        for (uint256 at = 0; at < calls.length; at++) {{
            uint256 slice = at % SLICES;
            (bytes4 selector, uint256 takesIn,) = _shape(shapes, slice);
            if (calls[at].length < 4 || bytes4(calls[at]) != selector) revert OtherFunction(at);
            (bool held, bytes memory answer) = verifiers[slice].staticcall(calls[at]);
            if (!held || answer.length != 32 || abi.decode(answer, (uint256)) != 1) revert ProofRefused(at);
            if (slice == 0) continue;
            (,, uint256 putsOut) = _shape(shapes, slice - 1);
            if (_commitment(calls[at], takesIn) != _commitment(calls[at - 1], putsOut)) revert OtherTensor(at);
        }}
        return true;
    }}

    function _shape(bytes memory shapes, uint256 slice) private pure returns (bytes4, uint256, uint256) {{
        uint256 shape;
        assembly {{
            shape := shr(192, mload(add(add(shapes, 0x20), mul(slice, 8))))
        }}
        return (bytes4(uint32(shape >> 32)), (shape >> 16) & 0xffff, shape & 0xffff);
    }}

    function _commitment(bytes calldata call, uint256 at) private pure returns (bytes32) {{
        return keccak256(call[at:at + {commitment_bytes}]);
    }}
}}
"""


def contract_of_slices(program: Program, contracts: Sequence[Contract]) -> Contract:
    """Do what WritesContractOfSlices.contract_of_slices promises."""
    layout = layout_of(program)
    shapes = "\n        ".join(
        f'hex"{_shape(layout, index, contract).hex()}"' for index, contract in enumerate(contracts)
    )
    source = _SOURCE.format(
        digest=program.digest,
        name=NAME,
        slices=layout.slices,
        shapes=shapes,
        commitment_bytes=COMMITMENT_BYTES,
    )
    return Contract(name=f"{NAME}s", source=source)


def call_of_slices(calls: Sequence[ContractCall]) -> ContractCall:
    """Do what WritesContractOfSlices.call_of_slices promises."""
    return call_of(SLICES_FUNCTION, [bytes.fromhex(call.calldata.removeprefix("0x")) for call in calls])


def _shape(layout: Layout, index: int, contract: Contract) -> bytes:
    """Return a slice's function, and where in its call the commitments stand: to what goes in, to what comes out."""
    function, takes_in = (KEYED_FUNCTION, KEYED_PROOF_AT) if takes_key(contract) else (FUNCTION, PROOF_AT)
    puts_out = takes_in + COMMITMENT_BYTES * layout.committed_inputs_of(index)
    return selector_of(function) + takes_in.to_bytes(2, "big") + puts_out.to_bytes(2, "big")
