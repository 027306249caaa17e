"""The folder of one child: what its jobs read is put there by the prover, what they write stays there.

    cell/given/files   the program's files            hard links; the child reads them, and nothing else of the prover's
    cell/given/job     input and parts of its job     gone after the job
    cell/given/keys    keys that earlier jobs left    of its program alone, and those of before programs had folders
    cell/work/home     where it waits                 it writes in these three, and cannot put others in their place
    cell/work/job      where it works                 empty between two jobs
    cell/work/keys     its key cache                  links to given/keys, and what it derives itself

A key that a child derived gets into the prover's cache by a copy that the prover makes, into the folder of that child's
program: a job can leave something for jobs of its own program only, and nothing once it is over.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import psutil

from proofgrid.primitives.digests import Digest
from proofgrid.proofs.base import Program
from proofgrid.proofs.confinement.room import Room
from proofgrid.proofs.kit.engine import SERVICES
from proofgrid.proofs.kit.engine_programs import places_of_engines
from proofgrid.proofs.kit.keys import LOCK, PART

KEYS_PER_JOB_MAX = 64
FILES_MAX = 20_000  #: that a child may have at a time
_KEY_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Where a job finds its files, inside its child's cell."""

    paths: Mapping[str, Path]
    job_input: Path
    parts: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Make it with `made_below`; whoever has it removes it."""

    root: Path

    @classmethod
    def made_below(cls, home: Path) -> Cell:
        """Return a new, empty cell. Raises OSError."""
        cell = cls(Path(tempfile.mkdtemp(prefix=f"cell-{os.getpid()}-", dir=home.absolute())))
        for folder in (cell.files, cell.given, cell.given_keys, cell.home, cell.job, cell.keys):
            folder.mkdir(parents=True)
        return cell

    @property
    def files(self) -> Path:
        return self.root / "given" / "files"

    @property
    def given(self) -> Path:
        return self.root / "given" / "job"

    @property
    def given_keys(self) -> Path:
        return self.root / "given" / "keys"

    @property
    def home(self) -> Path:
        return self.root / "work" / "home"

    @property
    def job(self) -> Path:
        return self.root / "work" / "job"

    @property
    def keys(self) -> Path:
        return self.root / "work" / "keys"

    @property
    def room(self) -> Room:
        """What the child may reach; the network too where this prover's operator names services that prove."""
        return Room(
            reads=(self.root / "given", *places_of_engines()),
            writes=(self.home, self.job, self.keys),
            has_network=bool(os.environ.get(SERVICES)),
        )

    def take_in(
        self, paths: Mapping[str, Path], job_input: Path, parts: Iterable[Path], cache: Path, program: Program
    ) -> TakenIn:
        """Put a job's files and the keys of its program where its child reads them. Raises OSError."""
        taken = {name: _linked(path, self.files / _hex_of(program.files[name])) for name, path in paths.items()}
        given = _linked(job_input, self.given / "input")
        taken_parts = tuple(_linked(part, self.given / f"part-{place}") for place, part in enumerate(parts))
        for path in (*self.given_keys.iterdir(), *(path for path in self.keys.iterdir() if path.is_symlink())):
            path.unlink()
        for key in _keys_in(cache, keys_of(cache, program.digest)):
            mine = self.keys / key.name
            if not mine.exists():
                mine.symlink_to(_linked(key, self.given_keys / key.name))
        return TakenIn(taken, given, taken_parts)

    def leave_keys(self, cache: Path, program: Digest) -> None:
        """Copy what the child derived into the cache's folder of its program: whole files of a key's name, no links."""
        folder = keys_of(cache, program)
        for found in sorted(self.keys.iterdir())[: 2 * KEYS_PER_JOB_MAX]:
            target = folder / found.name
            if _KEY_NAME.fullmatch(found.name) and found.suffix not in (LOCK, PART) and not target.exists():
                with suppress(OSError):
                    folder.mkdir(parents=True, exist_ok=True)
                    _copy_plain(found, target)

    def empty(self) -> None:
        """Take away what a job was given and what it wrote, but for keys: it may hold a witness. Raises OSError."""
        for folder in (self.given, self.job, self.home):
            for path in folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def written(self) -> tuple[int, int]:
        """Return how many bytes on disk, and how many files, the child has written, while it writes on."""
        sizes = list(islice(_sizes_below(self.root / "work"), FILES_MAX + 1))
        return sum(sizes), len(sizes)

    def remove(self) -> None:
        """Take it away with everything in it; what cannot be removed stays for the next start (`remove_left_cells`)."""
        shutil.rmtree(self.root, ignore_errors=True)


def remove_left_cells(home: Path) -> None:
    """Take away the cells of provers that were killed: they may hold witnesses. A prover that lives keeps its own."""
    for left in home.glob("cell-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def keys_of(cache: Path, program: Digest) -> Path:
    """Return where a prover keeps the keys of a program."""
    return cache / _hex_of(program)


def _hex_of(digest: Digest) -> str:
    return digest.rpartition(":")[2]


def read_plain(path: Path, max_bytes: int) -> bytes:
    """Return a file that a child wrote: a plain one, no link to another's, no pipe. Raises OSError, ValueError."""
    with _opened_plain(path) as file:
        if os.fstat(file.fileno()).st_size > max_bytes:
            raise ValueError(f"{path.name} is larger than {max_bytes} bytes")
        return file.read(max_bytes)


def _opened_plain(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise ValueError(f"{path.name} is no plain file")
    return os.fdopen(descriptor, "rb")


def _copy_plain(source: Path, target: Path) -> None:
    """Copy under another name first: whoever reads the target finds it whole."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with _opened_plain(source) as reading, part.open("wb") as writing:
            shutil.copyfileobj(reading, writing, 1 << 20)
        part.replace(target)
    except ValueError:
        return
    finally:
        part.unlink(missing_ok=True)


def _keys_in(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from (path for path in folder.iterdir() if path.suffix not in (LOCK, PART) and path.is_file())


def _linked(source: Path, target: Path) -> Path:
    """Give a child a file of ours by a second name, or a copy where that cannot be."""
    if target.exists():
        return target
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
    return target


def _sizes_below(folder: Path) -> Iterator[int]:
    folders = [folder]
    for one in folders:
        with suppress(OSError), os.scandir(one) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        yield entry.stat(follow_symlinks=False).st_blocks * 512
