"""What somebody tries who got code to run where it was let in to prove or to normalise: each returns what it got."""

from __future__ import annotations

import mmap
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_PIECE_BYTES = 8 << 20
SURVIVOR = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
print(os.getpid(), file=open(sys.argv[1], "w"))
time.sleep(3600)
"""


def read(path: str) -> bytes:
    """Read a file of somebody else."""
    return Path(path).read_bytes()


def listed(path: str) -> list[str]:
    """Look who else has something in a folder."""
    return os.listdir(path)


def own_folder() -> str:
    """Return where this process may write, having written there."""
    (Path(tempfile.gettempdir()) / "mine").write_text("mine")
    return tempfile.gettempdir()


def write(path: str) -> int:
    """Write one."""
    return Path(path).write_bytes(b"mine now")


def environment_of(pid: int) -> bytes:
    """Read what a process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes()


def memory_of(pid: int) -> bytes:
    """Read a process's heap."""
    heap = next(line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "[heap]" in line)
    start = int(heap.split("-")[0], 16)
    with Path(f"/proc/{pid}/mem").open("rb") as memory:
        memory.seek(start)
        return memory.read(64)


def variable(name: str) -> str:
    """Read a variable of our own environment."""
    return os.environ[name]


def connect(address: tuple[str, int] | str) -> str:
    """Reach something that listens: a port of this machine, or a socket in a folder."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as ours:
        ours.connect(address)
    return "connected"


def connect_to(host: str, port: int) -> str:
    """Reach a port."""
    return connect((host, port))


def leave_keys(cache: str, secret: str) -> str:
    """Leave a key, and what looks like one and is a way to a secret."""
    folder = Path(cache)
    (folder / "derived.pk").write_bytes(b"derived")
    (folder / "link.pk").symlink_to(secret)
    (folder / "folder.pk").mkdir()
    os.mkfifo(folder / "pipe.pk")
    (folder / ".hidden").write_bytes(b"hidden")
    return "left"


def write_key(cache: str, name: str) -> int:
    """Change a key that the prover has kept already."""
    return (Path(cache) / name).write_bytes(b"poisoned")


def signal_to(pid: int) -> str:
    """Find out whether we could end a process."""
    os.kill(pid, 0)
    return "could"


def leave_a_survivor(folder: str, marker: str = "") -> int:
    """Start something that is in a session of its own and nobody's child; return its number."""
    note = Path(folder) / "survivor"
    subprocess.run([sys.executable, "-c", SURVIVOR, str(note), marker], check=True)
    while not note.exists() or not note.read_text().strip():
        time.sleep(0.01)
    return int(note.read_text())


def eat_memory(size_bytes: int) -> int:
    """Take memory piece by piece, and touch it."""
    pieces = []
    for _ in range(size_bytes // _PIECE_BYTES):
        pieces.append(b"x" * _PIECE_BYTES)
        time.sleep(0.005)
    return stay_for_ever()


def eat_shared_memory(size_bytes: int) -> int:
    """Take memory that no limit of a single process counts."""
    with mmap.mmap(-1, size_bytes) as area:
        for place in range(0, size_bytes, mmap.PAGESIZE):
            area[place] = 1
        return stay_for_ever()


def eat_memory_in_children(size_bytes: int, children: int) -> int:
    """Take memory in many processes, each of them within its limit."""
    code = f"kept = b'x' * {size_bytes // children}; import time; time.sleep(3600)"
    for _ in range(children):
        subprocess.Popen([sys.executable, "-c", code])
    return stay_for_ever()


def eat_processes(count: int) -> int:
    """Start process after process."""
    for _ in range(count):
        if os.fork() == 0:
            time.sleep(3600)
    return stay_for_ever()


def stay_for_ever() -> int:
    """Wait to be ended."""
    time.sleep(3600)
    return 0


def say_hello() -> str:
    """Do what an honest call does."""
    return "hello"


def read_folder(path: str) -> list[str]:
    """See what somebody else's folder holds."""
    return sorted(os.listdir(path))


def put_another_folder_in_place(path: str, target: str) -> str:
    """Let the prover take another folder for the one that it gave us."""
    Path(path).rename(f"{path}.gone")
    Path(path).symlink_to(target)
    return "done"


def eat_disk(folder: str, size_bytes: int) -> int:
    """Write file after file."""
    for number in range(size_bytes // _PIECE_BYTES):
        (Path(folder) / str(number)).write_bytes(b"x" * _PIECE_BYTES)
    return stay_for_ever()


def eat_names(folder: str, count: int) -> int:
    """Write no bytes, in very many files."""
    for number in range(count):
        (Path(folder) / str(number)).touch()
    return stay_for_ever()
