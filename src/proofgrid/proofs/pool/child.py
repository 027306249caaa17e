"""Inside a worker: reads a call, carries it out, writes what came of it, until nobody is there to call.

us ---- READY
        <-- HEAD(keys, call) keys call --- the gateway
        --- HEAD(RESULT or ERROR) content ->
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import resource
import signal
import socket
import struct
import tempfile
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import cast

from proofgrid.primitives.errors import JobCrashed, JobTookTooMuch, ProofgridError
from proofgrid.primitives.last_words import with_last_words
from proofgrid.proofs.confinement.kernel import adopt_orphans, forget_variables
from proofgrid.proofs.confinement.room import Room, enter
from proofgrid.proofs.kit.engine import ENGINE_THREADS, KEPT_ENVIRONMENT

CALL_HEAD = struct.Struct("<QQ")  #: bytes of what it needs, and of the call
REPLY_HEAD = struct.Struct("<cQ")  #: what it is, and its bytes
READY, RESULT, ERROR = b"s", b"r", b"e"

#: A process reserves more than it uses: the kernel refuses what goes beyond so many times what it may use.
RESERVED_TO_USED = 2

HELD_MAX = 32  #: values that a worker holds for later calls; what was not used for longest goes

_TEXT_MAX = 2000
_KEPT_VARIABLES = frozenset((*KEPT_ENVIRONMENT, *ENGINE_THREADS, "HOME", "TMPDIR", "XDG_CACHE_HOME", "CRS_PATH"))
_held: OrderedDict[int, object] = OrderedDict()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker is told when it starts."""

    threads_each: int  #: of engines
    complaints: Path | None  #: where what engines print goes, else our standard error
    niceness: int  #: more than 0: whatever else this machine does comes first
    memory_bytes: int  #: what it may use, with all that it starts; 0: whatever there is
    room: Room | None  #: what it may reach; None: whatever its user may, but no network
    scratch: Path | None = None  #: below it each process has a folder of its own, which no other sees


def serve(ours: socket.socket, settings: WorkerSettings) -> None:
    """Carry out calls until the other side hangs up or dies."""
    _prepare(settings)
    stream = ours.makefile("rb", buffering=1 << 16)
    ours.sendall(REPLY_HEAD.pack(READY, 0))
    while len(head := stream.read(CALL_HEAD.size)) == CALL_HEAD.size:
        needed_bytes, call_bytes = CALL_HEAD.unpack(head)
        needed, call = stream.read(needed_bytes), stream.read(call_bytes)
        if len(call) < call_bytes:
            return
        kind, content = _guarded(needed, call)
        ours.sendall(REPLY_HEAD.pack(kind, len(content)))
        ours.sendall(content)


def own_scratch() -> Path:
    """Return where this worker keeps its temporary files: nobody else's, where it was started with a scratch."""
    return Path(tempfile.gettempdir())


class _OwnScratch:
    """Becomes the folder of whichever worker reads it."""

    def __reduce__(self) -> tuple[Callable[[], Path], tuple[()]]:
        return own_scratch, ()


#: An argument of calls: the folder of the worker that carries the call out.
OWN_SCRATCH = cast(Path, _OwnScratch())


def held(key: int) -> object:
    """Return the value that this worker holds under a key: calls are pickled with this in its place."""
    return _held[key]


def keep_recent(values: OrderedDict[int, object] | OrderedDict[int, None], keys: list[int]) -> None:
    """Make `keys` the values used last, and let go of the oldest: both sides do it, and know what the other does."""
    for key in keys:
        values.move_to_end(key)
    while len(values) > max(HELD_MAX, len(keys)):
        values.popitem(last=False)


def _prepare(settings: WorkerSettings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway, which ends us
    if settings.complaints is not None:
        with settings.complaints.open("ab") as file:
            os.dup2(file.fileno(), 2)
    # Before any engine is imported: they read these once.
    for name in ENGINE_THREADS:
        os.environ[name] = str(settings.threads_each)
    if settings.niceness:
        os.nice(settings.niceness)
    _confine(settings)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _confine(settings: WorkerSettings) -> None:
    """Shut this process off from secrets, network and files, before it sees anything that a stranger made."""
    forget_variables(name for name in list(os.environ) if name not in _KEPT_VARIABLES)
    if settings.memory_bytes:
        reserved = settings.memory_bytes * RESERVED_TO_USED
        resource.setrlimit(resource.RLIMIT_DATA, (reserved, reserved))
    if settings.room is not None and settings.room.writes:
        os.environ["HOME"] = os.environ["TMPDIR"] = str(settings.room.writes[0])
        tempfile.tempdir = None
    enter(settings.room)
    adopt_orphans()  # whoever ends us finds them


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)


def _guarded(needed: bytes, call: bytes) -> tuple[bytes, bytes]:
    """Run the pickled call; return its pickled result, or the pickled error, of ours whatever it was."""
    try:
        if needed:
            keys, fresh = pickle.loads(needed)  # noqa: S301  # written by the parent
            # Those that cannot be read are missed by this call alone, but stand there: the parent counts them as held.
            _held.update((key, _Unreadable()) for key in fresh)
            keep_recent(_held, keys)
            _held.update((key, pickle.loads(content)) for key, content in fresh.items())  # noqa: S301
        function, args = pickle.loads(call)  # noqa: S301
        return RESULT, pickle.dumps(function(*args), pickle.HIGHEST_PROTOCOL)
    except ProofgridError as error:
        return ERROR, pickle.dumps(error)
    except MemoryError:
        return ERROR, pickle.dumps(JobTookTooMuch("it took more memory than it may"))
    except BaseException as error:  # a panic is no Exception
        return ERROR, pickle.dumps(JobCrashed(_crash_text(error)))


class _Unreadable:
    """In the place of a value that this worker cannot unpickle."""


def _crash_text(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return with_last_words(f"an unexpected {type(error).__name__}{where}", str(error)[:_TEXT_MAX])
