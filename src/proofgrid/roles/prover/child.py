"""The inside of a job's child process: `python -m proofgrid.roles.prover.child FD SYSTEM`, started by process.py only.

    prover --- supervisor --- engine --- what the engine starts        (one process group)
                   |             stdin: the order, through a pipe; answers: one JSON object per line on FD,
                   |             {"took_order"}, {"stage", "share"}, at last {"error"} or {"done"}, then it ends;
                   |             output: `proof` and `public.json` in the workdir
                   `  stdin: one line of JSON, the order; then nothing, until the prover closes it or dies

The supervisor only waits: for the engine, whose end it repeats, and for the prover, whose death it makes the group's.
An engine deep in native code could do neither. The proof system SYSTEM is loaded while the order is waited for, and
without threads; limits and directories come with the order, before the first byte of a job is looked at.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

PROOF_FILE = "proof"
PUBLIC_FILE = "public.json"
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Split in two: one process proves, the other watches over it."""
    answers_fd, proof_system = int(sys.argv[1]), sys.argv[2]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # sent to the group; the supervisor leaves after the engine
    order_read, order_write = os.pipe()
    engine_pid = os.fork()
    if engine_pid:
        os.close(answers_fd)
        os.close(order_read)
        _supervise(engine_pid, order_write)
    os.close(order_write)
    _prepare_engine()
    _preload(proof_system)
    with os.fdopen(order_read, "rb") as orders:
        line = orders.readline()
    if not line.endswith(b"\n"):
        sys.exit(0)  # nobody needs it any more
    order = json.loads(line)
    _enter(order)
    with os.fdopen(answers_fd, "w", encoding="utf-8") as answers:
        code = _run(order, answers)
        answers.flush()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # what is left to free, the kernel frees faster


def _supervise(engine_pid: int, order_write: int) -> NoReturn:
    prover_left = threading.Event()
    arguments = (engine_pid, order_write, prover_left)
    threading.Thread(target=_listen_to_prover, args=arguments, daemon=True).start()
    # Reap the engine before the group goes: in a container nobody else may do it.
    _, status = os.waitpid(engine_pid, 0)
    if prover_left.is_set():
        os.killpg(0, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _die_of(-code)
    os._exit(abs(code))


def _listen_to_prover(engine_pid: int, order_write: int, prover_left: threading.Event) -> None:
    """Pass on the order; when the prover leaves, kill the engine."""
    with contextlib.suppress(OSError), os.fdopen(order_write, "wb", buffering=0) as engine:
        engine.write(sys.stdin.buffer.readline())
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    prover_left.set()
    os.kill(engine_pid, signal.SIGKILL)


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
    if sys.platform == "linux":
        # Should somebody kill the supervisor alone.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor_pid:
            os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _preload(name: str) -> None:
    # What is wrong with a proof system, its first job will say, where somebody listens.
    with contextlib.suppress(Exception):
        from proofgrid.proofs.base import Preloading
        from proofgrid.proofs.registry import proof_system

        system = proof_system(name)
        if isinstance(system, Preloading):
            system.preload()


def _enter(order: Mapping[str, Any]) -> None:
    """Take on the job's limits and directories."""
    resource.setrlimit(resource.RLIMIT_DATA, (order["memory_bytes"], order["memory_bytes"]))
    os.chdir(order["workdir"])
    os.environ.update(HOME=order["workdir"], TMPDIR=order["workdir"])
    tempfile.tempdir = None  # it may have been asked for while we waited elsewhere


def _run(order: Mapping[str, Any], answers: IO[str]) -> int:
    from proofgrid.primitives.errors import ProofgridError

    def say(**facts: object) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

    say(took_order=True)
    try:
        _prove(order, lambda stage, share: say(stage=stage, share=share))
    except ProofgridError as error:
        say(error={"code": error.code, "detail": error.detail, "field": error.field, "hint": error.hint})
        return 1
    except MemoryError:
        say(out_of_memory=True)
        return 1
    say(done=True)
    return 0


def _prove(order: Mapping[str, Any], report: Any) -> None:
    from proofgrid.proofs.base import ProgramFiles
    from proofgrid.proofs.manifest import program_from_json
    from proofgrid.proofs.registry import proof_system

    workdir = Path(order["workdir"])
    output = proof_system(order["proof_system"]).run_job(
        ProgramFiles(program_from_json(order["program"]), {name: Path(path) for name, path in order["paths"].items()}),
        order["slice_index"],
        Path(order["job_input"]).read_bytes(),
        cache=Path(order["cache"]),
        workdir=workdir,
        report=report,
    )
    (workdir / PROOF_FILE).write_bytes(output.proof)
    (workdir / PUBLIC_FILE).write_text(json.dumps(dict(output.public)), encoding="utf-8")


if __name__ == "__main__":
    main()
