"""Signed notes, as C2SP defines them: some lines of text, an empty line, and who signs them with Ed25519.

proofgrid.audit/0x1f…
42
q1…root…=

— proofgrid.audit/0x1f… kX…signature…=
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ED25519 = b"\x01"
_DASH = "\u2014 "
_NAME_HASH_BYTES = 4
_SIGNATURE_BYTES = 64


class NoteSigner(Protocol):
    """What signs notes under a name, wherever its private key lies."""

    @property
    def name(self) -> str: ...

    @property
    def verifier(self) -> str:
        """What verifiers are told: name, hash and public key in one word."""
        ...

    def sign(self, text: str) -> str:
        """Return `text`, which ends with a newline, with the signature behind."""
        ...


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A NoteSigner whose key is here. Its repr shows the name only."""

    name: str  #: without spaces and "+"
    seed: bytes  #: 32 bytes

    @classmethod
    def derived(cls, secret: bytes, name: str, purpose: bytes) -> NoteKey:
        """A key that follows from another secret, so that whoever has that one needs no second file."""
        return cls(name, HKDF(hashes.SHA256(), 32, None, purpose).derive(secret))

    @property
    def verifier(self) -> str:
        """What verifiers are told: name, hash and public key in one word."""
        public = _ED25519 + Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return f"{self.name}+{_key_hash(self.name, public).hex()}+{base64.b64encode(public).decode()}"

    def sign(self, text: str) -> str:
        """Return `text`, which ends with a newline, with the signature behind."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        hashed = _key_hash(self.name, _ED25519 + key.public_key().public_bytes_raw())
        signature = base64.b64encode(hashed + key.sign(text.encode())).decode()
        return f"{text}\n{_DASH}{self.name} {signature}\n"

    def __repr__(self) -> str:
        return f"NoteKey({self.name})"


def opened_note(note: str, verifier: str) -> str | None:
    """Return the text of a note that the verifier's key signed, or None: not a note, or not of that key."""
    try:
        name, hashed, spelled = verifier.split("+", 2)
        public = base64.b64decode(spelled, validate=True)
        key = Ed25519PublicKey.from_public_bytes(public[1:])
        is_named = public[:1] == _ED25519 and _key_hash(name, public).hex() == hashed
    except (ValueError, binascii.Error):  # halves of surrogate pairs among them
        return None
    if not is_named:
        return None
    text, middle, signatures = note.rpartition("\n\n")
    for line in signatures.split("\n")[:-1] if middle else ():
        signer, _, signature = line.removeprefix(_DASH).partition(" ")
        if line.startswith(_DASH) and signer == name and _signed(key, text + "\n", signature, bytes.fromhex(hashed)):
            return text + "\n"
    return None


def _signed(key: Ed25519PublicKey, text: str, spelled: str, hashed: bytes) -> bool:
    try:
        content = base64.b64decode(spelled, validate=True)
        if content[:_NAME_HASH_BYTES] != hashed or len(content) != _NAME_HASH_BYTES + _SIGNATURE_BYTES:
            return False
        key.verify(content[_NAME_HASH_BYTES:], text.encode())
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True


def _key_hash(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + public).digest()[:_NAME_HASH_BYTES]
