"""The benchmark of rounds runs, on a book so small that it costs nothing; what it measures is nobody's promise here."""

from __future__ import annotations

from benchmarks import rounds
from proofgrid.store.database import Database


def test_the_rules_of_a_small_round_are_measured_part_by_part() -> None:
    row = rounds.rules_row(12, 5, 1, runs=1)
    assert row["record_bytes"] > 1_000
    assert {"rules_ms", "names_ms", "orders_ms", "clearing_ms", "record_ms", "rest_ms", "ratio"} <= set(row)


def test_of_several_lanes_every_one_is_signed() -> None:
    waiting = rounds.a_stack(12, 5, rounds.LANES)
    assert len(rounds.hold(waiting)) == len(rounds.LANES)
    assert rounds.rules_row(12, 5, 3, runs=1)["lanes"] == 3


async def test_a_round_on_a_database_sells_what_trades(database: Database) -> None:
    row = await rounds.round_row(database, 9, 4, waits=False, rounds=1)
    assert (row["tasks"], row["provers"]) == (9, 4)
    assert row["jobs_sold"] > 0
