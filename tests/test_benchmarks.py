"""The benchmark of rounds runs, on a book so small that it costs nothing; what it measures is nobody's promise here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import checking, rounds
from benchmarks.__main__ import BENCHMARKS
from benchmarks.measuring import Ratio, Result
from proofgrid.store.database import Database


@pytest.mark.thorough
def test_the_rules_of_a_small_round_are_measured_part_by_part() -> None:
    row = rounds.rules_row(12, 5, 1, runs=1)
    assert row["record_bytes"] > 1_000
    assert {"rules_ms", "names_ms", "orders_ms", "clearing_ms", "record_ms", "rest_ms", "ratio"} <= set(row)


def test_of_several_lanes_every_one_is_signed() -> None:
    waiting = rounds.a_stack(12, 5, rounds.LANES)
    assert len(rounds.hold(waiting)) == len(rounds.LANES)
    assert rounds.rules_row(12, 5, 3, runs=1)["lanes"] == 3


async def test_a_round_on_a_database_sells_what_trades(database: Database) -> None:
    book = await rounds.a_book(database, 9, 4, waits=False)
    for _ in range(2):
        await book.hold()
    row = await book.row()
    assert (row["tasks"], row["provers"]) == (9, 4)
    assert row["jobs_sold"] > 0


def _ratios(**values: tuple[float, str]) -> dict[str, Ratio]:
    return {name: Ratio(value, better) for name, (value, better) in values.items()}  # type: ignore[arg-type]


def _result(ratios: dict[str, Ratio]) -> Result:
    return Result(
        name="tried",
        measured="",
        against="",
        ratio=1.0,
        targets=(),
        table=({},),
        busy_before_percent=0.0,
        ratios=ratios,
    )


STORED = {"ratios": {"rate": {"value": 2.0, "better": "more"}, "time": {"value": 10.0, "better": "less"}}}


def test_what_got_better_or_lost_little_passes_at_the_first_run() -> None:
    runs = iter([_result(_ratios(rate=(1.71, "more"), time=(3.0, "less")))])
    assert checking.check("tried", lambda: next(runs), STORED) == []


def test_a_moment_of_a_busy_machine_is_no_loss() -> None:
    runs = iter(
        [
            _result(_ratios(rate=(1.0, "more"), time=(10.0, "less"))),
            _result(_ratios(rate=(2.0, "more"), time=(12.0, "less"))),
        ]
    )
    assert checking.check("tried", lambda: next(runs), STORED) == []


def test_what_is_lost_in_every_run_is_told() -> None:
    runs = iter([_result(_ratios(rate=(rate, "more"), time=(12.0, "less"))) for rate in (1.5, 1.6, 1.4)])
    losses = checking.check("tried", lambda: next(runs), STORED)
    assert losses == [
        "tried: rate was 2 and is 1.6 (more is better)",
        "tried: time was 10 and is 12 (less is better)",
    ]


def test_a_ratio_that_is_not_measured_any_more_is_a_loss() -> None:
    losses = checking.losses_between(_ratios(rate=(2.0, "more")), {})
    assert losses == ["rate was 2 and is not measured any more"]


def test_every_benchmark_of_the_readme_can_be_run_by_its_name() -> None:
    text = (Path(checking.__file__).parent / "README.md").read_text()
    named = set(re.findall(r"^\|[^|]*`python -m benchmarks (\w+)`", text, flags=re.MULTILINE))
    assert named == set(BENCHMARKS)
