"""A process's room: what it reads, where it writes, what it may take; `enter` closes the door behind it."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
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
#: How names are found on a network, and whom to trust there.
_OF_THE_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pki/tls/certs", "/run/systemd/resolve")
#: The last one is a process's own: it counts its peak of memory anew.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/proc/self/clear_refs")
_GRAPHICS = ("nvidia*", "dri", "kfd")  #: below /dev: engines that compute there


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a confined process may reach besides programs; all below a path."""

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    has_network: bool = False  #: for systems that ask services on it; sockets of other kinds are refused all the same

    def to_text(self) -> str:
        """Return it in one argument of a command."""
        reads, writes = ([str(path) for path in paths] for paths in (self.reads, self.writes))
        return json.dumps({"reads": reads, "writes": writes, "has_network": self.has_network})

    @classmethod
    def from_text(cls, text: str) -> Room:
        """Return what `to_text` wrote, on the same machine."""
        value = json.loads(text)
        return cls(
            reads=tuple(map(Path, value["reads"])),
            writes=tuple(map(Path, value["writes"])),
            has_network=value["has_network"],
        )


def enter(room: Room | None) -> None:
    """Confine this process, and all that it starts, for ever. Call it before there are threads.

    Without a room its files are its user's, but it has neither privileges nor a network. Raises OSError.
    """
    if IS_LINUX and len(list(Path("/proc/self/task").iterdir())) > 1:
        raise OSError("a process that has threads already cannot be confined")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    give_up_privileges()
    if room is not None:
        confine_files(read_in(room), [*_devices(), *room.writes], has_network=room.has_network)
    refuse_calls(has_network=room is not None and room.has_network)


def read_in(room: Room) -> list[Path]:
    """Return all that is read in a room."""
    of_network = [Path(path) for path in _OF_THE_NETWORK] if room.has_network else []
    return [*places_of_programs(), *of_network, *room.reads]


def places_of_programs() -> list[Path]:
    """Return where this Python, its packages and the machine's programs lie."""
    on_path = [Path(entry) for entry in sys.path if entry]
    of_python = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), *on_path]
    linked = [path.resolve() for folder in on_path for path in _links_in(folder)]
    return list(dict.fromkeys((*map(Path, _OF_THE_MACHINE), *of_python, *linked)))


def _devices() -> list[Path]:
    return [*(Path(device) for device in _DEVICES), *graphics()]


def graphics() -> list[Path]:
    """Return the devices of engines that compute on graphics cards."""
    return [path for pattern in _GRAPHICS for path in Path("/dev").glob(pattern)]


def _links_in(folder: Path) -> Iterator[Path]:
    """Yield what some installers only link into an environment: what counts is where a file lies."""
    with suppress(OSError), os.scandir(folder) as entries:
        yield from (Path(entry.path) for entry in entries if entry.is_symlink())
