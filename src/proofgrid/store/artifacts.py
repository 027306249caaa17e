"""Artifacts: bytes named by their SHA-256, streamed in and out, verified on every read.

    incoming/<uuid>         a folder's temporary name: a file gets its own only when it is whole and on the disk
    sha256/ab/<digest>      the artifact
    aside/<digest>          nothing seemed to refer to it (retention.py); whoever reads it brings it back
    quarantine/<digest>     a copy that no longer hashed to its name; refused from then on, mended by a new upload

What lies there is locked under a store key where there is one (vault.py); names, sizes and hashes that others know are
those of the open content.
Small bundles live in rows of the database instead (stored_artifacts.py) and are read there when no copy is here.
Buckets need no temporary name: what S3 is sent in parts exists under its key only after the last call, whole.
A stream that was sent cannot be taken back, so `open_stream` keeps the last piece until the whole hash is known.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from proofgrid.primitives.at_rest import ARTIFACT, CHUNK_BYTES, HEADER_BYTES, key_id_of, open_size
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.digests import Digest, digest_of, parse_digest
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, InvalidField, TooLarge
from proofgrid.primitives.sealing_errors import SealBroken
from proofgrid.primitives.whole_files import written_whole
from proofgrid.store.spool import Opening, Spool, failures_named, parts_of, pieces_of, spooled
from proofgrid.store.vault import Vault

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ClientConfig, RetryConfig

ABANDONED_MS = 24 * 3_600_000  #: an upload that old under its temporary name is nobody's
_RETRIES: RetryConfig = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
}
_TIMEOUTS: ClientConfig = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "30min"}
_AT_ONCE_BYTES = 64 << 10  #: of what is hashed and locked without another thread: a fraction of a millisecond
_SCHEMES = ("s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss", "file", "memory")

Rows = Callable[[Digest], Awaitable[bytes | None]]  #: the bytes of an artifact that lives in a row

log = structlog.get_logger(__name__)


async def _no_rows(_digest: Digest) -> None:
    return None


class ArtifactStore:
    """A folder or bucket of artifacts. All calls are idempotent and safe beside each other.

    `rows` knows the artifacts that live elsewhere, in rows: they can be read here too. `vault` has the keys under which
    what is stored is locked; without, it lies open.
    """

    def __init__(
        self, store: ObjectStore, *, local_root: Path | None = None, rows: Rows = _no_rows, vault: Vault | None = None
    ) -> None:
        self._store = store
        self._local_root = local_root
        self._rows = rows
        self._vault = vault or Vault()
        self._durable: set[Path] = set()  #: folders whose names are on disk

    @classmethod
    def open(
        cls,
        url_or_path: str,
        *,
        config: Mapping[str, str] | None = None,
        rows: Rows = _no_rows,
        vault: Vault | None = None,
    ) -> ArtifactStore:
        """Open a local folder (made when missing) or a bucket by URL: s3://, gs://, az://.

        Buckets are configured by the variables of their kind (AWS_ENDPOINT, …); `config` overrules them.
        """
        scheme, separator, rest = url_or_path.partition("://")
        if separator and scheme not in _SCHEMES:
            hint = "use a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
            raise InvalidField(f"no artifact store speaks {scheme}://", field="artifacts", hint=hint)
        if not separator or scheme == "file":
            return cls._open_folder(Path(rest if separator else url_or_path).expanduser().absolute(), rows, vault)
        try:
            if scheme == "memory":
                return cls(from_url(url_or_path), rows=rows, vault=vault)
            # The engine panics when this one comes as part of a config.
            chosen: Any = {name: value for name, value in (config or {}).items() if "allow_http" not in name}
            options = _TIMEOUTS | {"allow_http": _allows_http(config or os.environ)}
            store = from_url(url_or_path, config=chosen, client_options=options, retry_config=_RETRIES)
            return cls(store, rows=rows, vault=vault)
        except (BaseError, ValueError) as reason:
            raise InvalidField(f"the artifact store cannot be opened: {reason}", field="artifacts") from reason

    @classmethod
    def _open_folder(cls, root: Path, rows: Rows, vault: Vault | None) -> ArtifactStore:
        try:
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass
        except OSError as reason:
            raise InvalidField(f"the folder {root} is not writable: {reason.strerror}", field="artifacts") from reason
        return cls(LocalStore(root), local_root=root, rows=rows, vault=vault)

    @property
    def vault(self) -> Vault:
        """The keys under which it locks what it stores."""
        return self._vault

    # --- in -----------------------------------------------------------------------------------------

    async def put_bytes(self, content: bytes) -> Digest:
        """Store `content`; return its digest once the bytes are durable."""
        if len(content) < _AT_ONCE_BYTES:
            digest, stored = digest_of(content), self._vault.locked(ARTIFACT, content)
        else:
            digest = await asyncio.to_thread(digest_of, content)
            stored = await asyncio.to_thread(self._vault.locked, ARTIFACT, content)
        await self._publish(digest, stored)
        return digest

    async def put_stream(
        self, chunks: AsyncIterator[bytes], *, limit_bytes: int, expected: Digest | None = None
    ) -> tuple[Digest, int]:
        """Store a stream; return digest and size once the bytes are durable.

        Raises TooLarge past `limit_bytes` and InvalidField when the bytes are not `expected`; then nothing is stored.
        """
        with self._spool() as spool:
            digest, size_bytes = await spooled(chunks, spool, limit_bytes=limit_bytes)
            if expected is not None and digest != expected:
                raise InvalidField(f"the bytes sent hash to {digest}, not to the digest announced", field="digest")
            await self._publish(digest, spool)
        return digest, size_bytes

    async def put_file(self, path: Path, *, expected: Digest | None = None) -> tuple[Digest, int]:
        """Store a file; return digest and size once the bytes are durable."""
        with path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            if size_bytes <= CHUNK_BYTES and expected is None:
                return await self.put_bytes(await asyncio.to_thread(file.read)), size_bytes
            return await self.put_stream(pieces_of(file), limit_bytes=size_bytes, expected=expected)

    # --- out ----------------------------------------------------------------------------------------

    async def open_stream(self, digest: Digest, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield the artifact from `offset` on, in pieces of at most 1 MiB, the last one only when all are verified.

        Everything is read and hashed, also what lies before `offset`: a resumed download is as sure as a whole one.
        Raises ArtifactMissing before the first piece, ArtifactCorrupt instead of the last.
        """
        skip = offset
        held = b""
        opening = Opening(self._vault)
        with failures_named(digest):
            found = await self._find(digest)
            if isinstance(found, bytes):
                content = b"".join(pieces_of_row(digest, found))
                for part in parts_of(content[offset:]):
                    yield part
                return
            try:
                async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
                    for part in await asyncio.to_thread(opening.take, bytes(piece)):
                        if held:
                            yield held
                        held = part[skip:]
                        skip = max(0, skip - len(part))
                for part in await asyncio.to_thread(opening.end):
                    if held:
                        yield held
                    held = part[skip:]
                    skip = max(0, skip - len(part))
                is_whole = opening.digest == digest
            except SealBroken:
                is_whole = False
        if not is_whole:
            await self._quarantine(digest, e_tag=found.meta["e_tag"])
            raise ArtifactCorrupt(f"the stored copy of {digest} does not hash to its digest; it was refused")
        if held:
            yield held

    async def read_bytes(self, digest: Digest, *, limit_bytes: int) -> bytes:
        """Return the whole artifact, verified; raise TooLarge past `limit_bytes`."""
        if await self.size(digest) > limit_bytes:
            raise TooLarge(f"artifact {digest} is larger than {limit_bytes} bytes")
        return b"".join([piece async for piece in self.open_stream(digest)])

    async def fetch_to(self, digest: Digest, path: Path) -> None:
        """Write the artifact to `path`, which appears only when it is whole and verified."""
        with written_whole(path) as partial, partial.open("wb") as file:
            async for piece in self.open_stream(digest):
                await asyncio.to_thread(file.write, piece)

    async def exists(self, digest: Digest) -> bool:
        """Say whether a copy is stored. It may still prove corrupt when read."""
        try:
            await self.size(digest)
        except ArtifactMissing:
            return False
        return True

    async def size(self, digest: Digest) -> int:
        """Return the size of the artifact in bytes."""
        with failures_named(digest):
            try:
                return await self._open_size(_key(digest))
            except FileNotFoundError:
                try:
                    return await self._open_size(_aside(digest))
                except FileNotFoundError:
                    if (content := await self._rows(digest)) is None:
                        raise
                    return len(content)

    # --- away ---------------------------------------------------------------------------------------

    async def delete(self, digest: Digest) -> None:
        """Forget the artifact, set aside or not; one that is not there is forgotten already."""
        for path in (_key(digest), _aside(digest)):
            with failures_named(digest), suppress(FileNotFoundError):
                await obstore.delete_async(self._store, path)

    async def set_aside(self, digest: Digest) -> None:
        """Move the artifact out of the way, to be forgotten later; the next reader brings it back."""
        with failures_named(digest), suppress(FileNotFoundError):
            await obstore.rename_async(self._store, _key(digest), _aside(digest), overwrite=True)

    async def bring_back(self, digest: Digest) -> None:
        """Undo `set_aside`, where there was one; a copy that was uploaded since is the better one and stays."""
        with failures_named(digest), suppress(FileNotFoundError):
            try:
                await obstore.head_async(self._store, _key(digest))
            except FileNotFoundError:
                await obstore.rename_async(self._store, _aside(digest), _key(digest), overwrite=True)
            else:
                await obstore.delete_async(self._store, _aside(digest))

    async def forget_aside(self, digest: Digest) -> None:
        """Delete what was set aside. A copy that was uploaded since stays."""
        with failures_named(digest), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, _aside(digest))

    async def older_than(self, moment_ms: int) -> AsyncIterator[list[Digest]]:
        """Yield the stored artifacts that were last written before a moment, in batches."""
        with failures_named():
            async for batch in obstore.list(self._store, prefix="sha256"):
                old = [meta["path"] for meta in batch if meta["last_modified"].timestamp() * 1000 < moment_ms]
                names = [Digest(path.rsplit("/", 1)[-1]) for path in old]
                yield [name for name, path in zip(names, old, strict=True) if path == f"sha256/{name[:2]}/{name}"]

    async def remove_abandoned(self, now_ms: int) -> int:
        """Remove what killed uploads left under temporary names; return how many there were."""
        removed = 0
        with failures_named():
            async for batch in obstore.list(self._store, prefix="incoming"):
                for meta in batch:
                    if meta["last_modified"].timestamp() * 1000 < now_ms - ABANDONED_MS:
                        await obstore.delete_async(self._store, meta["path"])
                        removed += 1
        return removed

    # --- helpers ------------------------------------------------------------------------------------

    async def _open_size(self, path: str) -> int:
        stored_bytes = int((await obstore.head_async(self._store, path))["size"])
        return stored_bytes if await self._key_id(path, stored_bytes) is None else open_size(stored_bytes)

    async def _key_id(self, path: str, stored_bytes: int) -> str | None:
        """Return the store key that what lies there is locked under; None: it lies open."""
        if stored_bytes < HEADER_BYTES:
            return None
        header = await obstore.get_range_async(self._store, path, start=0, end=HEADER_BYTES)
        return key_id_of(bytes(header))

    async def _quarantine(self, digest: Digest, *, e_tag: str | None) -> None:
        log.error("artifact_corrupt", digest=digest)
        try:
            with failures_named(digest):
                # Somebody may have mended the copy since it was read: the healthy one stays.
                if (await obstore.head_async(self._store, _key(digest)))["e_tag"] == e_tag:
                    await obstore.rename_async(self._store, _key(digest), f"quarantine/{digest}", overwrite=True)
        except ArtifactMissing:
            return  # another reader moved it first

    async def _find(self, digest: Digest) -> GetResult | bytes:
        try:
            return await obstore.get_async(self._store, _key(digest))
        except FileNotFoundError:
            if (content := await self._rows(digest)) is not None:
                return content
            await self.bring_back(digest)
            return await obstore.get_async(self._store, _key(digest))

    async def _publish(self, digest: Digest, stored: bytes | Spool) -> None:
        """Make content whose digest was checked readable under it: whole and durable, or not at all."""
        await self._write(_key(digest), stored)

    async def _write(self, path: str, stored: bytes | Spool) -> None:
        with failures_named():
            if self._local_root is None:
                await obstore.put_async(self._store, path, _sendable(stored))
                return
            # obstore's LocalStore offers no fsync: a power cut after its rename could leave a name without bytes.
            incoming = f"incoming/{fresh_bytes(16).hex()}"
            try:
                await obstore.put_async(self._store, incoming, _sendable(stored))
                await asyncio.to_thread(_fsync, self._local_root / incoming)
                await obstore.rename_async(self._store, incoming, path, overwrite=True)
            except BaseException:
                with suppress(FileNotFoundError):
                    await obstore.delete_async(self._store, incoming)
                raise
            await asyncio.to_thread(self._fsync_folders, self._local_root / path)

    def _fsync_folders(self, path: Path) -> None:
        """Make a file's name durable, and the names of its folders when they may be new."""
        _fsync(path.parent)
        if path.parent not in self._durable:
            _fsync(path.parent.parent)
            _fsync(path.parent.parent.parent)
            self._durable.add(path.parent)

    def _spool(self) -> Spool:
        return Spool(self._local_root, self._vault)


def _key(digest: Digest) -> str:
    return f"sha256/{parse_digest(digest)[:2]}/{digest}"


def _allows_http(config: Mapping[str, str]) -> bool:
    # Client options given in code hide the engine's own reading of this variable.
    values = {name.upper(): value for name, value in config.items()}
    return any(values.get(f"{kind}_ALLOW_HTTP", "").lower() in ("1", "true") for kind in ("AWS", "GOOGLE", "AZURE"))


def _aside(digest: Digest) -> str:
    return f"aside/{parse_digest(digest)}"


def _sendable(stored: bytes | Spool) -> bytes | AsyncIterator[bytes]:
    return stored if isinstance(stored, bytes) else stored.stored()


def pieces_of_row(digest: Digest, content: bytes) -> list[bytes]:
    """Return an artifact that lives in a row, in pieces; raise ArtifactCorrupt where it does not hash to its name."""
    if digest_of(content) != digest:
        log.error("artifact_corrupt", digest=digest, place="row")
        raise ArtifactCorrupt(f"the stored row of {digest} does not hash to its digest; it was refused")
    return parts_of(content)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
