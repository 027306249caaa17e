"""How operators and provers stand, for anybody with an access role."""

from __future__ import annotations

from collections import defaultdict

from proofgrid.primitives.ids import Address
from proofgrid.primitives.pages import Page, page_of, read_cursor
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.jobs.limits import LIST_MAX
from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.reputation.reports import (
    MeasuredSpeed,
    OperatorReport,
    ProverReport,
    report_operator,
    report_prover,
)
from proofgrid.rules.reputation.standing import ReputationPolicy, Standing
from proofgrid.store.database import Database
from proofgrid.store.reputation import GET_STANDINGS, STANDINGS, ShownProver


class Reputation:
    """Of one operator, or of all."""

    def __init__(self, database: Database, policy: ReputationPolicy) -> None:
        self._database = database
        self.policy = policy

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def operators(self, only: Address | None, *, limit: int = 0, cursor: str = "") -> Page[OperatorReport]:
        """Return how operators and their provers stand, in the order of their addresses. `limit` 0: the most."""
        limit = min(limit or LIST_MAX, LIST_MAX)
        [after] = read_cursor(cursor, "operators", ("",))
        async with self._database.connection() as connection:
            rows = await connection.fetch(STANDINGS, operator=only or "", after=after, limit=limit + 1)
            owners = await connection.fetch(GET_STANDINGS, names=sorted({row.operator for row in rows if row.is_new}))
        shared = {owner.operator: owner.standing for owner in owners}
        provers: dict[Address, list[ProverReport]] = defaultdict(list)
        for row in rows:
            provers[row.operator].append(self._report(row, shared.get(row.operator) if row.is_new else None))
        reports = [report_operator(operator, its_provers) for operator, its_provers in provers.items()]
        return page_of(reports, limit=limit, of="operators", place=lambda one: (one.operator,))

    def _report(self, row: ShownProver, shared: Standing | None) -> ProverReport:
        return report_prover(
            row.prover_id,
            row.standing,
            shared=shared,
            speeds=[
                MeasuredSpeed(
                    proof_system=system,
                    job_class=job_class,
                    speed=Speed(units=units, wall_ms=wall_ms, samples=samples),
                )
                for system, job_class, units, wall_ms, samples in row.speeds or ()
            ],
            connected=row.connected,
            jobs_proven=row.jobs_proven,
            jobs_failed=row.jobs_failed,
            half_life_ms=self.policy.half_life_ms,
            now_ms=row.now_ms,
        )
