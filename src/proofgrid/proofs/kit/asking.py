"""Questions to engines that are programs of ours: JSON in, JSON out, and two kinds of failure.

What a client or a prover handed in and the engine refuses is `Refused`, an answer like others; everything else that
goes wrong is the engine's own trouble.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidProgram, InvalidRequest
from proofgrid.proofs.base import Report
from proofgrid.proofs.kit.engine import EngineFailed, EngineLimits, run_engine


class Refused(Exception):
    """The engine refuses what somebody handed in; `field` says which of it: "source.r1cs", "inputs.a"."""

    def __init__(self, field: str, rule: str) -> None:
        self.field = field
        self.rule = rule
        super().__init__(f"{field}: {rule}")


def ask_engine(
    command: Sequence[str],
    request: Mapping[str, object],
    *,
    workdir: Path,
    limits: EngineLimits,
    answer_bytes_max: int,
    report: Report | None = None,
) -> dict[str, Json]:
    """Return the engine's answer; paths in the request are made absolute, and `workdir` is made if it is not there.

    Raises Refused, and InvalidProgram when the engine fails or says more than `answer_bytes_max`.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    content = json.dumps(request, default=lambda path: str(path.absolute())).encode()
    try:
        said = run_engine(command, limits=limits, workdir=workdir, content=content, report=report)
    except EngineFailed as reason:
        raise InvalidProgram(f"the engine fails: {reason}") from None
    if len(said) > answer_bytes_max:
        raise InvalidProgram(f"the engine says more than {answer_bytes_max} bytes")
    answer: dict[str, Json] = json.loads(said)
    if (refused := refused_in(answer)) is not None:
        raise refused
    return answer


def refused_in(answer: Mapping[str, Json]) -> Refused | None:
    """Return the refusal that an answer, or a part of one, is; None for any other."""
    refused = answer.get("refused")
    return Refused(str(refused["field"]), str(refused["rule"])) if isinstance(refused, Mapping) else None


def texts_in(answer: Json, name: str) -> list[str]:
    """Return a list of texts out of an answer."""
    texts = answer[name] if isinstance(answer, Mapping) else None
    return [str(text) for text in texts] if isinstance(texts, list) else []


@contextmanager
def refused_as(error: type[InvalidRequest], *, field: str = "", hint: str = "") -> Iterator[None]:
    """Raise what the engine refuses as an error of ours, about `field`, or about what the engine names."""
    try:
        yield
    except Refused as reason:
        raise error(reason.rule, field=field or reason.field, hint=hint) from None
