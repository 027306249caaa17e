"""Who serves a lane and what is known of them; and when a gateway, with the provers connected to it, counts as gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proofgrid.rules.jobs.classes import class_of_lane, is_wide, stack_of
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints, constraints_from_json
from proofgrid.rules.jobs.speed import UNMEASURED, Speed
from proofgrid.store.queries import QUERIES

GATEWAY_SILENT_MS = 5_000  #: a gateway that was not seen for so long lives no more, and its provers count for nothing
LOCK_SILENT_MS = 2_500  #: a gateway that is silent for so long in a round or a hello loses it, and its locks


async def sessions_of_stack(
    connection: Any, stack: str, *, silent_ms: int | None, newcomers_grow: bool = False
) -> list[Any]:
    """Return the open sessions on living gateways that serve a stack, with what their provers are doing already.

    `silent_ms`: how long a lease lives without a heartbeat. Whoever may have lost one by silence is left out, so a
    prover that hangs is sold nothing more. None: nobody is left out.
    """
    subnetwork, proof_system = stack.split("/")
    rows: list[Any] = await connection.fetch(
        QUERIES["supply_of_stack"], proof_system, GATEWAY_SILENT_MS, subnetwork, newcomers_grow, silent_ms
    )
    return rows


async def sessions_of_lane(connection: Any, lane: str, *, silent_ms: int | None) -> list[Any]:
    """Return those of them that may have the lane's jobs."""
    constraints = await constraints_of(connection, [lane])
    sessions = await sessions_of_stack(connection, stack_of(lane), silent_ms=silent_ms)
    return those_that_serve(sessions, lane, constraints.get(lane, NO_CONSTRAINTS))


def those_that_serve(sessions: Iterable[Any], lane: str, constraints: Constraints) -> list[Any]:
    """Return the sessions that serve a lane with these constraints."""
    return [row for row in sessions if serves(row, lane, constraints)]


async def constraints_of(connection: Any, lanes: Iterable[str]) -> dict[str, Constraints]:
    """Return the constraints of those of the lanes that have some."""
    narrow = [lane for lane in lanes if not is_wide(lane)]
    if not narrow:
        return {}
    rows = await connection.fetch(QUERIES["constraints_of_lanes"], narrow)
    return {row["lane"]: constraints_from_json(row["constraints"]) for row in rows}


def serves(session: Any, lane: str, constraints: Constraints) -> bool:
    """Does a prover offer the lane's class, and do its bids accept it?"""
    return class_of_lane(lane) in session["classes"] and constraints.accepts(
        operator=session["operator"], region=session["region"], stake=session["stake"]
    )


def price_of(session: Any, lane: str) -> int:
    """Return what a prover asks for jobs of the lane's class, per PU."""
    prices = session["class_prices"] or {}
    return int(prices.get(class_of_lane(lane), session["price"]))


def speed_of(session: Any, lane: str) -> Speed:
    """Return what a prover did so far in the lane's class."""
    measured = (session["speeds"] or {}).get(class_of_lane(lane))
    if measured is None:
        return UNMEASURED
    units, wall_ms, samples = measured
    return Speed(units=units, wall_ms=wall_ms, samples=samples)
