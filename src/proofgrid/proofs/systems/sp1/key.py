"""The key of a program: by it proofs are verified, and by it a service is known.

SP1's digest of a program's verifying key, eight elements of its field in one integer of 32 bytes, 31 bits each, as
`cargo prove vkey` prints it and `ere-server keygen` writes it.
Source: succinctlabs/sp1 6.10, crates/hypercube, `HashableKey::bytes32`.
"""

from __future__ import annotations

import re

from proofgrid.primitives.errors import InvalidProgram

KEY_BYTES = 32
KEY_FILE_BYTES_MAX = 128
_ELEMENTS, _ELEMENT_BITS, _MODULUS = 8, 31, 0x7F00_0001
_SPELLED = re.compile(r"0x[0-9a-f]{64}")


def read_key(content: bytes) -> str:
    """Return the key in a file, 0x and 64 hexadecimal digits; raise InvalidProgram when there is none."""
    spelled = f"0x{content.hex()}" if len(content) == KEY_BYTES else _text(content)
    if not is_key(spelled):
        raise InvalidProgram(
            "a key is 32 bytes, or 0x and 64 hexadecimal digits",
            field="source.key",
            hint="`cargo prove vkey` prints it, `ere-server keygen` writes it",
        )
    return spelled


def is_key(value: object) -> bool:
    """Is this a key, in its one spelling?"""
    if not isinstance(value, str) or not _SPELLED.fullmatch(value):
        return False
    rest = int(value, 16)
    elements = [rest >> _ELEMENT_BITS * place & (1 << _ELEMENT_BITS) - 1 for place in range(_ELEMENTS)]
    return rest >> _ELEMENT_BITS * _ELEMENTS == 0 and max(elements) < _MODULUS


def _text(content: bytes) -> str:
    try:
        return content.decode("ascii").strip().lower()
    except UnicodeDecodeError:
        return ""
