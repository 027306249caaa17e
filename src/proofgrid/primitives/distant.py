"""Keys that another process holds: what it signs, and what it makes of a secret that never comes here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer

if TYPE_CHECKING:
    from proofgrid.primitives.certificates import Certifier
    from proofgrid.primitives.notes import NoteSigner

T = TypeVar("T")


class DistantSigner(ABC):
    """A Signer whose key lies in another process, which signs what it knows the purpose of, and nothing else.

    Every method but `in_turn` waits for that process: on the event loop it holds up everybody.
    """

    def __init__(self, address: Address, *, has_secret: bool) -> None:
        """`has_secret`: that process has the key itself, not a module behind it: other keys may follow from it."""
        self.address = address
        self.has_secret = has_secret

    @abstractmethod
    def sign(self, message: bytes) -> str:
        """Return the EIP-191 signature of a message that has a purpose there. Raises Unavailable or NotSigned."""

    @abstractmethod
    def sign_hash_of(self, document: bytes) -> str:
        """Return the signature of the SHA-256 of a document, which that process hashes itself. Raises as `sign`."""

    @abstractmethod
    def audit_key(self, network: Address) -> NoteSigner:
        """Return what signs the audit log's checkpoints; the key follows from the secret."""

    @abstractmethod
    def authority(self, network: Address) -> Certifier:
        """Return who certifies provers; the key follows from the secret."""

    @abstractmethod
    def development_secret(self, kind: str) -> bytes:
        """Return what a trust root for development of a kind is made of."""

    @abstractmethod
    async def in_turn(self, call: Callable[[], T]) -> T:
        """Return what a call returns that signs with this key: on a thread of its own, behind those before it."""


def sign_hash_of(signer: Signer, document: bytes) -> str:
    """Return the signature of the 32 bytes that a document hashes to."""
    if isinstance(signer, DistantSigner):
        return signer.sign_hash_of(document)
    return signer.sign(sha256(document).digest())


async def in_turn_of(signer: Signer, call: Callable[[], T]) -> T:
    """Return what a call returns that signs with this key; the event loop goes on where that means waiting."""
    return await signer.in_turn(call) if isinstance(signer, DistantSigner) else call()
