"""The cut that fits: `slices: auto` is cut again, finer, until no slice needs more rows than are allowed.

What a node needs is known only once its circuit is calibrated. So the heaviest slice says how far the estimate was off
on this model, and the next cut is made with that. A node that cannot be cut and needs more rows gets more columns
instead: the engine lays its circuit out in blocks, side by side. Beyond 2^`_BLOCKS_LOG_MAX` of them it is refused.
"""

from __future__ import annotations

from dataclasses import replace

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.base import Report
from proofgrid.proofs.systems.ezkl.circuits.choosing import Circuits, choose_circuits, slice_with_equal_scales
from proofgrid.proofs.systems.ezkl.circuits.plan import BuildPlan
from proofgrid.proofs.systems.ezkl.model.slicing import ModelSlice

_TRIES = 5
_BLOCKS_LOG_MAX = 4  #: beyond 16 blocks, proofs and keys of so many columns are worse than more rows
_SPARE_ROWS = 64  #: more than any circuit of ezkl keeps for itself
_SAFETY_PERMILLE = 900  #: the next cut aims at so much of what would just fit


def cut_that_fits(plan: BuildPlan, report: Report) -> tuple[list[ModelSlice], Circuits]:
    """Return slices and circuits of at most 2^logrows_max rows; raise InvalidProgram when they cannot be so short."""
    cells_max: int | None = None
    before = 0
    for _ in range(_TRIES):
        report("slice", 20)
        slices = slice_with_equal_scales(plan, cells_max=cells_max)
        if len(slices) == before:
            break  # the model has no more places to cut at
        circuits = choose_circuits(plan, slices, report)
        if circuits.logrows <= plan.logrows_max:
            return slices, circuits
        if plan.settings.slices is not None or len(slices[_largest(circuits)].nodes) == 1:
            break
        before = len(slices)
        cells_max = _cells_that_fit(plan, slices, circuits)
    if not _fits_in_blocks(plan, circuits):
        raise _too_large(plan, slices, circuits)
    return slices, replace(circuits, logrows=plan.logrows_max)


def _fits_in_blocks(plan: BuildPlan, circuits: Circuits) -> bool:
    """Return whether the circuits can have more columns instead of rows: their tables must still fit into the rows."""
    rows = 1 << plan.logrows_max
    ranges = [pair for settings in circuits.settings for pair in settings["required_range_checks"]]
    ranges += [settings["run_args"]["lookup_range"] for settings in circuits.settings if settings["required_lookups"]]
    tables = max((high - low + 1 for low, high in ranges), default=0)
    return tables + _SPARE_ROWS <= rows and circuits.logrows <= plan.logrows_max + _BLOCKS_LOG_MAX


def _cells_that_fit(plan: BuildPlan, slices: list[ModelSlice], circuits: Circuits) -> int:
    place = _largest(circuits)
    rows = max(int(circuits.settings[place]["num_rows"]), 1)
    fitting = slices[place].cells * (1 << plan.logrows_max) // rows
    return max(1, min(fitting, slices[place].cells - 1) * _SAFETY_PERMILLE // 1000)


def _largest(circuits: Circuits) -> int:
    needs = [(settings["run_args"]["logrows"], settings["num_rows"]) for settings in circuits.settings]
    return needs.index(max(needs))


def _too_large(plan: BuildPlan, slices: list[ModelSlice], circuits: Circuits) -> InvalidProgram:
    place = _largest(circuits)
    nodes = [f"{node.name or node.output[0]} ({node.op_type})" for node in slices[place].nodes]
    names = ", ".join(nodes[:3]) + (f" and {len(nodes) - 3} more" if len(nodes) > 3 else "")
    return InvalidProgram(
        f"slice {place} with {names} needs 2^{circuits.logrows} rows; at most 2^{plan.logrows_max} are allowed",
        field="settings.logrows_max",
        hint=_way_out(plan, circuits.logrows, is_one_node=len(nodes) == 1),
    )


def _way_out(plan: BuildPlan, needed: int, *, is_one_node: bool) -> str:
    """Return what a client can do, and what only the network's owner can."""
    ways = []
    if plan.settings.logrows_max < needed <= plan.srs.logrows_max:
        ways.append(f"allow more rows (-s logrows_max={needed})")
    if plan.settings.slices is not None:
        ways.append("take more slices, or slices=auto")
    if is_one_node or not ways:
        ways.append("make the node smaller (fewer channels or features), or lower scale or lookup_margin")
    text = ", or ".join(ways)
    if plan.srs.logrows_max < needed:
        text += f"; the network's reference string ends at 2^{plan.srs.logrows_max}, which only its owner can change"
    return text
