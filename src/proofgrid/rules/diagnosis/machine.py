"""What is said of the machine itself: Python, cores, memory, disk, limits, clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from proofgrid.rules.diagnosis.finding import GIB, Finding, Role, fault, good, note, size_text

PYTHON_LEAST, PYTHON_MOST = (3, 11), (3, 13)  #: there are wheels of everything for these
FILES_LEAST, FILES_ENOUGH = 1_024, 4_096
DISK_LEAST_BYTES = GIB
FLUSH_SLOW_MS = 10.0  #: a commit waits for one; a network makes hundreds a second
WRITE_SLOW_BYTES = 50 << 20
CLOCK_LATE_MS = 60_000

_MEMORY_ENOUGH: Mapping[Role, int] = {Role.CLIENT: GIB, Role.PROVER: 4 * GIB, Role.GATEWAY: 2 * GIB}
_DISK_ENOUGH: Mapping[Role, int] = {Role.CLIENT: GIB, Role.PROVER: 40 * GIB, Role.GATEWAY: 10 * GIB}
_CORES_ENOUGH: Mapping[Role, int] = {Role.CLIENT: 1, Role.PROVER: 2, Role.GATEWAY: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """What the disk of a folder is like, as it was tried."""

    folder: str
    free_bytes: int
    write_bytes_per_second: int  #: flushed to the disk
    flush_ms: float  #: the median of a small write and its flush


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """What the machine is."""

    python: tuple[int, int]
    cores: int
    memory_bytes: int
    memory_limit_bytes: int  #: of the container; 0: none
    files_max: int  #: open files, by the soft limit
    files_may: int  #: by the hard limit
    now_ms: int
    newest_file_ms: int  #: when the newest file of the installation was written; 0: not known
    disk: DiskFacts | None  #: None: nothing can be written there, which another finding says


def judge_machine(facts: MachineFacts, role: Role) -> Iterator[Finding]:
    """Yield what is said of the machine."""
    yield _python(facts.python)
    yield _cores(facts.cores, role)
    yield _memory(facts, role)
    if role is not Role.CLIENT:
        yield _files(facts)
    yield _clock(facts)
    if facts.disk is not None:
        yield _disk(facts.disk, role)
        if role is not Role.CLIENT:
            yield _disk_speed(facts.disk, role)


def _python(version: tuple[int, int]) -> Finding:
    said = f"Python {version[0]}.{version[1]}"
    if version < PYTHON_LEAST:
        return fault("python", f"{said} is too old", "install Python 3.11, and make the environment with it")
    if version > PYTHON_MOST:
        return note("python", f"{said}: not every package has a wheel for it", "python3.13 -m venv venv")
    return good("python", said)


def _cores(cores: int, role: Role) -> Finding:
    said = f"{cores} core{'s' if cores != 1 else ''}"
    if cores < _CORES_ENOUGH[role]:
        return note("cores", f"{said}: a {role} works, slowly", f"give the machine {_CORES_ENOUGH[role]} cores")
    return good("cores", said)


def _memory(facts: MachineFacts, role: Role) -> Finding:
    limit = facts.memory_limit_bytes
    usable = min(facts.memory_bytes, limit) if limit else facts.memory_bytes
    said = size_text(usable) + (f" of the container, {size_text(facts.memory_bytes)} in all" if limit else "")
    enough = _MEMORY_ENOUGH[role]
    if usable < enough // 4:
        return fault("memory", f"{said}: too little for a {role}", f"give it {size_text(enough)}")
    if usable < enough:
        return note("memory", f"{said}: little for a {role}", f"give it {size_text(enough)}")
    return good("memory", said)


def _files(facts: MachineFacts) -> Finding:
    said = f"{facts.files_max} files may be open"
    mend = f"ulimit -n {FILES_ENOUGH}"
    if facts.files_max < FILES_LEAST:
        return fault("open files", f"{said}: too few", mend)
    if facts.files_max < FILES_ENOUGH:
        return note("open files", f"{said}: few for many connections", mend)
    return good("open files", said)


def _clock(facts: MachineFacts) -> Finding:
    behind = facts.newest_file_ms - facts.now_ms
    if facts.newest_file_ms and behind > CLOCK_LATE_MS:
        return fault(
            "clock",
            f"the clock is {behind // 1000} s behind files that were written here: tokens would be refused",
            "timedatectl set-ntp true",
        )
    return good("clock", "not behind what was written here")


def _disk(disk: DiskFacts, role: Role) -> Finding:
    said = f"{size_text(disk.free_bytes)} free at {disk.folder}"
    mend = "--data-dir on a larger disk"
    if disk.free_bytes < DISK_LEAST_BYTES:
        return fault("disk", f"{said}: too little", mend)
    if disk.free_bytes < _DISK_ENOUGH[role]:
        return note("disk", f"{said}: little for a {role}", mend)
    return good("disk", said)


def _disk_speed(disk: DiskFacts, role: Role) -> Finding:
    said = f"writes {disk.write_bytes_per_second >> 20} MiB/s, flushes in {disk.flush_ms:.1f} ms"
    if role is Role.GATEWAY and disk.flush_ms > FLUSH_SLOW_MS:
        return note("disk speed", f"{said}: every commit waits for a flush", "--data-dir on an SSD")
    if disk.write_bytes_per_second < WRITE_SLOW_BYTES:
        return note("disk speed", f"{said}: slow for keys and programs", "--data-dir on an SSD")
    return good("disk speed", said)
