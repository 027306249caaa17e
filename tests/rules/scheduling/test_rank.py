"""Rank knows reputation, caches and a lot, and no price."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.rank import RankHashes, ask_ranks, bid_ranks


def a_prover(prover_id: str, *, bucket: int = 0, cached: str = "") -> ProverSupply:
    return ProverSupply(
        prover_id=prover_id,
        operator="operator",
        ask_price=10,
        free_slots=1,
        reputation_bucket=bucket,
        cached_programs=frozenset({cached} - {""}),
    )


def a_task(task_id: str, *, share: int = 0) -> TaskDemand:
    job = JobDemand(job_id=task_id, units=1)
    return TaskDemand(task_id=task_id, jobs=(job,), limit_price=5, program_digest="p", share=share)


def test_reputation_comes_before_the_cache_and_the_cache_before_the_lot() -> None:
    provers = [
        a_prover("worse, cached", bucket=1, cached="wanted"),
        a_prover("worse", bucket=1),
        a_prover("best", bucket=0),
        a_prover("best, other program", bucket=0, cached="unwanted"),
        a_prover("best, cached", bucket=0, cached="wanted"),
    ]

    for beacon in (b"1", b"2", b"3"):
        ranks = ask_ranks(provers, demanded=frozenset({"wanted"}), hashes=RankHashes(beacon))
        assert ranks["best, cached"] == 0
        assert {ranks["best"], ranks["best, other program"]} == {1, 2}
        assert (ranks["worse, cached"], ranks["worse"]) == (3, 4)


def test_rank_does_not_move_with_the_ask() -> None:
    provers = [a_prover(f"p{i}") for i in range(9)]
    dearer = [replace(prover, ask_price=prover.ask_price + i * 7) for i, prover in enumerate(provers)]

    assert ask_ranks(provers, demanded=frozenset(), hashes=RankHashes(b"b")) == ask_ranks(
        dearer, demanded=frozenset(), hashes=RankHashes(b"b")
    )


def test_every_beacon_draws_another_first_place() -> None:
    tasks = [a_task(f"t{i}") for i in range(5)]

    firsts = Counter(_first(bid_ranks(tasks, hashes=RankHashes(bytes([i])))) for i in range(200))

    assert set(firsts) == {task.task_id for task in tasks}
    assert max(firsts.values()) < 80
    assert sorted(bid_ranks(tasks, hashes=RankHashes(b"x")).values()) == [0, 1, 2, 3, 4]


def test_of_a_flood_only_the_first_order_comes_before_those_of_others() -> None:
    flood = [a_task(f"flood {i}", share=i) for i in range(100)]
    other = a_task("other", share=1)

    for beacon in (b"1", b"2", b"3"):
        ranks = bid_ranks([*flood, other], hashes=RankHashes(beacon))
        assert ranks["flood 0"] == 0
        assert ranks["other"] in (1, 2)


def _first(ranks: dict[str, int]) -> str:
    return min(ranks, key=ranks.__getitem__)


def test_beacon_and_order_id_cannot_be_shifted_into_each_other() -> None:
    assert RankHashes(b"a")["bc"] != RankHashes(b"ab")["c"]


def test_a_lot_is_the_hash_that_the_record_promises() -> None:
    hashes = RankHashes(b"beacon")
    expected = [hashlib.sha256(b"\0\0\0\6beacon" + name.encode()).hexdigest() for name in ("t", "ü", "t")]
    assert [hashes[name] for name in ("t", "ü", "t")] == expected
