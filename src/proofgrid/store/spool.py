"""On the way into the store, and out of it: content is locked as it comes, and opened as it goes.

A spool is a nameless file that holds what the store is to hold, so publishing it is sending it as it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from obstore.exceptions import BaseError

from proofgrid.primitives.at_rest import ARTIFACT, CHUNK_BYTES, HEADER_BYTES, LOCKED_CHUNK_BYTES, Lock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import ArtifactMissing, Recoverable, TooLarge
from proofgrid.store.vault import Vault


class Spool:
    """Written in plain, read in plain, locked on the disk. Use it in a `with`; `write` and `finish` block."""

    def __init__(self, folder: Path | None, vault: Vault) -> None:
        # Nameless, so that even a kill -9 leaves nothing behind; on the store's disk, which has room for it.
        # Unbuffered, so that a full disk shows when it is written to, and not again when it is closed.
        with failures_named():
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed by __exit__
        self._lock = vault.fresh_lock(ARTIFACT)
        self._held = bytearray()  #: not a whole chunk yet
        self._chunks = 0
        if self._lock is not None:
            self._put(self._lock.header)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._file.close()

    def write(self, piece: bytes) -> None:
        """Append what comes next."""
        if self._lock is None:
            self._put(piece)
            return
        self._held += piece
        while len(self._held) > CHUNK_BYTES:  # the last chunk is known by the end only
            self._put_chunk(self._lock, CHUNK_BYTES, is_last=False)

    def finish(self) -> None:
        """Nothing comes any more."""
        if self._lock is not None:
            self._put_chunk(self._lock, len(self._held), is_last=True)

    async def stored(self) -> AsyncIterator[bytes]:
        """Yield what the store is to hold, once it is finished; any number may read at once."""
        async for piece in pieces_of(self._file):
            yield piece

    async def pieces(self, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield what was written from `offset` on, once it is finished; any number may read at once."""
        if self._lock is None:
            async for piece in pieces_of(self._file, offset=offset):
                yield piece
            return
        skip = offset % CHUNK_BYTES
        for number in range(offset // CHUNK_BYTES, self._chunks):
            yield (await asyncio.to_thread(self._opened, self._lock, number))[skip:]
            skip = 0

    def read_from(self, offset: int) -> Iterator[bytes]:
        """Yield the same, for who is in a thread."""
        if self._lock is None:
            while piece := os.pread(self._file.fileno(), CHUNK_BYTES, offset):
                offset += len(piece)
                yield piece
            return
        skip = offset % CHUNK_BYTES
        for number in range(offset // CHUNK_BYTES, self._chunks):
            yield self._opened(self._lock, number)[skip:]
            skip = 0

    def _opened(self, lock: Lock, number: int) -> bytes:
        locked = os.pread(self._file.fileno(), LOCKED_CHUNK_BYTES, HEADER_BYTES + number * LOCKED_CHUNK_BYTES)
        return lock.opened(locked, number, number == self._chunks - 1)

    def _put_chunk(self, lock: Lock, size_bytes: int, *, is_last: bool) -> None:
        self._put(lock.chunk(bytes(self._held[:size_bytes]), self._chunks, is_last))
        del self._held[:size_bytes]
        self._chunks += 1

    def _put(self, content: bytes) -> None:
        rest = memoryview(content)
        with failures_named():
            while rest:
                rest = rest[self._file.write(rest) :]


class Opening:
    """Opens and hashes what is stored, piece by piece; what lies open goes through as it is. Both methods block."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._hasher = hashlib.sha256()
        self._held = bytearray()  #: not a whole chunk, or perhaps the last one
        self._lock: Lock | None = None
        self._has_begun = False
        self._chunks = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of all that was opened."""
        return self._hasher.hexdigest()

    def take(self, piece: bytes) -> list[bytes]:
        """Return what follows, in parts of at most 1 MiB. Raises StoreKeyMissing, SealBroken."""
        self._held += piece
        if not self._has_begun:
            if len(self._held) < HEADER_BYTES:
                return []
            self._begin()
        if self._lock is None:
            return self._plain()
        parts = []
        while len(self._held) > LOCKED_CHUNK_BYTES:
            parts.append(self._opened(self._lock, LOCKED_CHUNK_BYTES, is_last=False))
        return parts

    def end(self) -> list[bytes]:
        """Nothing comes any more; return the rest. Raises SealBroken where something was cut off."""
        if not self._has_begun:
            self._begin()
        if self._lock is None:
            return self._plain()
        return [self._opened(self._lock, len(self._held), is_last=True)]

    def _begin(self) -> None:
        self._has_begun = True
        self._lock = self._vault.lock_of(ARTIFACT, bytes(self._held[:HEADER_BYTES]))
        if self._lock is not None:
            del self._held[:HEADER_BYTES]

    def _plain(self) -> list[bytes]:
        content = bytes(self._held)
        self._held.clear()
        self._hasher.update(content)
        return parts_of(content)

    def _opened(self, lock: Lock, size_bytes: int, *, is_last: bool) -> bytes:
        part = lock.opened(bytes(self._held[:size_bytes]), self._chunks, is_last)
        del self._held[:size_bytes]
        self._chunks += 1
        self._hasher.update(part)
        return part


async def spooled(chunks: AsyncIterator[bytes], spool: Spool, *, limit_bytes: int) -> tuple[Digest, int]:
    """Write a stream into a spool and finish it; return digest and size of the content. Raises TooLarge."""
    hasher = hashlib.sha256()
    size_bytes = 0

    def take(chunk: bytes) -> None:
        hasher.update(chunk)
        spool.write(chunk)

    async for chunk in chunks:
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            raise TooLarge(f"the upload is larger than {limit_bytes} bytes")
        await asyncio.to_thread(take, chunk)
    await asyncio.to_thread(spool.finish)
    return Digest(hasher.hexdigest()), size_bytes


def parts_of(piece: bytes) -> list[bytes]:
    """Return a piece in parts of at most 1 MiB."""
    return [piece[start : start + CHUNK_BYTES] for start in range(0, len(piece), CHUNK_BYTES)]


async def pieces_of(file: IO[bytes], *, offset: int = 0) -> AsyncIterator[bytes]:
    """Yield a file from `offset` on; any number may read it at once, none moves its position."""
    while piece := await asyncio.to_thread(os.pread, file.fileno(), CHUNK_BYTES, offset):
        offset += len(piece)
        yield piece


@contextmanager
def failures_named(digest: Digest | None = None) -> Iterator[None]:
    """Translate the storage engine's errors into ours."""
    try:
        yield
    except FileNotFoundError as reason:
        raise ArtifactMissing(f"artifact {digest} is not in the store" if digest else "") from reason
    except (BaseError, OSError) as reason:
        raise Recoverable(f"the artifact store failed: {type(reason).__name__}: {reason}") from reason
