"""Sends canaries: ordinary tasks of the network's own, paid by the treasury, to see whether provers work.

occasion of the hour, or a new prover --> a canary, a target --> everybody else excluded --> submitted like any task

Every gateway with the role dispatcher has the same thoughts; the idempotency key makes one task of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.errors import IdempotencyConflict, ProofgridError
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.rules.reputation import canaries as rules
from proofgrid.rules.reputation.canaries import Candidate
from proofgrid.store.canaries import (
    PROVERS_TO_TRY,
    READY_CANARIES,
    REFERENCE_OF_SYSTEM,
    ProverToTry,
    ReadyCanary,
)
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS

LOOK_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Submit(Protocol):
    """How a task comes about; admission does it."""

    def __call__(
        self, client: Address, request: ProofRequest, *, excluded: Mapping[str, int] | None = None
    ) -> Awaitable[TaskId]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySettings:
    """How many canaries, and for whom."""

    per_hour: int = 0
    for_new_provers: bool = False
    reference_price: int = 1_000
    silent_ms: int  #: how long a lease lives without a heartbeat

    @property
    def are_wanted(self) -> bool:
        return bool(self.per_hour or self.for_new_provers)


class Canaries:
    """Sends them until cancelled."""

    def __init__(self, database: Database, submit: Submit, settings: CanarySettings, clock: Clock) -> None:
        self._database = database
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
        async with self._database.connection() as connection:
            canaries = await connection.fetch(READY_CANARIES)
            if not canaries:
                return
            provers = await connection.fetch(
                PROVERS_TO_TRY, gateway_silent_ms=GATEWAY_SILENT_MS, silent_ms=self._settings.silent_ms
            )
        candidates = [_candidate(prover) for prover in provers if not prover.paused]
        if not candidates:
            return
        now_ms = self._clock.now_ms()
        if self._settings.for_new_provers:
            for canary in canaries:
                for target in rules.newcomers(candidates, proof_system=canary.proof_system):
                    await self._send(canary, target, candidates, key=rules.newcomer_key(target, now_ms=now_ms))
        if self._settings.per_hour and self._is_due(now_ms):
            canary = canaries[_draw() % len(canaries)]
            target_or_none = rules.choose(candidates, proof_system=canary.proof_system, draw=_draw())
            if target_or_none is not None:
                key = rules.occasion_key(self._due[0], interval=rules.interval_ms(self._settings.per_hour))
                await self._send(canary, target_or_none, candidates, key=key)

    def _is_due(self, now_ms: int) -> bool:
        interval = rules.interval_ms(self._settings.per_hour)
        occasion = now_ms // interval
        if self._due[0] != occasion:
            self._due = (occasion, rules.due_ms(occasion, interval=interval, draw=_draw()))
        return now_ms >= self._due[1]

    async def _send(self, canary: ReadyCanary, target: Candidate, candidates: list[Candidate], *, key: str) -> None:
        if key in self._done:
            return
        if len(self._done) > 10_000:
            self._done.clear()
        async with self._database.connection() as connection:
            reference = await connection.value(REFERENCE_OF_SYSTEM, proof_system=canary.proof_system)
        request = ProofRequest(
            program_digest=canary.program_digest,
            inputs=tuple(canary.inputs),
            inputs_digest=canary.inputs_digest,
            limit_price=rules.limit_price(reference or self._settings.reference_price),
            budget=0,
            deadline_ms=self._clock.now_ms() + rules.LIFE_MS,
            idempotency_key=key,
        )
        try:
            task_id = await self._submit(NETWORK_CLIENT, request, excluded=rules.excluded_but(target, candidates))
        except IdempotencyConflict:
            self._done.add(key)  # another gateway was first
        except ProofgridError as error:
            # The treasury is empty, or everything is full: no canary now, work for clients goes on.
            log.warning("canary_not_sent", prover_id=target.prover_id, code=error.code, reason=error.detail)
        else:
            self._done.add(key)
            log.info("canary_sent", task_id=str(task_id), prover_id=target.prover_id)


def _candidate(prover: ProverToTry) -> Candidate:
    return Candidate(prover_id=prover.prover_id, proof_systems=frozenset(prover.asks), jobs_proven=prover.jobs_proven)


def _draw() -> int:
    return int.from_bytes(fresh_bytes(8), "big")
