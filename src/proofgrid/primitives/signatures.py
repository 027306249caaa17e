"""Who said it: secp256k1 keys and EIP-191 signatures (Ethereum's `personal_sign`), by libsecp256k1.

eth-account would do the same, but importing it takes most of a second, in every process of the network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address

SIGNATURE_BYTES = 65  #: r, s, v
#: Half the order of the curve: a larger s says the same as the smaller one, and only the smaller is its spelling.
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_V_OFFSET = 27
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_SPELLING = re.compile(r"0x[0-9a-f]{128}(1b|1c)")


class Signer(Protocol):
    """What signs as one address, wherever its private key lies."""

    @property
    def address(self) -> Address: ...

    def sign(self, message: bytes) -> str:
        """Return the EIP-191 signature of `message`: 65 bytes as 0x-prefixed hex."""
        ...


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. Its repr shows the address only."""

    secret: bytes

    @property
    def address(self) -> Address:
        return _address_of_secret(self.secret)

    def sign(self, message: bytes) -> str:
        """Return the EIP-191 signature of `message`: 65 bytes as 0x-prefixed hex."""
        signature = _private_key(self.secret).sign_recoverable(hash_to_sign(message), hasher=None)
        return "0x" + signature[:-1].hex() + bytes([signature[-1] + _V_OFFSET]).hex()

    def __repr__(self) -> str:
        return f"SigningKey({self.address})"


def signer_of(message: bytes, signature: str) -> Address | None:
    """Return the address whose key signed `message`, or None when `signature` is no signature."""
    try:
        content = bytes.fromhex(signature.removeprefix("0x"))
        if len(content) != SIGNATURE_BYTES:
            return None
        # Some wallets write v as 0 or 1, most as 27 or 28.
        v = content[-1] - _V_OFFSET if content[-1] >= _V_OFFSET else content[-1]
        key = PublicKey.from_signature_and_message(content[:-1] + bytes([v]), hash_to_sign(message), hasher=None)
    except Exception:
        # Not hex, not on the curve, an impossible v: all of them mean "nobody signed this".
        return None
    return address_of(key)


def is_spelled_once(signature: str) -> bool:
    """Is it the one spelling? Other cases of digits, and a high s, would be other bytes with the same meaning."""
    return bool(_SPELLING.fullmatch(signature)) and int(signature[66:130], 16) <= HALF_ORDER


def hash_to_sign(message: bytes) -> bytes:
    """Return the 32 bytes that a signature of `message` is over (EIP-191)."""
    return keccak(b"\x19Ethereum Signed Message:\n%d" % len(message) + message)


@lru_cache(maxsize=16)
def _address_of_secret(secret: bytes) -> Address:
    return address_of(_private_key(secret).public_key)


@lru_cache(maxsize=16)
def _private_key(secret: bytes) -> PrivateKey:
    # Making one calculates its public keys, which takes longer than a signature.
    return PrivateKey(secret)


def address_of(key: PublicKey) -> Address:
    """Return the address of a public key."""
    return _address_of_point(key.format(compressed=False)[1:])


@lru_cache(maxsize=4_096)
def _address_of_point(content: bytes) -> Address:
    return _checksummed(keccak(content)[-20:].hex())


@lru_cache(maxsize=4_096)
def _checksummed(digits: str) -> Address:
    """Spell an address as EIP-55 says: a letter is a capital where the hash of the small spelling has 8 or more."""
    hashed = keccak(digits.encode()).hex()
    return Address("0x" + "".join(d.upper() if int(h, 16) > 7 else d for d, h in zip(digits, hashed, strict=False)))


def parse_address(text: str, *, field: str = "address") -> Address:
    """Return `text` as a checksummed Ethereum address; raise InvalidField when it is none."""
    lowered = text.lower()
    if not _ADDRESS.fullmatch(lowered):
        raise InvalidField("an address is 0x and 40 hex digits", field=field)
    mixed_case = text[2:] not in (text[2:].lower(), text[2:].upper())
    if mixed_case and text[2:] != _checksummed(lowered[2:])[2:]:
        raise InvalidField("the address fails its EIP-55 checksum; look for a typing error", field=field)
    return _checksummed(lowered[2:])
