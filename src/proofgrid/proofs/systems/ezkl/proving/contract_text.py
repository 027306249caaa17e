"""The engine's contracts as they are sound: with a name of their own, the proof in its place, and one key alone.

The engine's text derives the challenges from the bytes of `proof`, wherever the call says that these are, and takes
their values from where a call has them that is spelled as usual. With the bytes elsewhere, a caller would choose values
for challenges that are known already, which proves anything. So ours refuses a call that is spelled otherwise.

What is larger than a chain takes becomes the engine's contract for any key, which a call brings along. The engine's
takes every key that somebody registered; ours that of its slice.
"""

from __future__ import annotations

import re

from proofgrid.proofs.offers import Contract

NAME = "Halo2Verifier"  #: the engine's own, for any slice of any program; ours says which slice
PROOF_AT, KEYED_PROOF_AT = 0x64, 0x84  #: where in a call the bytes of the proof begin, without a key in it and with one

_WHOLE_HEAD = f"contract {NAME} {{"
_WHOLE_BODY = "    ) public returns (bool) {\n        assembly {\n"
_KEYED_HEAD = f"contract {NAME}Reusable {{"
#: The engine's register of keys, and its function, which returns more than we want to know.
_REGISTER = re.compile(r"    // Mapping that logs all registered vkas\n.*?(?=    function _verifyProof\()", re.DOTALL)

_IN_PLACE = """\
        // Its values are read from where they stand in a call that is spelled as usual: nowhere else may it be.
        assembly {{
            if iszero(eq(proof.offset, {place})) {{
                revert(0x00, 0x00)
            }}
        }}
"""
_KEY = "    bytes32 public constant KEY = 0x"
_KEYED = """\
    // keccak256 of the words of this slice's key, which comes with each call.
{key}{digest};

    function verifyProof(
        bytes calldata proof,
        uint256[] calldata instances,
        bytes32[] memory key
    ) external returns (bool) {{
{in_place}        bytes32 digest;
        assembly {{
            digest := keccak256(add(key, 0x20), mul(mload(key), 0x20))
        }}
        require(digest == KEY, "another key");
        return _verifyProof(proof, instances, key);
    }}

"""


class OtherText(Exception):
    """The engine writes another text than is known here."""


def whole_contract(text: str, index: int) -> Contract:
    """Return the contract of a slice that has its key inside. Raises OtherText."""
    guarded = f"{_WHOLE_BODY.partition('{')[0]}{{\n{_IN_PLACE.format(place=f'{PROOF_AT:#x}')}        assembly {{\n"
    return _named(_replaced(text, _WHOLE_BODY, guarded), _WHOLE_HEAD, index)


def keyed_contract(text: str, index: int, digest: bytes) -> Contract:
    """Return the contract of a slice that takes its key, of this keccak256, with each call. Raises OtherText."""
    found = _REGISTER.findall(text)
    if len(found) != 1:
        raise OtherText
    own = _KEYED.format(key=_KEY, digest=digest.hex(), in_place=_IN_PLACE.format(place=f"{KEYED_PROOF_AT:#x}"))
    return _named(_replaced(text, found[0], own), _KEYED_HEAD, index)


def takes_key(contract: Contract) -> bool:
    """Return whether calls of a slice's contract bring its key along."""
    return _KEY in contract.source


def _named(text: str, head: str, index: int) -> Contract:
    name = f"{NAME}{index}"
    return Contract(name=name, source=_replaced(text, head, f"contract {name} {{"))


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise OtherText
    return text.replace(old, new)
