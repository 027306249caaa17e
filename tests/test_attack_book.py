"""The attack book runs: every attack in one tiny market, honest accounts, and attacks that no round can notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.attack_book.attacks import LETTERS, VARIANTS, outcome_of
from benchmarks.attack_book.markets import CLIENT, Shape, a_market
from benchmarks.attack_book.mixed_sizes import share_of_optimum
from benchmarks.attack_book.patience import CURES, Cure, a_fee, as_sold, least_price, patience_rows
from benchmarks.attack_book.world import Machine, Market, play
from benchmarks.attacks import row_of
from proofgrid.simulation.attackers.market import Task

TINY = Shape(tasks=5, provers=4, rounds=5)


def test_every_attack_of_the_book_is_carried_out() -> None:
    market = a_market(TINY, 1)
    before = play(market)
    for variant in VARIANTS:
        outcome = outcome_of(variant.owner, market, variant.attack(market), before)
        assert row_of(variant, "tiny", [outcome])["attack"] in LETTERS
        assert outcome.truthful > 0
    assert {variant.letter for variant in VARIANTS} == set("ABCDEFGIJ")  # H and K are measured in their own way


def test_what_everybody_and_the_treasury_have_in_the_end_is_the_welfare() -> None:
    played = play(a_market(TINY, 2))
    assert played.jobs
    assert played.gains.total() + played.treasury == played.welfare


def test_the_same_market_is_played_alike_and_an_attack_that_does_nothing_gains_nothing() -> None:
    market = a_market(TINY, 3)
    outcome = outcome_of(CLIENT, market, replace(market))
    assert (outcome.gain, outcome.lost, outcome.clients_lost, outcome.provers_lost) == (0, 0, 0, 0)


def test_what_is_sold_beyond_a_provers_slots_or_to_a_phantom_does_not_run() -> None:
    task = Task(task_id="t", owner="client 1", value=2_000, job_units=(1_000,) * 4, arrives=0, leaves=1)
    short = [Machine(prover_id=f"p{n}", owner=f"operator {n}", cost=900, slots=1, slots_said=4) for n in range(2)]
    played = play(Market(seed=1, rounds=1, tasks=(task,), machines=tuple(short)))
    assert played.jobs <= 2
    assert played.jobs + played.broken > 0


def test_a_job_keeps_its_slot_for_as_long_as_it_runs() -> None:
    tasks = tuple(
        Task(task_id=f"t{now}", owner="client 1", value=2_000, job_units=(1_000,), arrives=now, leaves=now + 1)
        for now in range(4)
    )
    machine = Machine(prover_id="p0", owner="operator 0", cost=900, slots=1)
    market = Market(seed=1, rounds=4, tasks=tasks, machines=(machine,), round_units=900)
    assert [now for _, now, _, _ in play(market).sold] == [0, 2]


def test_the_optimum_is_never_exceeded() -> None:
    assert 0 < share_of_optimum("lognormal", 1) <= 1


@pytest.mark.parametrize("accounts", [as_sold, least_price, a_fee(50)])
def test_a_cure_moves_money_between_clients_and_treasury_only(accounts: object) -> None:
    played = play(a_market(replace(TINY, stay=3), 4))
    assert callable(accounts)
    gains, treasury = accounts(played)
    assert gains.total() + treasury == played.welfare


@pytest.mark.exhaustive
def test_patience_is_measured_under_every_cure() -> None:
    rows = patience_rows(range(1), {"none": CURES["none"], "batches": Cure(3, as_sold)})
    assert {row["cure"] for row in rows} == {"none", "batches"}
    assert all(0 < row["welfare"] <= 1.5 for row in rows)
