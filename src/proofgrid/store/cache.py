"""A folder of fetched artifacts: verified when used, the longest unused go first when it is full.

A file that was hashed a moment ago and was not touched since is not hashed again for every use.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from proofgrid.primitives.digests import Digest, digest_of_file, parse_digest
from proofgrid.primitives.errors import ArtifactCorrupt
from proofgrid.primitives.whole_files import PREFIX, written_whole

HASH_HOLDS_SECONDS = 10.0  #: of a file that nobody touched

log = structlog.get_logger(__name__)

Fetch = Callable[[Path], Awaitable[None]]  #: writes the artifact to the path it is given


_Touched = tuple[int, int, int, int]  #: inode, size, and when its content and its entry were changed


@dataclass(frozen=True, slots=True)
class _Hashed:
    """What a file looked like when its content was hashed, and when that was by the loop's clock."""

    touched: _Touched | None
    at_seconds: float


class LocalCache:
    """Artifacts on this machine's disk, at most `max_bytes` of them besides those in use."""

    def __init__(self, root: Path, max_bytes: int, *, hash_holds_seconds: float = HASH_HOLDS_SECONDS) -> None:
        self._root = root
        self._hash_holds_seconds = hash_holds_seconds
        self._max_bytes = max_bytes
        self._pins: Counter[Digest] = Counter()
        self._turns: dict[Digest, asyncio.Lock] = {}
        self._hashed: dict[Digest, _Hashed] = {}
        root.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(root)
        self._sizes = _found_in(root)  #: size in bytes by digest, longest unused first

    @property
    def used_bytes(self) -> int:
        return sum(self._sizes.values())

    async def get(self, digest: Digest, fetch: Fetch) -> Path:
        """Return where the verified artifact lies, calling `fetch` when it is not here.

        The path holds until the next call; use `pinned` for a file that must stay longer.
        """
        async with self.pinned(digest, fetch) as path:
            return path

    @asynccontextmanager
    async def pinned(self, digest: Digest, fetch: Fetch) -> AsyncIterator[Path]:
        """Yield where the verified artifact lies; it is not evicted before the context ends."""
        self._pins[digest] += 1
        try:
            yield await self._verified(parse_digest(digest), fetch)
        finally:
            self._pins[digest] -= 1
            if not self._pins[digest]:
                del self._pins[digest]
                self._turns.pop(digest, None)
            self._evict()

    async def _verified(self, digest: Digest, fetch: Fetch) -> Path:
        path = self._root / digest[:2] / digest
        if self._was_hashed(path, digest):
            self._sizes.move_to_end(digest)
            return path
        # One at a time per digest: the first fetches, the others find the file.
        async with self._turns.setdefault(digest, asyncio.Lock()):
            if not self._was_hashed(path, digest):
                await self._hash(path, digest, fetch)
            self._sizes.move_to_end(digest)
        self._evict()
        return path

    def _was_hashed(self, path: Path, digest: Digest) -> bool:
        hashed = self._hashed.get(digest)
        return (
            hashed is not None
            and digest in self._sizes
            and asyncio.get_running_loop().time() - hashed.at_seconds < self._hash_holds_seconds
            and _touched(path) == hashed.touched
        )

    async def _hash(self, path: Path, digest: Digest, fetch: Fetch) -> None:
        before = _touched(path)
        if not await self._is_whole(path, digest):
            await self._fetch(path, digest, fetch)
            before = _touched(path)
        self._note_whole(path, digest, before)

    def _note_whole(self, path: Path, digest: Digest, before: _Touched | None) -> None:
        """Note that the file is whole, and for a while, unless somebody touched it since `before` it was read."""
        self._hashed.pop(digest, None)
        if before is not None and before == _touched(path):
            os.utime(path)  # the order survives a restart
            self._hashed[digest] = _Hashed(_touched(path), asyncio.get_running_loop().time())
        self._sizes[digest] = path.stat().st_size

    async def _is_whole(self, path: Path, digest: Digest) -> bool:
        try:
            if await asyncio.to_thread(digest_of_file, path) == digest:
                return True
        except FileNotFoundError:
            return False
        log.error("artifact_corrupt", digest=digest, cache=str(self._root))
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return False

    async def _fetch(self, path: Path, digest: Digest, fetch: Fetch) -> None:
        with written_whole(path, scratch=self._root) as partial:
            await fetch(partial)
            if await asyncio.to_thread(digest_of_file, partial) != digest:
                raise ArtifactCorrupt(f"what was fetched for {digest} does not hash to it; it was refused")

    def _evict(self) -> None:
        excess_bytes = self.used_bytes - self._max_bytes
        if excess_bytes <= 0:
            return
        for digest in [digest for digest in self._sizes if digest not in self._pins]:
            if excess_bytes <= 0:
                return
            excess_bytes -= self._sizes[digest]
            self._remove(digest)

    def _remove(self, digest: Digest) -> None:
        self._sizes.pop(digest, None)
        self._hashed.pop(digest, None)
        (self._root / digest[:2] / digest).unlink(missing_ok=True)


def _touched(path: Path) -> _Touched | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _found_in(root: Path) -> OrderedDict[Digest, int]:
    found = []
    for path in root.glob("[0-9a-f][0-9a-f]/*"):
        with suppress(FileNotFoundError):  # another prover on this folder may evict meanwhile
            status = path.stat()
            found.append((status.st_mtime_ns, Digest(path.name), status.st_size))
    return OrderedDict((digest, size) for _, digest, size in sorted(found))


def _remove_leftovers(root: Path) -> None:
    for leftover in root.glob(f"{PREFIX}*"):
        leftover.unlink(missing_ok=True)
