"""What does a round with 1,000 live orders cost: its rules, part by part, and the whole of it on a real PostgreSQL?

Rules: hiding names, making ranked orders, clearing, writing the record, and the rest (placing jobs, opening names,
hash and signature), against `dara.clear`, the clearing that reads like the specification, of the same orders.
Rounds: `Market.hold_rounds`, one transaction with everything in it, on an embedded PostgreSQL: with a book that trades,
and with ones of 1,000 and 10,000 orders in which most tasks wait for lower asks while a few are sold; against the same
with ten orders.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from benchmarks.measuring import Ratio, Result, Target, busy_percent, say, temporary_folder
from proofgrid.primitives.digests import digest_of
from proofgrid.roles.market.rounds import Market
from proofgrid.rules.market.blinding import SECRET_BYTES, Blinding
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.round_orders import RoundInputs, orders_of
from proofgrid.rules.market.rounds import run_round
from proofgrid.rules.market.stack import LaneDemands, Supplies, run_stack
from proofgrid.rules.market.transcript import write_transcript
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.store.database import Database
from proofgrid.store.embedded import start_embedded
from proofgrid.store.migrations import migrate
from tests.makers import a_key
from tests.roles.lanes import STACK, LaneUnderTest

NAME = "rounds"
LANES = tuple(f"default/toy/{name}" for name in ("large", "medium", "small"))
SHAPES = ((900, 100, 1), (500, 500, 1), (900, 100, 3), (500, 500, 3))  #: tasks, provers, lanes
RULES_MS_MAX = 10.0
ROUND_OF_1_000_MAX = 4.0  #: times that of ten orders
ROUND_OF_10_000_MAX = 40.0
REFERENCE = 1_000
BEACON = bytes(range(32))
RUNS_PER_REPETITION = 5
ROUNDS_PER_REPETITION = 4
KEY = a_key()
T = TypeVar("T")


def run(*, repetitions: int) -> Result:
    """Measure the rules of a round, and rounds on a database."""
    busy = busy_percent()
    rules = [rules_row(*shape, runs=repetitions * RUNS_PER_REPETITION) for shape in SHAPES]
    with temporary_folder() as folder:
        rounds = asyncio.run(_rounds(folder, repetitions * ROUNDS_PER_REPETITION))
    first = rules[0]
    ten, thousand, most = (row["round_ms"] for row in rounds[1:])
    return Result(
        name=NAME,
        measured="the rules of one round of 900 tasks and 100 provers in one lane",
        against="dara.clear of the same orders",
        ratio=first["ratio"],
        targets=(
            Target(
                text=f"the rules of a round with 1,000 live orders take at most {RULES_MS_MAX:.0f} ms of one core; "
                f"they take {first['rules_ms']:.1f} ms",
                met=first["rules_ms"] <= RULES_MS_MAX,
            ),
            *(
                Target(
                    text=f"a whole round with {orders} live orders, most of which wait, takes at most {times_max:.0f} "
                    f"times as long as one with ten, {ten} ms; it takes {round_ms / ten:.1f} times",
                    met=round_ms <= times_max * ten,
                )
                for orders, round_ms, times_max in (
                    ("1,000", thousand, ROUND_OF_1_000_MAX),
                    ("10,000", most, ROUND_OF_10_000_MAX),
                )
            ),
        ),
        table=(*rules, *rounds),
        busy_before_percent=busy,
        ratios={
            "a round of 1,000 orders to one of ten": Ratio(thousand / ten, better="less"),
            "a round of 10,000 orders to one of ten": Ratio(most / ten, better="less"),
        },
    )


# --- rules -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits in a stack and who is free, with their names."""

    demands: dict[str, list[TaskDemand]]  #: lane -> its tasks
    supplies: Sequence[Supplies]
    programs: frozenset[str]


def rules_row(tasks: int, provers: int, lanes: int, *, runs: int) -> dict[str, Any]:
    """Return what the rules of one round take, part by part; of several lanes together."""
    waiting = a_stack(tasks, provers, LANES[-lanes:])
    names_ms, (demands, supplies) = _least_ms(lambda: _blinded(waiting, Blinding(bytes(SECRET_BYTES))), runs)
    rules_ms, _ = _least_ms(lambda: hold(waiting), runs)
    row: dict[str, Any] = {"tasks": tasks, "provers": provers, "lanes": lanes, "rules_ms": rules_ms}
    row |= {"names_ms": names_ms}
    if lanes > 1:  # what comes down from above is known only when the lane above is cleared
        return row
    [lane] = demands
    inputs = RoundInputs(
        lane=lane.lane,
        number=lane.number,
        previous=lane.previous,
        beacon=BEACON,
        reference=lane.reference,
        demands=lane.demands,
        supplies=[supply[lane.lane] for supply in supplies],
    )
    one = run_round(inputs)
    row["orders_ms"], orders = _least_ms(lambda: orders_of(inputs), runs)
    row["clearing_ms"], clearing = _least_ms(lambda: clear(orders.bids, orders.asks, orders.rules), runs)
    row["record_ms"], text = _least_ms(
        lambda: write_transcript(inputs, orders, clearing, one.placements, one.unsold, one.next_reference), runs
    )
    assert text == one.transcript_text
    parts = sum(row[part] for part in ("names_ms", "orders_ms", "clearing_ms", "record_ms"))
    row |= {"rest_ms": round(rules_ms - parts, 2), "record_bytes": len(text)}
    row |= {"ratio": round(rules_ms / row["clearing_ms"], 2)}
    say(f"{tasks} tasks, {provers} provers: rules {rules_ms} ms, of which clearing {row['clearing_ms']} ms")
    return row


def hold(waiting: Waiting) -> list[str]:
    """Do what the market does between reading a book and writing its round; return the signatures."""
    blinding = Blinding(bytes(SECRET_BYTES))
    demands, supplies = _blinded(waiting, blinding)
    outcomes = [blinding.opened(one) for one in run_stack(demands, supplies, beacon=BEACON)]
    return [KEY.sign(bytes.fromhex(digest_of(one.transcript_text.encode()))) for one in outcomes]


def _blinded(waiting: Waiting, blinding: Blinding) -> tuple[list[LaneDemands], list[Supplies]]:
    demands = [
        LaneDemands(lane=lane, number=1, previous=None, reference=REFERENCE, demands=blinding.demands(of_lane))
        for lane, of_lane in waiting.demands.items()
    ]
    return demands, [blinding.supplies(one, demanded=waiting.programs) for one in waiting.supplies]


def a_stack(tasks: int, provers: int, lanes: Sequence[str]) -> Waiting:
    """Return single-job tasks, spread over the lanes, and provers that serve theirs and all below; always the same."""
    random = Random(tasks)
    programs = [hashlib.sha256(bytes([number])).hexdigest() for number in range(5)]
    demands: dict[str, list[TaskDemand]] = {lane: [] for lane in lanes}
    for number in range(tasks):
        demands[lanes[number % len(lanes)]].append(
            TaskDemand(
                task_id=_uuid(random),
                jobs=(JobDemand(job_id=_uuid(random), units=random.randint(50, 100)),),
                limit_price=random.randint(500, 1_500),
                program_digest=random.choice(programs),
            )
        )
    supplies = []
    for number in range(provers):
        operator = f"0x{random.randbytes(20).hex()}"
        supply = ProverSupply(
            prover_id=f"{operator}/gpu-{number}",
            operator=operator,
            ask_price=random.randint(500, 1_500),
            free_slots=random.randint(1, 8),
            reputation_bucket=random.randint(0, 3),
            cached_programs=frozenset(random.sample(programs, random.randint(0, 5))),
        )
        supplies.append(dict.fromkeys(lanes[random.randrange(len(lanes)) :], supply))
    return Waiting(demands=demands, supplies=supplies, programs=frozenset(programs))


def _uuid(random: Random) -> str:
    return str(UUID(bytes=random.randbytes(16), version=4))


def _least_ms(work: Callable[[], T], runs: int) -> tuple[float, T]:
    # Parts of milliseconds: whatever disturbs them adds, so the least is the work's own.
    least = float("inf")
    for _ in range(runs):
        gc.collect()
        gc.disable()
        started_at = time.process_time()
        result = work()
        least = min(least, time.process_time() - started_at)
        gc.enable()
    return round(least * 1_000, 2), result


# --- rounds on a database ----------------------------------------------------------------------------

#: tasks, provers; do most tasks wait?
BOOKS = ((900, 100, False), (9, 1, True), (900, 100, True), (9_000, 1_000, True))
TASKS_TO_ONE_THAT_TRADES = 90


@dataclass(slots=True, kw_only=True)
class _Measured:
    """A lane with its book, and what its rounds took."""

    tasks: int
    provers: int
    lane: LaneUnderTest
    market: Market
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)  #: of this process, which is the gateway's part
    sold: int = 0

    async def hold(self) -> None:
        """Hold a round; the same jobs are sold every time."""
        processor_at, started_at = time.process_time(), time.perf_counter()
        held = await self.market.hold_rounds(STACK)
        self.seconds.append(time.perf_counter() - started_at)
        self.processor_seconds.append(time.process_time() - processor_at)
        assert held is not None
        self.sold = held.sold
        await self.lane.fetch("UPDATE leases SET state = 'expired' WHERE state = 'granted'")
        await self.lane.fetch("UPDATE jobs SET state = 'ready', lease_id = NULL WHERE lease_id IS NOT NULL")

    async def row(self) -> dict[str, Any]:
        [record] = await self.lane.fetch(
            "SELECT octet_length(transcript) AS bytes FROM rounds ORDER BY number DESC LIMIT 1"
        )
        # The first round prepares its statements; a gateway does that once.
        return {
            "tasks": self.tasks,
            "provers": self.provers,
            "lanes": 1,
            "round_ms": round(statistics.median(self.seconds[1:]) * 1_000, 1),
            "processor_ms": round(statistics.median(self.processor_seconds[1:]) * 1_000, 1),
            "jobs_sold": self.sold,
            "record_bytes": record["bytes"],
        }


async def _rounds(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Hold rounds of all books in turns, because machines change their speed."""
    server = await asyncio.to_thread(start_embedded, folder / "db")
    try:
        async with AsyncExitStack() as stack:
            measured = []
            for number, (tasks, provers, waits) in enumerate(BOOKS):
                dsn = await _new_database(server.dsn, server.dsn_of(f"rounds_{number}"), f"rounds_{number}")
                database = await Database.connect(dsn, size=2)
                stack.push_async_callback(database.close)
                measured.append(await a_book(database, tasks, provers, waits=waits))
            for _ in range(1 + rounds):
                for one in measured:
                    await one.hold()
            rows = [await one.row() for one in measured]
    finally:
        await asyncio.to_thread(server.stop)
    for row in rows:
        say(f"{row['tasks']} tasks, {row['provers']} provers, {row['jobs_sold']} jobs sold: {row['round_ms']} ms")
    return rows


async def a_book(database: Database, tasks: int, provers: int, *, waits: bool) -> _Measured:
    """Return a network with so many orders."""
    say(f"a book of {tasks} tasks and {provers} provers")
    random = Random(tasks)
    lane = LaneUnderTest(database)
    await lane.open()
    for number in range(provers):
        ask, slots = random.randint(500, 1_500), random.randint(1, 8)
        await lane.add_prover(f"0x{random.randbytes(20).hex()}", f"gpu-{number}", ask=ask, slots=slots)
    for number in range(tasks):
        limit = random.randint(300, 450) if waits else random.randint(500, 1_500)
        await lane.add_task(limit_price=limit if number % TASKS_TO_ONE_THAT_TRADES else 2_000 - number % 900)
    await lane.fetch("ANALYZE")
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms() + 3600000")  # the book took its time
    return _Measured(tasks=tasks, provers=provers, lane=lane, market=lane.market)


async def _new_database(server: str, dsn: str, name: str) -> str:
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    connection = await asyncpg.connect(dsn)
    await migrate(connection)
    await connection.close()
    return dsn
