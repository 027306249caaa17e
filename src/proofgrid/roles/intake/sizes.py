"""What proof systems say of the sizes of their jobs, what is made of it, and what verified jobs took, for anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.clock import Clock
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.jobs.sizes import (
    AS_SAID,
    Correction,
    Corrections,
    Measured,
    MeasuredScopes,
    ProvenJob,
    SizePolicy,
    in_force,
    measure,
)
from proofgrid.store.database import Database
from proofgrid.store.sizes import SIZES_IN_FORCE, corrections_by_kind, proven_lately

KEPT_SECONDS = 60.0  #: what was measured is told for so long: it is thousands of rows, and anybody may ask
SIZES_MAX = 1_000

_Kinds = Mapping[tuple[str, str], MeasuredScopes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large jobs of a scope are; shares are thousandths of what their proof system says."""

    proof_system: str
    engine: str
    scope: str
    correction: Correction  #: that new jobs get, of this scope or a larger one
    measured: Measured | None  #: of late


class Sizes:
    """Any gateway tells them."""

    def __init__(self, database: Database, policy: SizePolicy, clock: Clock) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._turn = asyncio.Lock()
        self._measured: _Kinds = {}
        self._measured_at: float | None = None

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def list_all(self) -> list[Size]:
        """Return all scopes that have a correction or were measured, at most SIZES_MAX."""
        async with self._turn:
            measured = await self._measured_lately()
        async with self._database.connection() as connection:
            kinds = corrections_by_kind(await connection.fetch(SIZES_IN_FORCE))
        found = [
            size
            for kind in sorted({*kinds, *measured})
            for size in _sizes(kind, kinds.get(kind, {}), measured.get(kind, {}))
        ]
        return found[:SIZES_MAX]

    async def _measured_lately(self) -> _Kinds:
        now = self._clock.running_seconds()
        if self._measured_at is None or now >= self._measured_at + KEPT_SECONDS:
            async with self._database.connection() as connection:
                jobs = [row.job for row in await proven_lately(connection)]
            self._measured = await asyncio.to_thread(self._measure, jobs)
            self._measured_at = now
        return self._measured

    def _measure(self, jobs: Sequence[ProvenJob]) -> _Kinds:
        return measure(jobs, self._policy)


def _sizes(kind: tuple[str, str], corrections: Corrections, measured: MeasuredScopes) -> list[Size]:
    return [
        Size(
            proof_system=kind[0],
            engine=kind[1],
            scope=scope,
            correction=in_force(measured[scope].scopes, corrections)
            if scope in measured
            else corrections.get(scope, AS_SAID),
            measured=measured.get(scope),
        )
        for scope in sorted({*corrections, *measured})
    ]
