"""One proof of a whole request: how jobs that take other jobs' proofs are arranged, and what a gateway demands of it.

slices   0   1   2   3   4          positions 0 to 4, one for each slice of each input
          \\ /     \\ /    |
wraps      5       6     |          sold as soon as their parts are proven
            \\     /     /
             7 ---------            the last job: the one proof that is handed out
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, parse_digest
from proofgrid.primitives.errors import BadProof, InvalidProgram
from proofgrid.primitives.reading import read_integer, read_list, read_mapping, read_object, read_text
from proofgrid.proofs.base import (
    JobDraft,
    JobOutput,
    NormalisedRequest,
    PartialProof,
    Program,
    ProgramFiles,
    ProofSystem,
    Report,
)
from proofgrid.proofs.offers import PARTS, MakesOneProof

PARTS_MAX = 1_024  #: of one wrap


def folded(leaves: int, arity: int) -> list[tuple[int, ...]]:
    """Return what each wrap of a tree takes, as ascending positions; wraps have the positions behind the `leaves`.

    The last one is the root. Neighbours are folded, `arity` at most; who is left alone goes on by itself. So a single
    leaf is wrapped too. Raises ValueError unless there is a leaf, and an arity of 2 or more.
    """
    if leaves < 1 or arity < 2:
        raise ValueError("a tree has a leaf, and folds two at least")
    wraps: list[tuple[int, ...]] = []
    level = list(range(leaves))
    while len(level) > 1 or not wraps:
        groups = [tuple(level[start : start + arity]) for start in range(0, len(level), arity)]
        level = []
        for group in groups:
            if len(group) == 1 and len(groups) > 1:
                level.append(group[0])
                continue
            level.append(leaves + len(wraps))
            wraps.append(group)
    # One that went on by itself may be folded with positions before it.
    return [tuple(sorted(group)) for group in wraps]


def prove_job(
    system: ProofSystem,
    files: ProgramFiles,
    slice_index: int,
    job_input: bytes,
    parts: Sequence[PartialProof],
    *,
    cache: Path,
    workdir: Path,
    report: Report,
) -> JobOutput:
    """Prove a slice, or wrap `parts`; raise InvalidProgram for a wrap of a system that makes none."""
    if not files.program.is_wrap(slice_index):
        return system.run_job(files, slice_index, job_input, cache=cache, workdir=workdir, report=report)
    if not isinstance(system, MakesOneProof):
        raise InvalidProgram(f"{system.name} makes no proof of many proofs", field="program.wraps")
    return system.wrap(files, slice_index, job_input, parts, cache=cache, workdir=workdir, report=report)


def check_one_proof(program: Program, request: NormalisedRequest) -> None:
    """Raise InvalidProgram unless every job but the last is taken by one wrap behind it, and only wraps take any."""
    taken: set[int] = set()
    for position, job in enumerate(request.jobs):
        _check_job(program, job, position, taken)
        taken.update(job.depends_on)
    if not request.jobs or not program.is_wrap(request.jobs[-1].slice_index):
        raise _broken("the last job is no wrap")
    if taken != set(range(len(request.jobs) - 1)):
        raise _broken("a proof is left over")
    if len({(job.slice_index, job.input_index) for job in request.jobs}) != len(request.jobs):
        raise _broken("two jobs have the same place")


def _check_job(program: Program, job: JobDraft, position: int, taken: set[int]) -> None:
    if not 0 <= job.slice_index < len(program.slices) + len(program.wraps):
        raise _broken(f"there is no slice and no wrap {job.slice_index}")
    if program.is_wrap(job.slice_index) != bool(job.depends_on):
        raise _broken("wraps take proofs, and nothing else does")
    if list(job.depends_on) != sorted(set(job.depends_on)) or any(not 0 <= one < position for one in job.depends_on):
        raise _broken("a wrap takes jobs before it, each once, in their order")
    if len(job.depends_on) > PARTS_MAX or taken & set(job.depends_on):
        raise _broken(f"a wrap takes {PARTS_MAX} proofs at most, and each proof is taken once")


def _broken(what: str) -> InvalidProgram:
    return InvalidProgram(f"the proof system arranges its jobs wrongly: {what}", field="aggregate")


def the_one(parts: Sequence[PartialProof], *, index: int) -> PartialProof:
    """Return the one proof that a verifier was given; raise BadProof unless it is one, of the wrap `index`."""
    if len(parts) != 1 or parts[0].slice_index != index:
        raise BadProof("expected one proof of everything, and nothing else")
    return parts[0]


@dataclass(frozen=True, slots=True)
class TakenPart:
    """What the gateway says of a proof that a wrap took."""

    slice_index: int
    input_index: int
    proof: Digest
    public: Mapping[str, Json]


def parts_of(facts: Mapping[str, Json]) -> list[TakenPart]:
    """Return what a wrap took, as the gateway says in its facts; raise InvalidField when it does not."""
    parts = [read_object(part, ("slice", "input", "proof", "public"), PARTS) for part in read_list(facts[PARTS], PARTS)]
    return [
        TakenPart(
            read_integer(part["slice"], PARTS),
            read_integer(part["input"], PARTS),
            parse_digest(read_text(part["proof"], PARTS), field=PARTS),
            read_mapping(part["public"], PARTS),
        )
        for part in parts
    ]
