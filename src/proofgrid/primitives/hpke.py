"""Sealing for one recipient (HPKE, RFC 9180) and under a key used once (AES-256-GCM).

The KEM is the hybrid of ML-KEM-768 and X25519 (draft-ietf-hpke-pq): what is sealed today stays sealed unless both fall.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.sealing_errors import SealBroken

SECRET_BYTES = 32  #: of what is sealed for a recipient, and of a key used once
MLKEM_SECRET_BYTES = 64
PRIVATE_BYTES = MLKEM_SECRET_BYTES + 32
MLKEM_PUBLIC_BYTES = 1_184
PUBLIC_BYTES = MLKEM_PUBLIC_BYTES + 32
ENCAPSULATED_BYTES = 1_120
TAG_BYTES = 16
SEALED_BYTES = ENCAPSULATED_BYTES + SECRET_BYTES + TAG_BYTES  #: of one secret

_NONCE = bytes(12)  #: a key seals once
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class SealingKey:
    """A private key by which a recipient opens what was sealed for it. Its repr shows nothing."""

    secret: bytes  #: the seed of ML-KEM-768, then X25519's

    def __post_init__(self) -> None:
        if len(self.secret) != PRIVATE_BYTES:
            raise InvalidField(f"a sealing key has {PRIVATE_BYTES} bytes", field="sealing_key")

    @classmethod
    def fresh(cls) -> SealingKey:
        """Return a new key."""
        return cls(fresh_bytes(PRIVATE_BYTES))

    @cached_property
    def public(self) -> bytes:
        """ML-KEM-768's public key, then X25519's."""
        mlkem = MLKEM768PrivateKey.from_seed_bytes(self.secret[:MLKEM_SECRET_BYTES])
        curve = X25519PrivateKey.from_private_bytes(self.secret[MLKEM_SECRET_BYTES:])
        return mlkem.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()

    def open(self, sealed: bytes, *, info: bytes) -> bytes:
        """Return what was sealed with the same `info`; raise SealBroken for anything else."""
        key = MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(self.secret[:MLKEM_SECRET_BYTES]),
            X25519PrivateKey.from_private_bytes(self.secret[MLKEM_SECRET_BYTES:]),
        )
        try:
            return _SUITE.decrypt(sealed, key, info=info)
        except (InvalidTag, ValueError):
            raise SealBroken("it was sealed for another key, or for something else") from None

    def __repr__(self) -> str:
        return "SealingKey()"


def seal(secret: bytes, public: bytes, *, info: bytes) -> bytes:
    """Seal a secret for who has the private key of `public`; it opens with the same `info` only.

    Raises InvalidField for what is no public key.
    """
    try:
        return _SUITE.encrypt(secret, _public_key(public), info=info)
    except ValueError:  # a point of small order
        raise InvalidField("this is no key to seal for", field="sealing_key") from None


def check_public(public: bytes) -> None:
    """Raise InvalidField for what nothing can be sealed for."""
    seal(bytes(SECRET_BYTES), public, info=b"")


def _public_key(public: bytes) -> MLKEM768X25519PublicKey:
    if len(public) != PUBLIC_BYTES:
        raise InvalidField(f"a key to seal for has {PUBLIC_BYTES} bytes", field="sealing_key")
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_BYTES:]),
        )
    except ValueError:
        raise InvalidField("this is no key to seal for", field="sealing_key") from None


def derived(secret: bytes, info: bytes) -> bytes:
    """Return a key of 32 bytes for `info` (HKDF-Expand of RFC 5869, one block; `secret` is uniform already)."""
    return hmac.new(secret, info + b"\x01", hashlib.sha256).digest()


def lock_once(key: bytes, content: bytes) -> bytes:
    """Encrypt under a key that is used for nothing else, ever."""
    return AESGCM(key).encrypt(_NONCE, content, None)


def unlock_once(key: bytes, locked: bytes) -> bytes:
    """Return the content; raise SealBroken when another key locked it, or somebody changed it."""
    try:
        return AESGCM(key).decrypt(_NONCE, locked, None)
    except (InvalidTag, ValueError):
        raise SealBroken("the content was locked with another key, or changed") from None
