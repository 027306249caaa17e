"""Compares the cells of the grid, a form in an opset each, with ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import onnx

from proofgrid.primitives.errors import InvalidRequest
from proofgrid.proofs.systems.ezkl.engine import EngineFailed
from proofgrid.proofs.systems.ezkl.model.loading import PASSES
from tools.operators.forms import OPSETS, Form
from tools.operators.trying import SCALE, Array, Feeds, circuit, feeds_of, reference, runtime

UNITS = 6  #: of the scale that a result may be off, for each 1 of the largest result and 1 more


class Outcome(StrEnum):
    """What came of a cell."""

    AGREES = "agrees"
    AGREES_WITH_RUNTIME = "agrees with ONNX Runtime, from which the reference evaluator differs"
    REFUSED = "refused by the table"
    ENGINE = "refused by the engine"
    DISAGREES = "DISAGREES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A form in an opset, and what came of it."""

    operator: str
    label: str
    opset: int
    outcome: Outcome
    detail: str = ""


def cells_of(form: Form, opsets: Sequence[int] = OPSETS) -> list[Cell]:
    """Compare a form in each opset that can spell it and has new versions of its operators, and in the last.

    What is the same model in the end is computed once.
    """
    known: dict[tuple[object, ...], Cell] = {}
    found: list[Cell] = []
    last: tuple[int, ...] = ()
    for opset in opsets:
        model = form.model(opset)
        if model is None:
            continue
        versions = tuple(onnx.defs.get_schema(name, opset, "").since_version for name, *_ in form.nodes)
        if versions == last and opset != opsets[-1]:
            continue
        last = versions
        written = _written(model)
        key = (*versions, written if isinstance(written, str) else written.SerializeToString(deterministic=True))
        if key not in known:
            cell = _cell(form, opset, model, written)
            if cell is None:
                continue
            known[key] = cell
        cell = known[key]
        found.append(
            Cell(operator=cell.operator, label=cell.label, opset=opset, outcome=cell.outcome, detail=cell.detail)
        )
    return found


def _written(model: onnx.ModelProto) -> onnx.ModelProto | str:
    """Return the model as it goes to the engine, or why it is refused."""
    try:
        for apply in PASSES:
            model = apply(model)
    except InvalidRequest as reason:
        return f"{reason.detail}; {reason.hint}"
    return model


def _cell(form: Form, opset: int, model: onnx.ModelProto, written: onnx.ModelProto | str) -> Cell | None:
    def cell(outcome: Outcome, detail: str = "") -> Cell:
        return Cell(operator=form.operator, label=form.label, opset=opset, outcome=outcome, detail=detail)

    feeds = feeds_of(model, *form.values, form.step)
    wanted = _answers(model, feeds)
    if not wanted:
        return None  # not a model after all: neither of ONNX's own knows what it means
    if isinstance(written, str):
        return cell(Outcome.REFUSED, written)
    try:
        got = circuit(written, feeds)
    except EngineFailed as reason:
        return cell(Outcome.ENGINE, str(reason)[:200])
    for outcome, answers in wanted.items():
        if agree(got, answers):
            return cell(outcome)
    return cell(Outcome.DISAGREES, f"{got[0][:4]} instead of {next(iter(wanted.values()))[0][:4]}")


def _answers(model: onnx.ModelProto, feeds: Sequence[Feeds]) -> dict[Outcome, list[Array]]:
    answers = {}
    for outcome, ask in ((Outcome.AGREES, reference), (Outcome.AGREES_WITH_RUNTIME, runtime)):
        try:
            answers[outcome] = [ask(model, each) for each in feeds]
        except Exception:  # noqa: S112 - either may lack an operator, and says so in many ways
            continue
    return answers


def agree(got: Sequence[Array], wanted: Sequence[Array]) -> bool:
    """Return whether a circuit's results are ONNX's, but for what the scale rounds away."""
    if any(one.shape != other.shape for one, other in zip(got, wanted, strict=True)):
        return False
    largest = max((float(np.abs(each).max()) for each in wanted if each.size), default=0.0)
    apart = max((float(np.abs(a - b).max()) for a, b in zip(got, wanted, strict=True) if a.size), default=0.0)
    return bool(apart <= UNITS * (1 + largest) / 2**SCALE)
