"""The outside of a bundle: a ZIP file in which nothing is compressed, hidden, repeated or out of place.

    manifest.json
    signature.json
    files/<sha256>      in the order of the names

Any ZIP tool can open it; we read only files that are laid out exactly as we write them, so that a small file cannot
become a big one, a name cannot become a path, and two readers cannot see two different contents.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import BadBundle

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"

_FILE_NAME = re.compile(r"files/([0-9a-f]{64})")
_LINE = struct.Struct("<4s4B4H3L5H2L")  #: of the directory, without the name
_LINE_MAGIC = b"PK\x01\x02"
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_ZIP64_MAGIC = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_LOCAL_HEADER_BYTES = 30
_DIRECTORY_ENTRY_MAX_BYTES = 46 + 6 + 64
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    """What a reader is willing to read."""

    entries_max: int = 20_000
    total_bytes_max: int = 2 << 30
    json_bytes_max: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Container:
    """An open container whose layout was checked; its contents were not."""

    digests: frozenset[Digest]
    _zip: zipfile.ZipFile
    _limits: ContainerLimits

    def read_json_bytes(self, name: str) -> bytes:
        """Return `manifest.json` or `signature.json`."""
        with _readable():
            if self._zip.getinfo(name).file_size > self._limits.json_bytes_max:
                raise BadBundle(f"{name} is larger than {self._limits.json_bytes_max} bytes", field="container")
            return self._zip.read(name)

    def read(self, digest: Digest) -> bytes:
        """Return the file of this digest; raise BadBundle when its bytes hash to something else."""
        with _readable():
            content = self._zip.read(f"files/{digest}")
        if digest_of(content) != digest:
            raise BadBundle(f"the file {digest} does not hash to its name", field="container")
        return content

    def extract(self, digest: Digest, target: Path) -> None:
        """Write the file of this digest to `target`; raise BadBundle when its bytes hash to something else."""
        with _readable(), target.open("wb") as file:
            self._pass(digest, file.write)

    def check(self, digest: Digest) -> None:
        """Raise BadBundle when the bytes of the file of this digest hash to something else."""
        self._pass(digest, lambda piece: None)

    def _pass(self, digest: Digest, take: Callable[[bytes], object]) -> None:
        hasher = hashlib.sha256()
        with _readable(), self._zip.open(f"files/{digest}") as source:
            for piece in _pieces_of(source):
                hasher.update(piece)
                take(piece)
        if hasher.hexdigest() != digest:
            raise BadBundle(f"the file {digest} does not hash to its name", field="container")


Content = bytes | Path  #: what a file holds, or where it lies


def write_container(target: IO[bytes], documents: Mapping[str, bytes], contents: Mapping[Digest, Content]) -> None:
    """Write a container; raise ValueError when a content does not hash to its digest."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in (MANIFEST, SIGNATURE):
            archive.writestr(_entry(name), documents[name])
        for digest in sorted(contents):
            if _write_content(archive, _entry(f"files/{digest}"), contents[digest]) != digest:
                raise ValueError(f"a content does not hash to {digest}")


def _write_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, content: Content) -> Digest:
    if isinstance(content, bytes):
        archive.writestr(entry, content)
        return digest_of(content)
    hasher = hashlib.sha256()
    with content.open("rb") as source, archive.open(entry, "w") as place:
        for piece in _pieces_of(source):
            hasher.update(piece)
            place.write(piece)
    return Digest(hasher.hexdigest())


@contextmanager
def open_container(source: Content, limits: ContainerLimits) -> Iterator[Container]:
    """Open a container for reading; raise BadBundle for anything that is not laid out as `write_container` does.

    `source` is where its file lies, or its bytes.
    """
    with _readable():
        file: IO[bytes] = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with file:
        _check_end(file, limits)
        with _readable():
            archive = zipfile.ZipFile(file)
        with archive:
            yield Container(_check_layout(archive, file), archive, limits)


def _check_end(file: IO[bytes], limits: ContainerLimits) -> None:
    """Check the last record before a library believes what it says about sizes."""
    size_bytes = file.seek(0, os.SEEK_END)
    if size_bytes > limits.total_bytes_max:
        raise BadBundle(f"the file is larger than {limits.total_bytes_max} bytes", field="container")
    tail_bytes = _END.size + _ZIP64_LOCATOR_BYTES
    if size_bytes < tail_bytes:
        raise BadBundle("this is no bundle: the file is too short", field="container")
    file.seek(-tail_bytes, os.SEEK_END)
    locator, end = file.read(_ZIP64_LOCATOR_BYTES), file.read()
    magic, disk, first_disk, here, entries, directory_bytes, directory_at, comment_bytes = _END.unpack(end)
    if magic != _END_MAGIC or comment_bytes or locator.startswith(_ZIP64_MAGIC):
        raise BadBundle("this is no bundle, or it is cut short: no end record", field="container")
    if entries > limits.entries_max or directory_bytes > limits.entries_max * _DIRECTORY_ENTRY_MAX_BYTES:
        raise BadBundle(f"more than {limits.entries_max} files", field="container")
    if disk or first_disk or here != entries or directory_at + directory_bytes + _END.size != size_bytes:
        raise BadBundle("the directory is not where the end record says", field="container")


def _check_layout(archive: zipfile.ZipFile, file: IO[bytes]) -> frozenset[Digest]:
    """Check that the entries fill the file from its first byte to the directory, in order, each once."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if names[:2] != [MANIFEST, SIGNATURE] or names[2:] != sorted(set(names[2:])):
        raise BadBundle("expected manifest.json, signature.json and the files in order, each once", field="container")
    next_at = 0
    digests = set()
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise BadBundle(f"{entry.filename!r} is compressed", field="container")
        if entry.header_offset != next_at or entry.extra or entry.comment or entry.flag_bits:
            raise BadBundle(f"{entry.filename!r} is not stored plainly, one after the other", field="container")
        next_at += _LOCAL_HEADER_BYTES + len(entry.filename) + entry.file_size
    for name in names[2:]:
        match = _FILE_NAME.fullmatch(name)
        if not match:
            raise BadBundle(f"{name!r} does not belong into a bundle", field="container")
        digests.add(Digest(match[1]))
    if next_at != archive.start_dir:
        raise BadBundle("there is something between the files and the directory", field="container")
    if not _is_written_as_ours(entries, archive.start_dir, file):
        raise BadBundle("a file is not told of as a bundle tells of it", field="container")
    return frozenset(digests)


def _is_written_as_ours(entries: Sequence[zipfile.ZipInfo], directory_at: int, file: IO[bytes]) -> bool:
    """Compare both places that tell of a file, its header and its line in the directory, with what we would write.

    The library is lenient: it overlooks a header that differs from the directory, and lengths beyond the end.
    """
    lines = []
    for entry in entries:
        ours = _entry(entry.filename)
        ours.CRC, ours.file_size, ours.compress_size = entry.CRC, entry.file_size, entry.file_size
        header = ours.FileHeader(zip64=False)
        file.seek(entry.header_offset)
        if file.read(len(header)) != header:
            return False
        lines.append(_line(ours, entry.header_offset))
    directory = b"".join(lines)
    file.seek(directory_at)
    return file.read(len(directory) + _END.size)[: -_END.size] == directory


def _line(entry: zipfile.ZipInfo, at: int) -> bytes:
    year, month, day = entry.date_time[:3]
    date = (year - 1980) << 9 | month << 5 | day
    name = entry.filename.encode("ascii")
    version, system = entry.extract_version, entry.create_system
    sizes = (entry.CRC, entry.file_size, entry.file_size, len(name))
    return (
        _LINE.pack(_LINE_MAGIC, version, system, version, 0, 0, 0, 0, date, *sizes, 0, 0, 0, 0, entry.external_attr, at)
        + name
    )


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
    entry.create_system = 3  # the same bytes on every platform
    entry.external_attr = 0o644 << 16
    return entry


def _pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_CHUNK_BYTES):
        yield piece


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as reason:
        raise BadBundle(f"there is no file {reason.filename}", field="container") from reason
    except (zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError, RuntimeError, struct.error) as reason:
        # RuntimeError covers NotImplementedError and "encrypted", ValueError undecodable names.
        raise BadBundle(f"the file cannot be read: {reason}", field="container") from reason
