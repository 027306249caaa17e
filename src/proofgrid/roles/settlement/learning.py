"""Learns sizes: now and then, what verified jobs needed corrects what their proof systems say of jobs to come.

    proofs of the last hour, else day, else week -> rules.jobs.sizes -> corrections, each a row with a number

One transaction reads and writes. What was admitted keeps its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from proofgrid.roles.loop import Loop, every
from proofgrid.rules.jobs.sizes import Correction, Measured, SizePolicy, measure, next_corrections
from proofgrid.store.database import Database
from proofgrid.store.sizes import (
    BEGIN_SIZES,
    INSERT_SIZES,
    LOCK_SIZES,
    SIZES_IN_FORCE,
    ProvenRow,
    SizeInForce,
    corrections_by_kind,
    proven_lately,
)
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 600.0

log = structlog.get_logger(__name__)

_Follows = tuple[tuple[str, str], Correction, Measured]


class Learning:
    """Any number of gateways may run one; at any time one of them looks.

    `engines`: the engine of each proof system here, by its name, with its version; others' proofs are learned of too.
    """

    def __init__(
        self,
        database: Database,
        engines: Mapping[str, str],
        policy: SizePolicy,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._database = database
        self._engines = engines
        self._policy = policy
        self._look_seconds = look_seconds

    async def run(self) -> None:
        """Look until cancelled."""
        await Loop("learning", every(self._look_seconds, self.look)).run()

    async def look(self) -> int:
        """Look once; return how many corrections were made."""
        async with self._database.transaction(Transaction.LEARN_SIZES) as connection:
            if not await connection.value(LOCK_SIZES):
                return 0
            await connection.run(BEGIN_SIZES, systems=list(self._engines), engines=list(self._engines.values()))
            in_force = await connection.fetch(SIZES_IN_FORCE)
            follow = self._follow(in_force, await proven_lately(connection))
            if follow:
                await connection.run(INSERT_SIZES, **_columns(follow))
        for kind, correction, measured in follow:
            log.info(
                "size_corrected",
                proof_system=kind[0],
                engine=kind[1],
                scope=correction.scope,
                units_permille=correction.units_permille,
                memory_permille=correction.memory_permille,
                operators=measured.operators,
                proofs=measured.proofs,
            )
        return len(follow)

    def _follow(self, in_force: Sequence[SizeInForce], proven: Sequence[ProvenRow]) -> list[_Follows]:
        policy = self._policy
        corrections = corrections_by_kind(in_force)
        now_ms = max((row.now_ms for row in in_force), default=0)
        return [
            (kind, correction, one)
            for kind, measured in measure((row.job for row in proven), policy).items()
            for correction, one in next_corrections(corrections[kind], measured, policy, now_ms=now_ms)
        ]


def _columns(follow: Sequence[_Follows]) -> dict[str, list[object]]:
    return {
        "systems": [system for (system, _), _, _ in follow],
        "engines": [engine for (_, engine), _, _ in follow],
        "scopes": [correction.scope for _, correction, _ in follow],
        "units_permille": [correction.units_permille for _, correction, _ in follow],
        "memory_permille": [correction.memory_permille for _, correction, _ in follow],
        "operators": [measured.operators for _, _, measured in follow],
        "proofs": [measured.proofs for _, _, measured in follow],
        "measured_permille": [measured.units_permille for _, _, measured in follow],
        "measured_memory_permille": [measured.memory_permille for _, _, measured in follow],
    }
