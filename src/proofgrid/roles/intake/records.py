"""The market's public record: rounds for anybody with an access role, openings for the orders' owners."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.distant import in_turn_of
from proofgrid.primitives.errors import InvalidField, UnknownRound
from proofgrid.primitives.pages import BEYOND_MS, Page, page_of, read_cursor
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys, Voice
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.market.blinding import order_id, order_nonce
from proofgrid.rules.market.record_file import RecordHeader, header_line, round_line, trailer_line
from proofgrid.store.database import Database
from proofgrid.store.record import (
    GET_ROUND,
    LIST_ROUNDS,
    OWNER_OF_ORDER,
    PUBLIC_ROUNDS,
    ROUNDS_OF_EXPORT,
    RoundView,
)

ROUNDS_PER_READ = 50
WHAT_CHARS_MAX = 256
NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Which of a round's orders is the caller's."""

    nonce: bytes
    order_id: str


class Records:
    """Rounds as they were signed by the network's key."""

    def __init__(self, database: Database, keys: NetworkKeys) -> None:
        self._database = database
        self._keys = keys

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def list_rounds(self, caller: Caller, *, lane: str, limit: int, cursor: str = "") -> Page[RoundView]:
        """Return the newest rounds of a lane, or of all; without the transcripts that the caller may not read."""
        before_ms, number, before_lane = read_cursor(cursor, "rounds", (BEYOND_MS, 0, ""))
        async with self._database.connection() as connection:
            rounds = await connection.fetch(
                LIST_ROUNDS,
                lane=lane,
                before_ms=before_ms,
                before_number=number,
                before_lane=before_lane,
                limit=list_limit(limit) + 1,
            )
        # Rounds from before their orders were blinded name people: those are for administrators.
        shown = [one if one.is_blinded or caller.is_admin else replace(one, transcript="") for one in rounds]
        return page_of(shown, limit=list_limit(limit), of="rounds", place=lambda one: (one.at_ms, one.number, one.lane))

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def export(self, lane: str, *, first: int, last: int, since_ms: int) -> AsyncIterator[tuple[bytes, int]]:
        """Yield the lines of a record file (docs/transcripts.md); with its first one how many rounds it has, else 0.

        `last` 0 means until now. Raises InvalidField, or UnknownRound when the lane has no such rounds.
        """
        # One voice for the whole file: a rotation meanwhile changes neither its list nor who ends it.
        voice = self._keys.voice(Purpose.ROUNDS)
        header = await self._header(lane, first, last or NUMBER_MAX, since_ms, voice)
        yield header_line(header), header.rounds
        number, last_hash = header.first, ""
        while number <= header.last:
            async with self._database.connection() as connection:
                rounds = await connection.fetch(
                    PUBLIC_ROUNDS, lane=lane, first=number, last=header.last, limit=ROUNDS_PER_READ
                )
            for one in rounds:  # one by one: a transcript may have a megabyte
                yield round_line(one.transcript, one.signature), 0
            if not rounds:
                break  # an older gateway left a gap: the check says so
            number, last_hash = rounds[-1].number + 1, rounds[-1].transcript_hash
        ending = partial(trailer_line, header, Digest(last_hash), voice)
        yield await in_turn_of(voice.signer, ending), 0

    async def _header(self, lane: str, first: int, last: int, since_ms: int, voice: Voice) -> RecordHeader:
        if not 0 <= first <= last <= NUMBER_MAX:
            raise InvalidField("the first round is not after the last one", field="first")
        async with self._database.connection() as connection:
            found = await connection.value(ROUNDS_OF_EXPORT, lane=lane, first=first, last=last, since_ms=since_ms)
        if found.first is None or found.last is None:
            raise UnknownRound(f"lane {lane!r} has no such rounds", field="lane", hint="proofgrid rounds lists lanes")
        return RecordHeader(
            network=voice.network,
            lane=lane,
            first=found.first,
            last=found.last,
            rounds=found.rounds,
            keys=voice.keys,
        )

    @needs(*ANYBODY, scopes=(Scope.TASKS_READ,))
    async def open_order(self, caller: Caller, lane: str, number: int, what: str) -> Opening:
        """Return what shows which order of a round is that of the caller's task or prover, `what` being its name.

        Raises InvalidField, or UnknownRound when no order of the caller's is in this round.
        """
        if not 1 <= len(what) <= WHAT_CHARS_MAX or number > NUMBER_MAX:
            raise InvalidField("a task's id, or operator/prover", field="what")
        async with self._database.connection() as connection:
            found = await connection.first(GET_ROUND, lane=lane, number=number)
            owner = await connection.first(OWNER_OF_ORDER, task_id=_task_id(what), prover_id=what)
        # Who does not own it does not learn whether it was there.
        if found is None or found.secret is None or not (caller.is_admin or owner == caller.address):
            raise UnknownRound("no order of yours is in this round", field="what")
        nonce = order_nonce(found.secret, what)
        order = order_id(what, nonce)
        if f'"{order}"' not in found.transcript:
            raise UnknownRound("no order of yours is in this round", field="what")
        return Opening(nonce=nonce, order_id=order)


def _task_id(what: str) -> UUID | None:
    try:
        return UUID(what)
    except ValueError:
        return None
