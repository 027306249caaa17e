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
import zlib
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
_HEADER = struct.Struct("<4s5H3L2H")  #: in front of a file, without its name
_HEADER_MAGIC = b"PK\x03\x04"
_LINE = struct.Struct("<4s2B5H3L5H2L")  #: of the directory, without the name
_LINE_MAGIC = b"PK\x01\x02"
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_ZIP64_MAGIC = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_DIRECTORY_ENTRY_MAX_BYTES = 46 + 6 + 64
# The same bytes on every platform: of 1 January 1980, a plain file for everybody to read.
_ZIP_VERSION = 20
_UNIX = 3
_LONG_AGO = (1 << 5) | 1
_ATTRIBUTES = 0o644 << 16
_BYTES_MAX = (1 << 31) - 1  #: of what is written: any ZIP tool can open it
_ENTRIES_MAX = (1 << 16) - 1
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    """What a reader is willing to read."""

    entries_max: int = 20_000
    total_bytes_max: int = 2 << 30
    json_bytes_max: int = 64 << 20


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file in a container, and the two places that tell of it."""

    name: str
    crc: int
    size_bytes: int
    at: int  #: where its header begins

    @property
    def header(self) -> bytes:
        name = self.name.encode("ascii")
        said = (self.crc, self.size_bytes, self.size_bytes, len(name), 0)
        return _HEADER.pack(_HEADER_MAGIC, _ZIP_VERSION, 0, 0, 0, _LONG_AGO, *said) + name

    @property
    def line(self) -> bytes:
        """What the directory says."""
        name = self.name.encode("ascii")
        said = (self.crc, self.size_bytes, self.size_bytes, len(name), 0, 0, 0, 0, _ATTRIBUTES, self.at)
        return _LINE.pack(_LINE_MAGIC, _ZIP_VERSION, _UNIX, _ZIP_VERSION, 0, 0, 0, _LONG_AGO, *said) + name

    @property
    def content_at(self) -> int:
        return self.at + _HEADER.size + len(self.name)

    @property
    def next_at(self) -> int:
        return self.content_at + self.size_bytes


@dataclass(frozen=True, slots=True)
class Container:
    """An open container whose layout was checked; its contents were not."""

    digests: frozenset[Digest]
    _file: IO[bytes]
    _entries: Mapping[str, _Entry]
    _limits: ContainerLimits

    def read_json_bytes(self, name: str) -> bytes:
        """Return `manifest.json` or `signature.json`."""
        if self._entry(name).size_bytes > self._limits.json_bytes_max:
            raise BadBundle(f"{name} is larger than {self._limits.json_bytes_max} bytes", field="container")
        pieces: list[bytes] = []
        self._pass(name, pieces.append)
        return b"".join(pieces)

    def read(self, digest: Digest) -> bytes:
        """Return the file of this digest; raise BadBundle when its bytes hash to something else."""
        pieces: list[bytes] = []
        self._pass_hashed(digest, pieces.append)
        return b"".join(pieces)

    def extract(self, digest: Digest, target: Path) -> None:
        """Write the file of this digest to `target`; raise BadBundle when its bytes hash to something else."""
        with _readable(), target.open("wb") as file:
            self._pass_hashed(digest, file.write)

    def check(self, digest: Digest) -> None:
        """Raise BadBundle when the bytes of the file of this digest hash to something else."""
        self._pass_hashed(digest, lambda piece: None)

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            raise BadBundle(f"the file {name!r} is missing", field="container")
        return self._entries[name]

    def _pass_hashed(self, digest: Digest, take: Callable[[bytes], object]) -> None:
        hasher = hashlib.sha256()

        def hash_and_take(piece: bytes) -> None:
            hasher.update(piece)
            take(piece)

        self._pass(f"files/{digest}", hash_and_take)
        if hasher.hexdigest() != digest:
            raise BadBundle(f"the file {digest} does not hash to its name", field="container")

    def _pass(self, name: str, take: Callable[[bytes], object]) -> None:
        entry, crc = self._entry(name), 0
        with _readable():
            self._file.seek(entry.content_at)
            for piece in _pieces_of(self._file, entry.size_bytes):
                crc = zlib.crc32(piece, crc)
                take(piece)
        if crc != entry.crc:
            raise BadBundle(f"the file {name!r} is not the one that its header tells of", field="container")


Content = bytes | Path  #: what a file holds, or where it lies


def write_container(target: IO[bytes], documents: Mapping[str, bytes], contents: Mapping[Digest, Content]) -> None:
    """Write a container to where `target` is; raise ValueError when a content does not hash to its digest, or is too
    much for a ZIP file that any tool can open."""
    start = target.tell()
    entries: list[_Entry] = []
    for name in (MANIFEST, SIGNATURE):
        entries.append(_write_bytes(target, name, documents[name], _end_of(entries)))
    for digest, content in sorted(contents.items()):
        name, at = f"files/{digest}", _end_of(entries)
        if isinstance(content, bytes):
            found = digest_of(content)
            entries.append(_write_bytes(target, name, content, at))
        else:
            found, entry = _write_file(target, name, content, at, start=start)
            entries.append(entry)
        if found != digest:
            raise ValueError(f"a content does not hash to {digest}")
    directory = b"".join([entry.line for entry in entries])
    at, number = _end_of(entries), len(entries)
    if at + len(directory) > _BYTES_MAX or number > _ENTRIES_MAX:
        raise ValueError(f"a container has at most {_BYTES_MAX} bytes and {_ENTRIES_MAX} files")
    target.write(directory + _END.pack(_END_MAGIC, 0, 0, number, number, len(directory), at, 0))


def _end_of(entries: Sequence[_Entry]) -> int:
    return entries[-1].next_at if entries else 0


def _write_bytes(target: IO[bytes], name: str, content: bytes, at: int) -> _Entry:
    entry = _Entry(name, zlib.crc32(content), len(content), at)
    target.write(entry.header + content)
    return entry


def _write_file(target: IO[bytes], name: str, path: Path, at: int, *, start: int) -> tuple[Digest, _Entry]:
    """Write a file without ever holding it whole; its header comes last, when its size is known."""
    hasher, crc, size_bytes = hashlib.sha256(), 0, 0
    target.seek(start + at + _HEADER.size + len(name))
    with path.open("rb") as source:
        while piece := source.read(_CHUNK_BYTES):
            hasher.update(piece)
            crc = zlib.crc32(piece, crc)
            size_bytes += len(piece)
            if at + size_bytes > _BYTES_MAX:
                raise ValueError(f"a container has at most {_BYTES_MAX} bytes")
            target.write(piece)
    entry = _Entry(name, crc, size_bytes, at)
    target.seek(start + at)
    target.write(entry.header)
    target.seek(start + entry.next_at)
    return Digest(hasher.hexdigest()), entry


@contextmanager
def open_container(source: Content, limits: ContainerLimits) -> Iterator[Container]:
    """Open a container for reading; raise BadBundle for anything that is not laid out as `write_container` does.

    `source` is where its file lies, or its bytes.
    """
    with _readable():
        file: IO[bytes] = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with file:
        number, directory_bytes, directory_at = _check_end(file, limits)
        with _readable():
            file.seek(directory_at)
            directory = file.read(directory_bytes)
            entries = _entries_of(directory, number, directory_at)
            digests = _check_names([entry.name for entry in entries])
            _check_told(entries, directory, file)
        yield Container(digests, file, {entry.name: entry for entry in entries}, limits)


def _check_end(file: IO[bytes], limits: ContainerLimits) -> tuple[int, int, int]:
    """Check the last record; return how many files there are, the bytes of the directory, and where it begins."""
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
    return entries, directory_bytes, directory_at


def _entries_of(directory: bytes, number: int, directory_at: int) -> list[_Entry]:
    """Return what the directory names: the files fill the container from its first byte to the directory, in order."""
    entries: list[_Entry] = []
    place = 0
    for _ in range(number):
        told = _LINE.unpack_from(directory, place)
        flags, method, crc, stored_bytes, size_bytes, name_bytes, extra_bytes, comment_bytes = (*told[4:6], *told[8:14])
        place += _LINE.size
        name = directory[place : place + name_bytes].decode("ascii")
        place += name_bytes
        if method or stored_bytes != size_bytes:
            raise BadBundle(f"{name!r} is compressed", field="container")
        if told[-1] != _end_of(entries) or extra_bytes or comment_bytes or flags:
            raise BadBundle(f"{name!r} is not stored plainly, one after the other", field="container")
        entries.append(_Entry(name, crc, size_bytes, told[-1]))
    if _end_of(entries) != directory_at:
        raise BadBundle("there is something between the files and the directory", field="container")
    return entries


def _check_names(names: Sequence[str]) -> frozenset[Digest]:
    if list(names[:2]) != [MANIFEST, SIGNATURE] or list(names[2:]) != sorted(set(names[2:])):
        raise BadBundle("expected manifest.json, signature.json and the files in order, each once", field="container")
    digests = set()
    for name in names[2:]:
        match = _FILE_NAME.fullmatch(name)
        if not match:
            raise BadBundle(f"{name!r} does not belong into a bundle", field="container")
        digests.add(Digest(match[1]))
    return frozenset(digests)


def _check_told(entries: Sequence[_Entry], directory: bytes, file: IO[bytes]) -> None:
    """Compare both places that tell of a file, its header and its line in the directory, with what we would write."""
    is_ours = directory == b"".join([entry.line for entry in entries])
    for entry in entries:
        header = entry.header
        file.seek(entry.at)
        is_ours = is_ours and file.read(len(header)) == header
    if not is_ours:
        raise BadBundle("a file is not told of as a bundle tells of it", field="container")


def _pieces_of(file: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    """Yield so many bytes in pieces; raise EOFError where there are fewer."""
    while size_bytes:
        piece = file.read(min(size_bytes, _CHUNK_BYTES))
        if not piece:
            raise EOFError("it is cut short")
        size_bytes -= len(piece)
        yield piece


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as reason:
        raise BadBundle(f"there is no file {reason.filename}", field="container") from reason
    except (OSError, EOFError, ValueError, struct.error) as reason:  # ValueError: a name that is no ASCII
        raise BadBundle(f"the file cannot be read: {reason}", field="container") from reason
