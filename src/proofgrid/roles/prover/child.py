"""The inside of a job's child process: `python -m proofgrid.roles.prover.child FD SYSTEM ROOM`, started by process.py.

    prover --- supervisor --- engine --- what the engine starts        (one process group)
                   |             stdin: orders, through a pipe; answers: one JSON object per line on FD,
                   |             {"took_order"}, {"stage", "share"}, at last {"error"} or {"done"}: then it ends, or,
                   |             where the order says that it stays, waits for another order in its home;
                   |             output: `proof` and `public.json` in the workdir
                   `  stdin: lines of JSON, one order at a time, until the prover closes it or dies

The supervisor only waits: for the engine, whose end it repeats, and for the prover, whose death it makes the group's.
An engine deep in native code could do neither. The proof system SYSTEM is loaded while the order is waited for, and
without threads; limits and directories come with the order, before the first byte of a job is looked at.
A child stays only after a job that went well and left no process behind; the prover decides (warmth.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

from proofgrid.primitives.parent import end_with_parent
from proofgrid.proofs.confinement.kernel import adopt_orphans
from proofgrid.proofs.confinement.room import Room, enter
from proofgrid.proofs.confinement.taking import end_orphans

PROOF_FILE = "proof"
PUBLIC_FILE = "public.json"


def main() -> None:
    """Split in two: one process proves, the other watches over it."""
    answers_fd, proof_system, room = int(sys.argv[1]), sys.argv[2], Room.from_text(sys.argv[3])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # sent to the group; the supervisor leaves after the engine
    adopt_orphans()
    order_read, order_write = os.pipe()
    engine_pid = os.fork()
    if engine_pid:
        os.close(answers_fd)
        os.close(order_read)
        _supervise(engine_pid, order_write)
    os.close(order_write)
    _prepare_engine()
    enter(room)
    _preload(proof_system)
    with os.fdopen(order_read, "rb") as orders, os.fdopen(answers_fd, "w", encoding="utf-8") as answers:
        for line in orders:
            if not line.endswith(b"\n"):
                break
            order = json.loads(line)
            _enter(order)
            is_done = _run(order, answers)
            sys.stdout.flush()
            sys.stderr.flush()
            if not is_done or not order["stays"]:
                os._exit(0 if is_done else 1)  # what is left to free, the kernel frees faster
    sys.exit(0)  # nobody needs it any more


def _supervise(engine_pid: int, order_write: int) -> NoReturn:
    prover_left = threading.Event()
    arguments = (engine_pid, order_write, prover_left)
    threading.Thread(target=_listen_to_prover, args=arguments, daemon=True).start()
    # Reap the engine before the group goes: in a container nobody else may do it.
    _, status = os.waitpid(engine_pid, 0)
    end_orphans()
    if prover_left.is_set():
        os.killpg(0, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _die_of(-code)
    os._exit(abs(code))


def _listen_to_prover(engine_pid: int, order_write: int, prover_left: threading.Event) -> None:
    """Pass on the orders; when the prover leaves, kill the engine."""
    with contextlib.suppress(OSError):
        while piece := os.read(0, 1 << 16):
            with contextlib.suppress(BrokenPipeError):  # the engine is dead, which the other thread tells
                _write_all(order_write, piece)
    prover_left.set()
    os.kill(engine_pid, signal.SIGKILL)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _die_of(number: int) -> None:
    """Die the engine's death, so that the prover sees how it ended."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _prepare_engine() -> None:
    supervisor_pid = os.getppid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    end_with_parent(supervisor_pid)  # should somebody kill the supervisor alone
    adopt_orphans()  # what an engine starts and leaves behind becomes our child, so that we see it


def _preload(name: str) -> None:
    # What is wrong with a proof system, its first job will say, where somebody listens.
    with contextlib.suppress(Exception):
        from proofgrid.proofs.offers import Preloading
        from proofgrid.proofs.registry import proof_system

        system = proof_system(name)
        if isinstance(system, Preloading):
            system.preload()


def _enter(order: Mapping[str, Any]) -> None:
    """Take on the job's limits and directories; what is complained of from here on is complained of in this job."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = order["memory_bytes_max"] if hard == resource.RLIM_INFINITY else min(hard, order["memory_bytes_max"])
    resource.setrlimit(resource.RLIMIT_DATA, (min(order["memory_bytes"], most), most))
    _limit(resource.RLIMIT_FSIZE, order["file_bytes"])
    _limit(resource.RLIMIT_CPU, int(time.process_time()) + order["cpu_seconds"])
    _work_in(order["workdir"])
    os.environ["TRACEPARENT"] = order["trace_context"]
    os.write(2, order["mark"].encode())


def _limit(kind: int, most: int) -> None:
    """Set a limit for this job; the next one may have another, within what was set before us."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _work_in(folder: str) -> None:
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = None  # it may have been asked for while we were elsewhere


def _run(order: Mapping[str, Any], answers: IO[str]) -> bool:
    """Do what the order says; return whether its output is there."""
    from proofgrid.primitives.errors import ProofgridError

    def say(**facts: object) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

    say(took_order=True)
    largest_before = _forget_peak()
    try:
        _prove(order, lambda stage, share: say(stage=stage, share=share))
    except ProofgridError as error:
        say(error={"code": error.code, "detail": error.detail, "field": error.field, "hint": error.hint})
        return False
    except MemoryError:
        say(out_of_memory=True)
        return False
    _work_in(order["home"])
    peak = {"peak_bytes": _peak_bytes(largest_before)}
    say(done=True, **peak, **(_rest() if order["stays"] and _is_alone() else {}))
    return True


def _forget_peak() -> int:
    """Let the next peak of this process be the next job's; return the largest of the processes that ended so far."""
    with contextlib.suppress(OSError):  # then the peak is that of all its jobs, all of one program
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _largest_ended()


def _peak_bytes(largest_before: int) -> int:
    """Return the most that the job held resident, engines included; 0: an earlier job's engine hides it."""
    largest = _largest_ended()
    if largest and largest == largest_before:
        return 0
    own = _maxrss_bytes(resource.RUSAGE_SELF)
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        own = int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    return own + largest


def _largest_ended() -> int:
    return _maxrss_bytes(resource.RUSAGE_CHILDREN)


def _maxrss_bytes(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _is_alone() -> bool:
    """Return whether nothing runs on that the job started."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return False
    return True


def _rest() -> dict[str, object]:
    """Return what `warmth.Rest` holds."""
    if sys.platform == "linux":
        pages = [int(number) for number in Path("/proc/self/statm").read_text().split()]
        resident, data = (number * resource.getpagesize() for number in (pages[1], pages[5]))
    else:
        resident, data = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0  # the most that it ever had
    return {"stays": True, "resident_bytes": resident, "data_bytes": data}


def _prove(order: Mapping[str, Any], report: Any) -> None:
    from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
    from proofgrid.proofs.kit.one_proof import prove_job
    from proofgrid.proofs.kit.sealed import prove_sealed
    from proofgrid.proofs.manifest import program_from_json
    from proofgrid.proofs.registry import proof_system

    workdir = Path(order["workdir"])
    parts = [
        PartialProof(
            slice_index=part["slice"],
            input_index=part["input"],
            output=JobOutput(proof=Path(part["path"]).read_bytes(), public=part["public"]),
        )
        for part in order["parts"]
    ]
    system = proof_system(order["proof_system"])
    paths = {name: Path(path) for name, path in order["paths"].items()}
    files = ProgramFiles(program_from_json(order["program"]), paths)
    job_input = Path(order["job_input"]).read_bytes()

    def prove() -> JobOutput:
        cache = Path(order["cache"])
        return prove_job(
            system, files, order["slice_index"], job_input, parts, cache=cache, workdir=workdir, report=report
        )

    if order["facts"] is None:
        output = prove()
    else:
        output = prove_sealed(prove, system, files, order["slice_index"], order["facts"], workdir=workdir)
    (workdir / PROOF_FILE).write_bytes(output.proof)
    (workdir / PUBLIC_FILE).write_text(json.dumps(dict(output.public)), encoding="utf-8")


if __name__ == "__main__":
    main()
