"""A process's room: what it reads, where it writes, what it may take; `enter` closes the door behind it."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from proofgrid.proofs.confinement.files import confine_files
from proofgrid.proofs.confinement.kernel import IS_LINUX, give_up_privileges
from proofgrid.proofs.confinement.syscalls import refuse_calls

#: What programs of any kind read of a machine: libraries, and how they are found. No folder with secrets.
_OF_THE_MACHINE = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/group",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
    "/proc",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_GRAPHICS = ("nvidia*", "dri", "kfd")  #: below /dev: engines that compute there


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a confined process may reach besides programs; all below a path."""

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()


def enter(room: Room | None) -> None:
    """Confine this process, and all that it starts, for ever. Call it before there are threads.

    Without a room its files are its user's, but it has neither privileges nor a network. Raises OSError.
    """
    if IS_LINUX and len(list(Path("/proc/self/task").iterdir())) > 1:
        raise OSError("a process that has threads already cannot be confined")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    give_up_privileges()
    if room is not None:
        confine_files([*places_of_programs(), *room.reads], [*_devices(), *room.writes])
    refuse_calls()


def places_of_programs() -> list[Path]:
    """Return where this Python, its packages and the machine's programs lie."""
    of_python = [sys.prefix, sys.base_prefix, sys.exec_prefix, *(entry for entry in sys.path if entry)]
    return _without_repetition(Path(place) for place in (*_OF_THE_MACHINE, *of_python))


def _devices() -> list[Path]:
    found = (path for pattern in _GRAPHICS for path in Path("/dev").glob(pattern))
    return [*(Path(device) for device in _DEVICES), *found]


def _without_repetition(paths: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(paths))
