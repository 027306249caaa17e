"""The inside of a job's child process: `python -m proofgrid.roles.prover.child`, started by sandbox.py only.

    prover --- supervisor --- engine --- what the engine starts        (one process group)
                   |             stdin: none; answers: one JSON object per line on order.fd, {"stage", "share"},
                   |             at last {"error"} or {"done"}; output: `proof` and `public.json` in the workdir
                   `  stdin: one line of JSON, the order; then nothing, until the prover closes it or dies

The supervisor only waits: for the engine, whose end it repeats, and for the prover, whose death it makes the group's.
An engine deep in native code could do neither. The engine is imported after its limits are set.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

PROOF_FILE = "proof"
PUBLIC_FILE = "public.json"
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read the order and split in two: one process proves, the other watches over it."""
    order = json.loads(sys.stdin.buffer.readline())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # sent to the group; the supervisor leaves after the engine
    engine_pid = os.fork()
    if engine_pid:
        os.close(order["fd"])
        _supervise(engine_pid)
    _prepare_engine(order)
    with os.fdopen(order["fd"], "w", encoding="utf-8") as answers:
        sys.exit(_run(order, answers))


def _supervise(engine_pid: int) -> NoReturn:
    prover_left = threading.Event()
    threading.Thread(target=_kill_when_prover_leaves, args=(engine_pid, prover_left), daemon=True).start()
    # Reap the engine before the group goes: in a container nobody else may do it.
    _, status = os.waitpid(engine_pid, 0)
    if prover_left.is_set():
        os.killpg(0, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _die_of(-code)
    os._exit(abs(code))


def _kill_when_prover_leaves(engine_pid: int, prover_left: threading.Event) -> None:
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


def _prepare_engine(order: Mapping[str, Any]) -> None:
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
    resource.setrlimit(resource.RLIMIT_DATA, (order["memory_bytes"], order["memory_bytes"]))


def _run(order: Mapping[str, Any], answers: IO[str]) -> int:
    from proofgrid.primitives.errors import ProofgridError

    def say(**facts: Any) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

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
