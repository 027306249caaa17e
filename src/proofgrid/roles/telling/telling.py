"""Tells of incidents: each change of each once by every way, again while it is not taken, so many an hour at most.

Any number of gateways share the work. Who dies between saying and writing down loses its claim after LEASE_MS, and it
is said again under the same name: at least once, an incident's changes in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from proofgrid.primitives.ids import Address
from proofgrid.roles.loop import Loop
from proofgrid.roles.telling.channels import Way
from proofgrid.rules.incidents.telling import PER_HOUR, YOUNG_MS, Channel, Message, TellingState, state_after
from proofgrid.store.database import Database
from proofgrid.store.incident_messages import message_of
from proofgrid.store.incidents import GET_INCIDENT
from proofgrid.store.tellings import CLAIM_TELLINGS, MAKE_TELLINGS, NOTE_TELLING, ClaimedTelling
from proofgrid.store.transactions import Transaction

AT_ONCE = 8
LEASE_MS = 60_000
LOOK_SECONDS = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    claimed: ClaimedTelling
    message: Message


class Telling:
    """Needs its `run` in a TaskGroup. Without ways it does nothing."""

    def __init__(self, database: Database, *, network: Address, ways: Sequence[Way]) -> None:
        self._database = database
        self._network = network
        self._ways = ways
        self._loop = Loop("telling", self._work, retry_seconds=LOOK_SECONDS)

    def wake(self, _told: str = "") -> None:
        """There may be something to say."""
        self._loop.wake()

    async def run(self) -> None:
        """Tell until cancelled."""
        await self._loop.run()

    async def step(self) -> int:
        """Say what is due, by all ways at once; return how much that was."""
        return sum(await asyncio.gather(*(self._by_way(way) for way in self._ways)))

    async def _work(self) -> float:
        while await self.step():
            pass
        return LOOK_SECONDS

    async def _by_way(self, way: Way) -> int:
        due = await self._claim(way.channel)
        for one in due:  # in their order: who reads of an end has read of the beginning
            await self._tell(way, one)
        return len(due)

    async def _claim(self, channel: Channel) -> list[_Due]:
        async with self._database.transaction(Transaction.TELL_OF_INCIDENTS) as connection:
            await connection.run(MAKE_TELLINGS, channels=[channel.value], young_ms=YOUNG_MS)
            claimed = await connection.fetch(
                CLAIM_TELLINGS, channel=channel.value, limit=AT_ONCE, per_hour=PER_HOUR, lease_ms=LEASE_MS
            )
            found = []
            for one in sorted(claimed, key=lambda each: (each.changed_ms, each.incident_id)):
                incident = await connection.value(GET_INCIDENT, incident_id=one.incident_id)
                message = message_of(
                    incident, network=self._network, change=one.change, changed_ms=one.changed_ms, why=one.why
                )
                found.append(_Due(one, message))
        return found

    async def _tell(self, way: Way, due: _Due) -> None:
        answer, claimed = await way.tell(due.message), due.claimed
        state, backoff_ms = state_after(answer.status, claimed.attempts)
        await self._database.write(
            Transaction.TELL_OF_INCIDENTS,
            NOTE_TELLING,
            incident_id=claimed.incident_id,
            change=claimed.change,
            channel=way.channel.value,
            attempts=claimed.attempts,
            state=state.value,
            backoff_ms=backoff_ms,
            answer=f"{answer.status} {answer.text}".strip(),
        )
        if state is not TellingState.TOLD:
            log.warning(
                "incident_not_told", incident_id=claimed.incident_id, channel=way.channel.value, answer=answer.text
            )
