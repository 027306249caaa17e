"""A gateway serves provers of the engines whose proofs it can verify.

Of any other engine it could not tell a proof from a lie.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.turns import Urgency
from proofgrid.rules.jobs.engines import engine_of_lane, system_of
from proofgrid.rules.jobs.offers import ProverTerms
from proofgrid.store.database import Database
from proofgrid.store.engines import LANES_OF_LEASES, UNVERSIONED_WITH_JOBS

NOT_HERE = "not_here"  #: code of the notice that names engines of a prover that its gateway does not verify


async def with_engines_here(
    database: Database, terms: ProverTerms, subnetworks: Sequence[str], here: Collection[str] | None
) -> tuple[ProverTerms, str]:
    """Return a prover's terms with the engines that this gateway verifies, and what to tell it of the others.

    `here`: those engines; None: all.

    A job that was there before programs told their engines goes to any version of its proof system.
    Raises Unavailable, so that the prover goes on to another gateway, when nothing is left, or when it holds a lease of
    an engine that is not here.
    """
    if here is None:
        return terms, ""
    asked = {engine for engine in terms.asks if engine in here}
    if not asked:
        raise Unavailable(_not_here(terms.asks, here), hint="give the addresses of gateways of both versions")
    systems = {system_of(engine): engine for engine in sorted(asked)}
    async with database.connection(Urgency.ROUNDS) as connection:
        lanes = await connection.fetch(LANES_OF_LEASES, lease_ids=[one.lease_id for one in terms.held])
        bare = await connection.fetch(UNVERSIONED_WITH_JOBS, systems=list(systems), subnetworks=list(subnetworks))
    if held := {engine_of_lane(lane) for lane in lanes} - set(here):
        raise Unavailable(f"leases of {min(held)} are held, which this gateway does not run", hint="go to another one")
    given = {engine: engine for engine in asked} | {system: systems[system] for system in bare}
    served = replace(
        terms,
        asks={engine: terms.asks[source] for engine, source in given.items()},
        class_asks={engine: terms.class_asks[s] for engine, s in given.items() if s in terms.class_asks},
    )
    return served, _left_out(set(terms.asks) - asked)


def _not_here(asked: Collection[str], here: Collection[str]) -> str:
    systems = {system_of(engine) for engine in asked}
    own = sorted(engine for engine in here if system_of(engine) in systems and engine not in systems)
    verifies = ", ".join(own) or "none of these systems"
    return f"this prover runs {', '.join(sorted(asked))}; this gateway verifies {verifies}"


def _left_out(engines: Collection[str]) -> str:
    told = ", ".join(sorted(engines))
    return f"this gateway does not verify {told}: nothing of it is sold to you here" if engines else ""
