"""Whether a prover that says hello may come in, and whether it gets work: in the transaction that opens its session."""

from __future__ import annotations

from proofgrid.primitives.errors import NotAllowed
from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.access.operator_limits import OperatorLimits, check_connected
from proofgrid.rules.access.sessions import Origin, check_name
from proofgrid.rules.jobs.offers import ProverTerms
from proofgrid.rules.reputation.standing import pause_sentence
from proofgrid.store.connection import Connection
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.reputation import GET_STANDINGS
from proofgrid.store.sessions import CHANGE_OPERATOR, MAY_OPERATE, OTHERS_OF_OPERATOR, SESSION_OF_NAME


async def check_arrival(
    connection: Connection,
    prover: ProverId,
    operator: Address,
    origin: Origin,
    *,
    slots: int,
    limits: OperatorLimits,
    heartbeat_ms: int,
    silent_ms: int,
) -> None:
    """Raise NameTaken when another session of the prover's name lives, TooManyOpen when its operator has too much,
    NotAllowed when its role was taken meanwhile.
    """
    taken = await connection.first(SESSION_OF_NAME, prover_id=prover)
    if taken is not None:
        check_name(prover, taken, origin, heartbeat_ms=heartbeat_ms, silent_ms=silent_ms)
    await connection.run(CHANGE_OPERATOR, operator=operator)
    if not await connection.value(MAY_OPERATE, operator=operator):
        raise NotAllowed("the role operator was taken from this key", field="role")
    others = await connection.value(
        OTHERS_OF_OPERATOR, operator=operator, prover_id=prover, gateway_silent_ms=GATEWAY_SILENT_MS
    )
    check_connected(provers=others.provers + 1, slots=others.slots + slots, limits=limits)


async def why_paused(connection: Connection, prover: ProverId, operator: Address) -> str:
    """Say why a prover gets no work: for its own faults, or those of its operator's new provers if it is new."""
    standings = await connection.fetch(GET_STANDINGS, names=[prover, operator])
    is_new = any(row.is_new for row in standings)
    holding = [row for row in standings if row.jobs_proven is not None or is_new]
    latest = max(holding, key=lambda row: row.paused_until_ms)
    return pause_sentence(latest.standing, now_ms=latest.now_ms)


def columns_of(terms: ProverTerms) -> dict[str, object]:
    """Return what a prover says of itself, as its session keeps it."""
    return {
        "asks": dict(terms.asks),
        "classes": [job_class.value for job_class in terms.classes],
        "slots": terms.slots,
        "cores": terms.cores,
        "memory_bytes": terms.memory_bytes,
        "region": terms.region,
        "version": terms.version,
        "cached_programs": sorted(terms.cached_programs),
        "class_asks": {system: dict(prices) for system, prices in terms.class_asks.items()},
        "units_min": terms.units_min,
        "reserve_price": terms.reserve_price,
        "reserve_slots": terms.reserve_slots,
        "confinement": terms.confinement.value,
        "sealing_key": terms.sealing.key if terms.sealing else None,
        "sealing_until_ms": terms.sealing.until_ms if terms.sealing else None,
        "sealing_signature": terms.sealing.signature if terms.sealing else None,
    }
