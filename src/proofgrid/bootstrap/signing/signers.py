"""The keys of a signing process, as its parent has them: an address each, and questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography import x509

from proofgrid.bootstrap.signing.frames import SAID, Ask
from proofgrid.bootstrap.signing.statements import Said, purpose_of_document, purpose_of_message
from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.certificates import LIFETIME_MS, Certifier, requested_key
from proofgrid.primitives.distant import DistantSigner
from proofgrid.primitives.ids import Address
from proofgrid.primitives.notes import NoteSigner
from proofgrid.rules.audit.checkpoint import origin_of
from proofgrid.rules.identity.network_keys import NoSigningKey

T = TypeVar("T")


class Asked(Protocol):
    """A signing process."""

    def ask(self, kind: Ask, content: bytes) -> bytes:
        """Return its answer; waits. Raises Unavailable, or what it refuses with."""
        ...

    async def in_turn(self, call: Callable[[], T]) -> T:
        """Return what a call returns that asks, on a thread of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysToOpen:
    """Which keys a process reads."""

    key: Path | None  #: the root key, or the operator's
    make: Path | None = None  #: where a root key is made first
    folder: Path | None = None  #: of online keys: the process may read it later as well
    network: Address | None = None  #: None: the first key is the network's root key
    password: str = ""

    def to_json(self) -> bytes:
        paths = {"key": self.key, "make": self.make, "folder": self.folder}
        spelled = {name: None if path is None else str(path.absolute()) for name, path in paths.items()}
        return canonical_json({**spelled, "network": self.network, "password": self.password})


def open_keys(process: Asked, keys: KeysToOpen) -> list[KeptKey]:
    """Let a process read its keys; once. Waits. Raises InvalidField for a file that is no key."""
    return _keys_of(process, process.ask(Ask.OPEN, keys.to_json()))


def read_again(process: Asked, known: Collection[str]) -> list[KeptKey]:
    """Return the keys that lie in its folder now and are not known. Waits, and raises as `open_keys`."""
    return _keys_of(process, process.ask(Ask.READ_AGAIN, canonical_json(sorted(known))))


class KeptKey(DistantSigner):
    """One key of a signing process."""

    def __init__(
        self, process: Asked, address: Address, *, has_secret: bool, verifier: str = "", authority: str = ""
    ) -> None:
        """`verifier`, `authority`: what follows from the key of a gateway, public parts."""
        super().__init__(address, has_secret=has_secret)
        self._process = process
        self._verifier = verifier
        self._authority = authority
        self._name = bytes.fromhex(address[2:])

    def sign(self, message: bytes) -> str:
        said, rest = purpose_of_message(message)
        return self._signed(said, rest)

    def sign_hash_of(self, document: bytes) -> str:
        return self._signed(purpose_of_document(document), document)

    def audit_key(self, network: Address) -> NoteSigner:
        return _AuditKey(self, origin_of(network), self._public(self._verifier))

    def authority(self, network: Address) -> Certifier:
        return _Authority(self, network, self._public(self._authority))

    def development_secret(self, kind: str) -> bytes:
        return self.ask(Ask.ROOT, kind.encode())

    async def in_turn(self, call: Callable[[], T]) -> T:
        return await self._process.in_turn(call)

    def ask(self, kind: Ask, content: bytes) -> bytes:
        """Ask something of this key."""
        return self._process.ask(kind, self._name + content)

    def _signed(self, said: Said, rest: bytes) -> str:
        return self.ask(Ask.SIGN, bytes([SAID.index(said)]) + rest).decode()

    def _public(self, spelled: str) -> str:
        if not spelled:
            raise NoSigningKey(f"nothing follows from {self.address} here", field="keys")
        return spelled

    def __repr__(self) -> str:
        return f"KeptKey({self.address})"


class _AuditKey:
    """Signs checkpoints."""

    def __init__(self, key: KeptKey, name: str, verifier: str) -> None:
        self._key = key
        self.name = name
        self.verifier = verifier

    def sign(self, text: str) -> str:
        return self._key.ask(Ask.NOTE, text.encode()).decode()


class _Authority:
    """Certifies provers."""

    def __init__(self, key: KeptKey, network: Address, pem: str) -> None:
        self._key = key
        self.network = network
        self.signer = key.address
        self.pem = pem.encode()

    @cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem)

    def certify(
        self, request: bytes, operator: Address, *, serial: int, now_ms: int, lifetime_ms: int = LIFETIME_MS
    ) -> tuple[bytes, int]:
        told = {
            "point": requested_key(request).hex(),
            "operator": operator,
            "serial": str(serial),
            "now_ms": now_ms,
            "lifetime_ms": lifetime_ms,
        }
        answer = json.loads(self._key.ask(Ask.CERTIFY, canonical_json(told)))
        return answer["certificate"].encode(), int(answer["ends_ms"])


def _keys_of(process: Asked, answer: bytes) -> list[KeptKey]:
    return [
        KeptKey(
            process,
            Address(one["address"]),
            has_secret=one["has_secret"],
            verifier=one.get("verifier", ""),
            authority=one.get("authority", ""),
        )
        for one in json.loads(answer)
    ]
