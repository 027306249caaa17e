"""Ethereum's keystores (version 3): keys that a password encrypts.

What such a file asks for is bounded before anybody does it: a file of 500 bytes may ask for any memory and any time.
Source: "Web3 Secret Storage Definition", ethereum.org.
"""

from __future__ import annotations

from collections.abc import Mapping

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.reading import read_integer, read_mapping

SCRYPT_BYTES_MAX = 1 << 30  #: wallets ask for 256 MiB
SCRYPT_PASSES_MAX = 16
PBKDF2_ROUNDS_MAX = 10_000_000
_KEY_BYTES = range(32, 65)


def check_keystore(content: Mapping[str, Json], *, field: str) -> None:
    """Raise InvalidField unless it is a keystore that asks for no more than wallets do."""
    if content.get("version") != 3:
        raise InvalidField("neither a key of ours nor an Ethereum keystore of version 3", field=field)
    named = {name.lower(): value for name, value in content.items()}
    crypto = read_mapping(named.get("crypto"), f"{field}.crypto")
    asked = read_mapping(crypto.get("kdfparams"), f"{field}.crypto.kdfparams")

    def number(name: str) -> int:
        return read_integer(asked.get(name), f"{field}.crypto.kdfparams.{name}", least=1)

    if number("dklen") not in _KEY_BYTES:
        raise InvalidField("a key of 32 to 64 bytes is derived", field=f"{field}.crypto.kdfparams.dklen")
    if crypto.get("kdf") == "pbkdf2":
        is_too_much = number("c") > PBKDF2_ROUNDS_MAX
    else:
        is_too_much = 128 * number("n") * number("r") > SCRYPT_BYTES_MAX or number("p") > SCRYPT_PASSES_MAX
    if is_too_much:
        raise InvalidField("opening it would take far more than wallets ask for", field=f"{field}.crypto.kdfparams")
