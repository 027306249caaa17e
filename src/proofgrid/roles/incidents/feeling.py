"""What a gateway feels of its own surroundings: its database, its store, its disk, its clock, its certificate.

    every second: a probe of each --so many times in a row--> it sheds or stops leading at once, and opens the incident

Each gateway acts upon what it feels itself, also where the database is too slow to write anything down. The incident is
noted again while it lasts, and is over when nobody has noted it for a while.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import structlog
from cryptography import x509

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import GatewayId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.incidents.signals import (
    CERTIFICATE_LEFT_MS,
    CLOCK_SKEW_MS,
    DATABASE_SLOW_SECONDS,
    DISK_FREE_BYTES,
    STORE_SLOW_SECONDS,
    InARow,
    Signal,
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
STORE_EVERY = 3  #: looks, while the store answers
GIVE_UP_SECONDS = 10.0
PROBE = b"proofgrid: does the store keep this?"

log = structlog.get_logger(__name__)

Probe = Callable[[], Awaitable[Signal | None]]


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
            "database_slow": InARow(times=3),
            "store_slow": InARow(times=2),
            "disk_full": InARow(times=1),
            "certificate_ends": InARow(times=1),
            "clock_skew": InARow(times=3),
        }

    @property
    def sheds(self) -> str:
        """Why nothing new is let in; empty: it is."""
        return next((one for one in ("disk_full", "database_slow", "store_slow") if self._rows[one].is_on), "")

    @property
    def may_lead(self) -> bool:
        """Is the clock right, or does nobody else lead?"""
        return self._is_alone or not self._rows["clock_skew"].is_on

    async def run(self) -> None:
        """Feel until cancelled."""
        await Loop("feeling", every(LOOK_SECONDS, self.look), retry_seconds=LOOK_SECONDS).run()

    async def look(self) -> None:
        """Probe everything once, and say what is wrong."""
        found: list[Signal] = []
        await self._note(found, "disk_full", self._disk)
        await self._note(found, "database_slow", self._database_and_clock(found))
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

    def _database_and_clock(self, found: list[Signal]) -> Probe:
        async def probe() -> Signal | None:
            began = self._clock.running_seconds()
            try:
                async with asyncio.timeout(GIVE_UP_SECONDS), self._database.connection(Urgency.MONEY) as connection:
                    asked = self._clock.running_seconds()
                    asked_ms = self._clock.now_ms()
                    theirs_ms = await connection.value(DATABASE_TIME)
                    took = self._clock.running_seconds() - asked
                    others = await connection.value(
                        OTHER_GATEWAYS, gateway_id=self._gateway_id, gateway_silent_ms=GATEWAY_SILENT_MS
                    )
            except (TimeoutError, *PASSING_TROUBLE):
                took = self._clock.running_seconds() - began
                return _slow(took) if took > DATABASE_SLOW_SECONDS else None  # away is not slow: everybody waits then
            self._is_alone = not others
            skew_ms = asked_ms + int(500 * took) - theirs_ms
            signal = None
            if abs(skew_ms) > CLOCK_SKEW_MS + int(1_000 * took):
                detail = f"the clock of gateway {self._gateway_id} is {skew_ms} ms off the database's"
                signal = Signal(kind="clock_skew", subject=str(self._gateway_id), detail=detail)
            row = self._rows["clock_skew"]
            if row.note(signal is not None) and signal is not None:
                found.append(signal)
            return _slow(took) if took > DATABASE_SLOW_SECONDS else None

        return probe

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
        if free >= DISK_FREE_BYTES:
            return None
        return Signal(kind="disk_full", subject=f"gateway {self._gateway_id}", detail=f"{free >> 20} MiB are free")

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


def _slow(took_seconds: float) -> Signal:
    return Signal(kind="database_slow", subject="database", detail=f"a question of nothing took {took_seconds:.1f} s")
