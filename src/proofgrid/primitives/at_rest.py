"""What is stored is locked: AES-256-GCM in chunks, under a key of its own that follows from a store key.

    magic (8 bytes, the last one is the format) | id of the store key (8) | salt (32)
    chunk 0 | tag | chunk 1 | tag | ... | last chunk, perhaps empty | tag

The key of each stored thing is HMAC-SHA256(store key, purpose, salt), so no key meets a nonce twice, however much is
stored. A chunk's nonce is its number and whether it is the last, its tag covers the header: nothing can be cut off,
swapped or moved to another purpose. Which content it is nobody has to bind: everything stored is named by the SHA-256
of what it says when it is open, and is held against that name by whoever reads it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.sealing_errors import SealBroken

CHUNK_BYTES = 1 << 20  #: of what is open; the last chunk may be shorter
TAG_BYTES = 16
LOCKED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
MAGIC = b"pg-lock\x01"
ID_BYTES = 8
SALT_BYTES = 32
HEADER_BYTES = len(MAGIC) + ID_BYTES + SALT_BYTES
SECRET_BYTES = 32

ARTIFACT = "artifact"  #: purposes
JOB_INPUT = "job input"


@dataclass(frozen=True)
class StoreKey:
    """A key that what is stored is locked under. Its repr shows nothing."""

    secret: bytes = field(repr=False)

    @cached_property
    def key_id(self) -> str:
        """What it is called in headers, rows and file names: 16 hex digits that tell nothing of it."""
        return self._mixed(b"id")[:ID_BYTES].hex()

    def lock(self, purpose: str, content: bytes) -> bytes:
        """Return content locked, in one piece: for what is in memory anyway."""
        lock = self.fresh_lock(purpose)
        view = memoryview(content)
        chunks = [view[start : start + CHUNK_BYTES] for start in range(0, len(view), CHUNK_BYTES)] or [view]
        last = len(chunks) - 1
        return b"".join([lock.header, *(lock.chunk(chunk, n, n == last) for n, chunk in enumerate(chunks))])

    def open(self, purpose: str, stored: bytes) -> bytes:
        """Return what was locked; raise SealBroken for what was not, by this key and for this purpose."""
        lock = self.lock_of(purpose, stored[:HEADER_BYTES])
        view = memoryview(stored)
        starts = range(HEADER_BYTES, len(view), LOCKED_CHUNK_BYTES)
        chunks = [view[start : start + LOCKED_CHUNK_BYTES] for start in starts]
        return b"".join([lock.opened(chunk, n, n == len(chunks) - 1) for n, chunk in enumerate(chunks)])

    def fresh_lock(self, purpose: str) -> Lock:
        """Return what locks one thing, once."""
        return self.lock_of(purpose, MAGIC + bytes.fromhex(self.key_id) + fresh_bytes(SALT_BYTES))

    def lock_of(self, purpose: str, header: bytes) -> Lock:
        """Return what opens the thing that begins with this header; raise SealBroken for one of another key."""
        if key_id_of(header) != self.key_id:
            raise SealBroken("it was locked under another store key, or not at all")
        salt = header[len(MAGIC) + ID_BYTES : HEADER_BYTES]
        return Lock(header[:HEADER_BYTES], AESGCM(self._mixed(purpose.encode() + b"\0" + salt)))

    def _mixed(self, what: bytes) -> bytes:
        return hmac.digest(self.secret, b"proofgrid store key\0" + what, "sha256")


@dataclass(frozen=True, slots=True)
class Lock:
    """Locks or opens the chunks of one stored thing."""

    header: bytes
    cipher: AESGCM = field(repr=False)

    def chunk(self, content: bytes | memoryview, number: int, is_last: bool) -> bytes:
        """Return a chunk, locked."""
        return self.cipher.encrypt(_nonce(number, is_last), content, self.header)

    def opened(self, locked: bytes | memoryview, number: int, is_last: bool) -> bytes:
        """Return what a chunk says; raise SealBroken for one that was changed, or stood elsewhere."""
        try:
            return self.cipher.decrypt(_nonce(number, is_last), locked, self.header)
        except (InvalidTag, ValueError):
            raise SealBroken("what is stored was changed, or locked for something else") from None


def key_id_of(header: bytes) -> str | None:
    """Return the id of the store key that locked what begins with these bytes; None: it lies open."""
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        return None
    return header[len(MAGIC) : len(MAGIC) + ID_BYTES].hex()


def open_size(stored_bytes: int) -> int:
    """Return the size of what is locked in so many stored bytes."""
    body = stored_bytes - HEADER_BYTES
    return body - TAG_BYTES * -(-body // LOCKED_CHUNK_BYTES)


def stored_size(open_bytes: int) -> int:
    """Return how many bytes are stored of so many."""
    return HEADER_BYTES + open_bytes + TAG_BYTES * max(1, -(-open_bytes // CHUNK_BYTES))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
