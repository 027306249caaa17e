"""Sends canaries: ordinary tasks of the network's own, paid by the treasury, to see whether provers work.

occasion of the hour, or a new operator --> a canary, a target --> affordable? --> constrained to it --> submitted

Every gateway with the role dispatcher has the same thoughts; the idempotency key makes one task of them.
What was spent is read again before each: of several gateways every one may be a canary beyond the budget, no more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.errors import IdempotencyConflict, ProofgridError
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.rules.reputation import canaries as rules
from proofgrid.rules.reputation.canaries import Candidate
from proofgrid.rules.staking.bonds import BondPolicy, capacity
from proofgrid.store.canaries import (
    CANARY_SPENDING,
    OPERATORS_TO_TRY,
    READY_CANARIES,
    OperatorToTry,
    ReadyCanary,
)
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.rounds import REFERENCES_OF_LANES

LOOK_SECONDS = 2.0
NO_VERSIONS: Mapping[str, str] = {}

log = structlog.get_logger(__name__)


class Submit(Protocol):
    """How a task comes about; admission does it."""

    def __call__(self, client: Address, request: ProofRequest) -> Awaitable[TaskId]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySettings:
    """How many canaries, for whom, and what they may cost."""

    per_hour: int = 0
    for_new_provers: bool = False
    budget: int = 0  #: for all operators in 24 hours, base units
    bonds: BondPolicy = field(default_factory=BondPolicy)
    reference_price: int = 1_000
    silent_ms: int  #: how long a lease lives without a heartbeat

    @property
    def are_wanted(self) -> bool:
        return bool(self.per_hour or self.for_new_provers)


class Canaries:
    """Sends them until cancelled."""

    def __init__(
        self,
        database: Database,
        submit: Submit,
        settings: CanarySettings,
        clock: Clock,
        *,
        engines: Mapping[str, str] = NO_VERSIONS,
    ) -> None:
        """`engines`: of each proof system the one whose proofs this gateway verifies, and so the one it tries."""
        self._database = database
        self._engines = engines
        self._submit = submit
        self._settings = settings
        self._clock = clock
        self._done: set[str] = set()  #: keys of this gateway's latest occasions
        self._due: tuple[int, int] = (0, 0)  #: occasion, when it is due

    async def run(self) -> None:
        """Look every few seconds whether one is due."""
        look = every(LOOK_SECONDS, self.look)
        await Loop("canaries", look, first=LOOK_SECONDS, retry_seconds=LOOK_SECONDS, trouble="canaries_postponed").run()

    async def look(self) -> None:
        """Send what is due now."""
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            canaries = await connection.fetch(READY_CANARIES)
            if not canaries:
                return
            operators = await connection.fetch(
                OPERATORS_TO_TRY, gateway_silent_ms=GATEWAY_SILENT_MS, silent_ms=self._settings.silent_ms
            )
        if not operators:
            return
        candidates = [self._candidate(one) for one in operators]
        now_ms = self._clock.now_ms()
        if self._settings.for_new_provers:
            for canary in canaries:
                for target in rules.newcomers(candidates, engine=self._engine_of(canary)):
                    await self._send(canary, target, key=rules.newcomer_key(target, now_ms=now_ms))
        if self._settings.per_hour and self._is_due(now_ms):
            canary = canaries[_draw() % len(canaries)]
            engine = self._engine_of(canary)
            target_or_none = rules.choose(candidates, engine=engine, draw=_draw())
            if target_or_none is not None:
                interval = rules.interval_ms(self._settings.per_hour)
                key = rules.occasion_key(self._due[0], interval=interval, engine=engine)
                await self._send(canary, target_or_none, key=key)

    def _candidate(self, row: OperatorToTry) -> Candidate:
        bonds = self._settings.bonds
        return Candidate(
            operator=row.operator,
            engines=frozenset(row.engines),
            jobs_proven=row.jobs_proven,
            carries=capacity(row.stake, bonds) if bonds.is_asked else None,
        )

    def _engine_of(self, canary: ReadyCanary) -> str:
        return self._engines.get(canary.proof_system, canary.proof_system)

    def _is_due(self, now_ms: int) -> bool:
        interval = rules.interval_ms(self._settings.per_hour)
        occasion = now_ms // interval
        if self._due[0] != occasion:
            self._due = (occasion, rules.due_ms(occasion, interval=interval, draw=_draw()))
        return now_ms >= self._due[1]

    async def _send(self, canary: ReadyCanary, target: Candidate, *, key: str) -> None:
        if key in self._done:
            return
        if len(self._done) > 10_000:
            self._done.clear()
        price = await self._affordable_price(canary, target)
        if price is None:
            return
        request = ProofRequest(
            program_digest=canary.program_digest,
            inputs=tuple(canary.inputs),
            inputs_digest=canary.inputs_digest,
            limit_price=price,
            budget=0,
            deadline_ms=self._clock.now_ms() + rules.LIFE_MS,
            idempotency_key=key,
            constraints=rules.directed_at(target),
        )
        try:
            task_id = await self._submit(NETWORK_CLIENT, request)
        except IdempotencyConflict:
            self._done.add(key)  # another gateway was first
        except ProofgridError as error:
            # The treasury is empty, or everything is full: no canary now, work for clients goes on.
            log.warning("canary_not_sent", operator=target.operator, code=error.code, reason=error.detail)
        else:
            self._done.add(key)
            log.info("canary_sent", task_id=str(task_id), operator=target.operator)

    async def _affordable_price(self, canary: ReadyCanary, target: Candidate) -> int | None:
        """Return what the canary bids per unit; None when the day's budget, or the operator's part of it, is spent."""
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            lanes = await connection.fetch(REFERENCES_OF_LANES, lanes=canary.lanes)
            rows = await connection.fetch(CANARY_SPENDING, network=NETWORK_CLIENT, within_ms=rules.DAY_MS)
        default = self._settings.reference_price
        price = rules.limit_price([row.next_reference or row.first_reference or default for row in lanes])
        spent = {row.operator: row.spent for row in rows}
        target = replace(target, spent=spent.get(target.operator, 0))
        budget = self._settings.budget
        if rules.is_affordable(price * canary.units, target, spent=sum(spent.values()), budget=budget):
            return price
        log.debug("canary_over_budget", operator=target.operator, spent=target.spent, budget=budget)
        return None


def _draw() -> int:
    return int.from_bytes(fresh_bytes(8), "big")
