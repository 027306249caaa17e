"""What a gateway feels of its own surroundings: its database, its store, its disk, its clock, its certificate.

    every second: a probe of each --so many times in a row--> it sheds or stops leading at once, and opens the incident

A question that the database has not answered yet stays out: the next look goes on waiting for it, and asks no other.
Each gateway acts upon what it feels itself, also where the database is too slow to write anything down. The incident is
noted again while it lasts, and is over when nobody has noted it for a while.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from cryptography import x509

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import GatewayId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop
from proofgrid.rules.incidents.signals import (
    CERTIFICATE_LEFT_MS,
    CLOCK_SKEW_MS,
    DISK_FREE_BYTES,
    STORE_SLOW_SECONDS,
    InARow,
    Signal,
    SlowTogether,
)
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.incidents import open_incidents
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.signals import OTHER_GATEWAYS
from proofgrid.store.transactions import Transaction
from proofgrid.store.weather import PASSING_TROUBLE

LOOK_SECONDS = 1.0
DOUBT_SECONDS = 0.1  #: to the next look, after a slow answer
STORE_EVERY = 3  #: looks, while the store answers
GIVE_UP_SECONDS = 10.0
PROBE = b"proofgrid: does the store keep this?"
#: Of a file that is written to see whether the disk takes it: quotas and limits are not in what is free.
ROOM_BYTES = 4 << 20
ROOM_FILE = "room-probe"

log = structlog.get_logger(__name__)

Probe = Callable[[], Awaitable[Signal | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the database said to a question of nothing."""

    took_seconds: float  #: with the wait for a connection
    skew_ms: int | None = None  #: how far this gateway's clock is ahead of the database's; None: there was no answer
    unsure_ms: int = 0  #: what asking took
    others: int | None = None  #: other gateways that lead


class Feeling:
    """Needs its `run` in a TaskGroup. `certificate`: of the gateway's port; None: it has none."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        clock: Clock,
        *,
        gateway_id: GatewayId,
        data_dir: Path,
        certificate: Path | None,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._clock = clock
        self._gateway_id = gateway_id
        self._data_dir = data_dir
        self._certificate = certificate
        self._looks = 0
        self._is_alone = True
        self._rows = {
            "store_slow": InARow(times=2),
            "disk_full": InARow(times=1),
            "certificate_ends": InARow(times=1),
            "clock_skew": InARow(times=3),
        }
        self._database_slow = SlowTogether()
        self._question: asyncio.Future[_Answer] | None = None  #: that is out
        self._asked = 0.0  #: when it was

    @property
    def sheds(self) -> str:
        """Why nothing new is let in; empty: it is."""
        if self._database_slow.is_on:
            return "database_slow"
        return next((one for one in ("disk_full", "store_slow") if self._rows[one].is_on), "")

    @property
    def may_lead(self) -> bool:
        """Is the clock right, or does nobody else lead?"""
        return self._is_alone or not self._rows["clock_skew"].is_on

    async def run(self) -> None:
        """Feel until cancelled."""
        try:
            await Loop("feeling", self.step, retry_seconds=LOOK_SECONDS).run()
        finally:
            if self._question is not None:
                self._question.cancel()

    async def step(self) -> float:
        """Look once; return how long to wait for the next look, in seconds."""
        await self.look()
        return DOUBT_SECONDS if self._database_slow.is_doubted or self._question else LOOK_SECONDS

    async def look(self) -> None:
        """Probe everything once, and say what is wrong."""
        found: list[Signal] = []
        await self._ask_database(found)
        await self._note(found, "disk_full", self._disk)
        if self._looks % STORE_EVERY == 0 or self._rows["store_slow"].seen:
            await self._note(found, "store_slow", self._store)
            await self._note(found, "certificate_ends", self._certificate_left)
        self._looks += 1
        if found:
            with suppress(*PASSING_TROUBLE):
                async with self._database.transaction(Transaction.OPEN_INCIDENT) as connection:
                    await open_incidents(connection, found)

    async def _note(self, found: list[Signal], kind: str, probe: Probe) -> None:
        signal = await probe()
        before = self._rows[kind].is_on
        is_on = self._rows[kind].note(signal is not None)
        if is_on is not before:
            log.warning("felt" if is_on else "felt_no_more", kind=kind)
        if signal is not None and is_on:
            found.append(signal)

    async def _ask_database(self, found: list[Signal]) -> None:
        if self._question is None:
            self._asked = self._clock.running_seconds()
            self._question = asyncio.ensure_future(self._answer())
        question, waited = self._question, self._clock.running_seconds() - self._asked
        enough = max(DOUBT_SECONDS, self._database_slow.decides_after_seconds - waited)
        done, _ = await asyncio.wait({question}, timeout=enough)
        answer = question.result() if done else _Answer(took_seconds=self._clock.running_seconds() - self._asked)
        if done:
            self._question = None
        before = self._database_slow.is_on
        is_on = self._database_slow.note(answer.took_seconds, is_answered=bool(done))
        if is_on is not before:
            log.warning("felt" if is_on else "felt_no_more", kind="database_slow")
        if is_on and answer.took_seconds > self._database_slow.slow_seconds:
            found.append(_slow(answer))
        if answer.skew_ms is not None and answer.others is not None:
            self._is_alone = not answer.others
            await self._note(found, "clock_skew", partial(self._clock_error, answer.skew_ms, answer.unsure_ms))

    async def _answer(self) -> _Answer:
        try:
            async with self._database.connection(Urgency.MONEY) as connection:
                asked, asked_ms = self._clock.running_seconds(), self._clock.now_ms()
                theirs_ms = await connection.value(DATABASE_TIME)
                took = self._clock.running_seconds() - asked
                others = await connection.value(
                    OTHER_GATEWAYS, gateway_id=self._gateway_id, gateway_silent_ms=GATEWAY_SILENT_MS
                )
        except PASSING_TROUBLE:
            return _Answer(
                took_seconds=self._clock.running_seconds() - self._asked
            )  # away is not slow: everybody waits
        return _Answer(
            took_seconds=took,
            skew_ms=asked_ms + int(500 * took) - theirs_ms,
            unsure_ms=int(1_000 * took),
            others=others,
        )

    async def _clock_error(self, skew_ms: int, unsure_ms: int) -> Signal | None:
        if abs(skew_ms) <= CLOCK_SKEW_MS + unsure_ms:
            return None
        detail = f"the clock of gateway {self._gateway_id} is {skew_ms} ms off the database's"
        return Signal(kind="clock_skew", subject=str(self._gateway_id), detail=detail)

    async def _store(self) -> Signal | None:
        began = self._clock.running_seconds()
        why = ""
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                digest = await self._artifacts.put_bytes(PROBE)
                await self._artifacts.read_bytes(digest, limit_bytes=len(PROBE))
        except (TimeoutError, OSError, ProofgridError) as error:
            why = str(error) or "no answer"
        took = self._clock.running_seconds() - began
        if not why and took <= STORE_SLOW_SECONDS:
            return None
        return Signal(kind="store_slow", subject="artifacts", detail=why or f"it took {took:.1f} s to keep a few bytes")

    async def _disk(self) -> Signal | None:
        free = shutil.disk_usage(self._data_dir).free
        refused = ""
        if self._looks % STORE_EVERY == 0 or self._rows["disk_full"].seen:
            refused = await asyncio.to_thread(_refused_room, self._data_dir)
        if free >= DISK_FREE_BYTES and not refused:
            return None
        detail = f"{free >> 20} MiB are free" + (
            f", and a file of {ROOM_BYTES >> 20} MiB: {refused}" if refused else ""
        )
        return Signal(kind="disk_full", subject=f"gateway {self._gateway_id}", detail=detail)

    async def _certificate_left(self) -> Signal | None:
        if self._certificate is None:
            return None
        try:
            first = x509.load_pem_x509_certificates(self._certificate.read_bytes())[0]
        except (OSError, ValueError, IndexError):
            return None  # an alert says that it has no age
        left_ms = int(first.not_valid_after_utc.timestamp() * 1_000) - self._clock.now_ms()
        if left_ms > CERTIFICATE_LEFT_MS:
            return None
        detail = f"the certificate ends in {max(0, left_ms) // 3_600_000} hours"
        return Signal(kind="certificate_ends", subject=first.subject.rfc4514_string() or "gateway", detail=detail)


def _slow(answer: _Answer) -> Signal:
    detail = f"a question of nothing took {answer.took_seconds:.1f} s"
    return Signal(kind="database_slow", subject="database", detail=detail)


def _refused_room(folder: Path) -> str:
    """Return why a folder takes no file of `ROOM_BYTES`; empty: it does. Nothing of it is left."""
    path = folder / ROOM_FILE
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        return error.strerror or "refused"
    finally:
        path.unlink(missing_ok=True)
    return ""
