"""Attackers of the live market: each changes what it says and nothing else, and no money is made or lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.simulation.attackers import honest
from proofgrid.simulation.attackers.attacks import ATTACKS, Attack, parse_attackers
from proofgrid.simulation.attackers.earnings import attack_earnings, plays_of
from proofgrid.simulation.attackers.honest import ATTACKER, honest_market
from proofgrid.simulation.attackers.market import Market, play


@pytest.fixture(autouse=True)
def a_short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(honest, "ROUNDS", 4)
    monkeypatch.setattr(honest, "STAY", 3)


def _of_others(market: Market) -> tuple[object, ...]:
    return (
        [task for task in market.tasks if task.owner != ATTACKER],
        [machine for machine in market.machines if machine.owner != ATTACKER],
        market.rounds,
    )


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=lambda attack: attack.name)
def test_an_attack_changes_its_owner_and_nobody_else_and_all_money_is_somewhere(attack: Attack) -> None:
    market = honest_market(3)

    attacked = attack.change(market)
    played = play(attacked)

    assert attacked != market
    assert _of_others(attacked) == _of_others(market)
    assert sum(played.gains.values()) + played.treasury + played.burnt == played.welfare
    assert played.jobs > 0


def test_honesty_earns_what_honesty_earns_and_the_same_seed_gives_the_same_market() -> None:
    market = honest_market(5)
    assert honest_market(5) == market
    assert play(market) == play(market)
    assert honest_market(6) != market


@pytest.mark.parametrize("code", ["blame-store", "blame-network", "declining"])
def test_who_hands_leases_back_is_paid_nothing_for_them(code: str) -> None:
    market = honest_market(3)
    attacked = ATTACKS[code].change(market)
    only_its_prover = replace(attacked, tasks=tuple(task for task in attacked.tasks if task.owner != ATTACKER))

    played = play(only_its_prover)

    assert played.returned > 0
    assert played.gains[ATTACKER] <= 0


def test_what_an_attacker_earns_is_compared_with_itself_being_honest() -> None:
    names = ("junk-job", "hoarding")

    first, second = attack_earnings(names, seed=1, cases=2)

    assert (first.attack.name, second.attack.name) == names
    for one in (first, second):
        assert [case.seed for case in one.cases] == [1, 2]
        assert one.gain_error >= 0
    assert [case.honest for case in first.cases] == [case.honest for case in second.cases]
    assert plays_of(names, 2) == 6


def test_a_run_that_is_stopped_reports_what_it_has() -> None:
    assert attack_earnings(("junk-job",), seed=1, cases=2, should_stop=lambda: True) == []
    assert attack_earnings((), seed=1, cases=2) == []


def test_attackers_are_named_with_commas() -> None:
    assert parse_attackers("all") == tuple(ATTACKS)
    assert parse_attackers("none") == ()
    assert parse_attackers("junk-job, shading") == ("junk-job", "shading")
    with pytest.raises(InvalidField, match="no attacker 'nobody'") as refused:
        parse_attackers("junk-job,nobody")
    assert "shading" in refused.value.hint
