"""The only place that asks the engine: one function per command, and two kinds of failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import Report
from proofgrid.proofs.kit.asking import ask_engine, texts_in
from proofgrid.proofs.kit.engine import EngineLimits
from proofgrid.proofs.kit.engine_programs import MIDEN
from proofgrid.proofs.systems.miden.elements import Advice
from proofgrid.proofs.systems.miden.settings import Settings, memory_bytes

VERSION = "miden-vm 0.23.5"  #: as the program says of itself; tests hold it
SYSTEM = "miden"

_QUICK_BYTES = 1 << 30
#: Address space on top of what proving takes: stacks of threads, and what allocators keep.
_SLACK_BYTES = 1 << 30
#: A trace is held once where it is only counted, and eight times where it is proven.
_ROW_BYTES = 3 << 10
_FILE_BYTES_MAX = 256 << 20
_QUICK_SECONDS, _PROVE_SECONDS = 300.0, 7_200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A program that is at hand, with what its identity says of it."""

    program: Path
    root: str
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What a step came to."""

    stack: tuple[str, ...]  #: the 16 elements that it left
    rows: int  #: of its whole trace, padded to a power of two


def assemble(source: Mapping[str, Path], program: Path, *, workdir: Path) -> str:
    """Write a program of `masm` or `package`; return its root. Raises Refused."""
    answer = _ask("assemble", {**source, "program": program}, workdir=workdir, memory=_QUICK_BYTES)
    return str(answer["root"])


def execute(call: Call, stack: Sequence[str], steps: Sequence[Advice], *, workdir: Path) -> list[Executed]:
    """Run a program once for each step; return what each came to. Raises Refused."""
    request = {
        **_called(call),
        "stack": list(stack),
        "steps": [step.to_json() for step in steps],
    }
    memory = _QUICK_BYTES + call.settings.rows_max * _ROW_BYTES
    done = _ask("execute", request, workdir=workdir, memory=memory)["steps"]
    assert isinstance(done, list)  # noqa: S101 - our own engine
    return [Executed(stack=tuple(texts_in(one, "stack")), rows=int(one["rows"])) for one in done]


def prove(
    call: Call, stack: Sequence[str], step: Advice, *, workdir: Path, report: Report
) -> tuple[bytes, tuple[str, ...]]:
    """Return a proof of one step, and the stack that it leaves. Raises Refused."""
    request = {**_called(call), "stack": list(stack), "step": step.to_json(), "hash": call.settings.hash}
    memory = memory_bytes(call.settings.rows_max) + _SLACK_BYTES
    answer = _ask("prove", request, workdir=workdir, memory=memory, report=report, seconds=_PROVE_SECONDS)
    return bytes.fromhex(str(answer["proof"])), tuple(texts_in(answer, "stack"))


def complaint_about(
    root: str, settings: Settings, before: Sequence[Json], after: Sequence[Json], proof: bytes, *, workdir: Path
) -> str:
    """Return what is wrong with a proof that a program turns one stack into another; "" when it verifies."""
    claim = {"before": before, "after": after, "proof": proof.hex()}
    request = {"root": root, "hash": settings.hash, "claims": [claim]}
    return texts_in(_ask("verify", request, workdir=workdir, memory=_QUICK_BYTES), "verdicts")[0]


def _called(call: Call) -> dict[str, object]:
    return {"program": call.program, "root": call.root, "cycles_max": call.settings.cycles_max}


def _ask(
    command: str,
    request: Mapping[str, object],
    *,
    workdir: Path,
    memory: int,
    report: Report | None = None,
    seconds: float = _QUICK_SECONDS,
) -> Mapping[str, Json]:
    limits = EngineLimits(timeout_seconds=seconds, memory_bytes=memory, file_bytes_max=_FILE_BYTES_MAX)
    program = str(MIDEN.path(system=SYSTEM))
    return ask_engine(
        [program, command], request, workdir=workdir, limits=limits, answer_bytes_max=_FILE_BYTES_MAX, report=report
    )
