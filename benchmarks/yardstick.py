"""What this machine can do anyway, measured in the same run: figures mean something elsewhere only as ratios to it.

The best that procrastinate does one by one, a raw queue of rows one by one and by the hundred, the round trip of a
notification, flushes of a file, and a fixed piece of Python on one core.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.queue_peers import PROCRASTINATE_CONCURRENCY, procrastinate_per_second, raw_queue_per_second

NOTIFICATIONS = 1_000
FLUSHES = 200
FLUSHED_BYTES = 8 << 10  #: as much as a page of a write-ahead log
SCORE_ROUNDS = 2_000
RAW_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """Rates are per second; what a core does is SCORE_ROUNDS of `_a_piece_of_work`."""

    procrastinate: float  #: jobs one by one, at the concurrency that suits it best
    raw_one_by_one: float
    raw_batched: float
    notify_p50_ms: float  #: of a notification that comes with a row: the row is durable when it is heard
    notify_p99_ms: float
    bare_notify_p50_ms: float  #: of one that writes nothing
    flushes: float
    core_ms: float  #: of one piece of work

    def rows(self) -> list[dict[str, Any]]:
        """Return the table's rows."""
        return [
            {"what": "procrastinate, one by one", "done_per_second": round(self.procrastinate, 1)},
            {"what": "raw SKIP LOCKED, one by one", "done_per_second": round(self.raw_one_by_one, 1)},
            {"what": f"raw SKIP LOCKED, by the {RAW_BATCH}", "done_per_second": round(self.raw_batched, 1)},
            {"what": "NOTIFY alone, round trip", "p50_ms": round(self.bare_notify_p50_ms, 3)},
            {
                "what": "a row and NOTIFY, round trip",
                "p50_ms": round(self.notify_p50_ms, 3),
                "p99_ms": round(self.notify_p99_ms, 3),
            },
            {"what": f"flushes of {FLUSHED_BYTES} bytes", "done_per_second": round(self.flushes, 1)},
            {"what": "one core, a piece of Python", "p50_ms": round(self.core_ms, 4)},
        ]


async def measure_yardstick(dsn: str, folder: Path) -> Yardstick:
    """Measure on a PostgreSQL and a folder that nobody else uses meanwhile."""
    procrastinate = [await procrastinate_per_second(dsn, concurrency=one) for one in PROCRASTINATE_CONCURRENCY]
    bare_trips = await _notification_trips_ms(dsn, "SELECT pg_notify('yardstick', $1)")
    trips = await _notification_trips_ms(
        dsn,
        "WITH told AS (INSERT INTO yardstick VALUES ($1) RETURNING said) SELECT pg_notify('yardstick', said) FROM told",
    )
    cuts = statistics.quantiles(trips, n=100)
    return Yardstick(
        procrastinate=max(procrastinate),
        raw_one_by_one=await raw_queue_per_second(dsn, batch=1),
        raw_batched=await raw_queue_per_second(dsn, batch=RAW_BATCH),
        notify_p50_ms=cuts[49],
        notify_p99_ms=cuts[98],
        bare_notify_p50_ms=statistics.median(bare_trips),
        flushes=await asyncio.to_thread(_flushes_per_second, folder),
        core_ms=_core_ms(),
    )


async def _notification_trips_ms(dsn: str, tell: str) -> list[float]:
    """From told on one connection to heard on another, one by one; the first hundredth does not count."""
    heard: asyncio.Queue[float] = asyncio.Queue()
    listening, telling = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await listening.add_listener("yardstick", lambda *_: heard.put_nowait(time.perf_counter()))
    await telling.execute("CREATE TABLE IF NOT EXISTS yardstick (said text)")
    trips = []
    for number in range(NOTIFICATIONS):
        sent = time.perf_counter()
        await telling.execute(tell, str(number))
        trips.append((await heard.get() - sent) * 1000)
    await listening.close()
    await telling.close()
    return trips[NOTIFICATIONS // 100 :]


def _flushes_per_second(folder: Path) -> float:
    path = folder / "flushed"
    with path.open("wb", buffering=0) as file:
        started = time.perf_counter()
        for _ in range(FLUSHES):
            file.write(bytes(FLUSHED_BYTES))
            os.fsync(file.fileno())
        seconds = time.perf_counter() - started
    path.unlink()
    return FLUSHES / seconds


def _core_ms() -> float:
    """Processor time, so that others on the machine count little."""
    started = time.process_time()
    for number in range(SCORE_ROUNDS):
        _a_piece_of_work(number)
    return (time.process_time() - started) * 1000 / SCORE_ROUNDS


def _a_piece_of_work(number: int) -> str:
    """What control planes do all day: make a value, spell it, hash it, read it again."""
    spelt = json.dumps({f"key {one}": [number, one, str(number * one)] for one in range(20)}, sort_keys=True)
    return hashlib.sha256(json.dumps(json.loads(spelt)).encode()).hexdigest()
