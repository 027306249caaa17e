"""Each strategy does what it says, and none of them earns more than honesty does."""

from __future__ import annotations

import numpy as np
import pytest

from proofgrid.simulation.lies import COLLUSION, MOST_STAY, NO_LIMIT, PRICE_LIES, SELLER_LIES, Lies
from proofgrid.simulation.pairs import actors_of, compare
from proofgrid.simulation.population import populate
from proofgrid.simulation.scenario import Strategy
from proofgrid.simulation.world import World
from tests.simulation.worlds import a_run, a_scenario, replay_with


def _rows(strategy: Strategy) -> tuple[list[int], list[int], list[int]]:
    """Return asks in thousandths of honest ones, real and offered slots in quarters, of one machine's orders."""
    scenario = a_scenario()
    honest = populate(scenario)
    machine = int(np.flatnonzero(honest.slots >= 4)[0])
    world = populate(scenario, {machine: strategy})
    rows = np.flatnonzero(world.machine == machine)
    asks = np.rint(1_000 * world.ask[rows] / honest.ask[machine]).astype(int)
    per_slot = int(honest.slots[machine]) // 4
    others = np.setdiff1d(np.arange(len(honest)), [machine])
    assert (world.ask[others] == honest.ask[others]).all()
    return (
        asks.tolist(),
        (world.slots[rows] // per_slot).tolist(),
        (world.offered[rows] // per_slot).tolist(),
    )


@pytest.mark.parametrize(
    ("strategy", "asks", "slots", "offered"),
    [
        (Strategy.HONEST, [1_000], [4], [4]),
        (Strategy.SHADING, [1_250], [4], [4]),
        (Strategy.UNDER_ASKING, [750], [4], [4]),
        (Strategy.OVER_REPORTING, [1_000], [4], [8]),
        (Strategy.LAZY, [1_000], [4], [4]),
        (Strategy.WITHHOLDING, [1_000], [4], [2]),
        (Strategy.SPLITTING, [1_000, 1_500], [2, 2], [2, 2]),
    ],
)
def test_a_strategy_changes_just_what_it_says(
    strategy: Strategy, asks: list[int], slots: list[int], offered: list[int]
) -> None:
    found_asks, found_slots, found_offered = _rows(strategy)

    assert found_asks == pytest.approx(asks, abs=1)
    assert (found_slots, found_offered) == (slots, offered)


def test_the_second_of_a_colluding_pair_asks_more_and_the_first_the_truth() -> None:
    scenario = a_scenario()
    honest = populate(scenario)
    pair = populate(scenario, {3: Strategy.COLLUDING, 8: Strategy.COLLUDING})

    assert pair.ask[3] == honest.ask[3]
    assert pair.ask[8] == honest.ask[8] * 3 // 2


def test_who_is_lazy_is_never_paid_loses_its_bond_and_has_no_costs() -> None:
    world = a_run(a_scenario(strategies={Strategy.LAZY: 250}))
    lazy = [number for number, one in enumerate(world.provers.strategy) if one is Strategy.LAZY]

    assert lazy
    assert world.accounts.machine[lazy].sum() == world.work_cost[lazy].sum() == world.proofs[lazy].sum() == 0
    assert world.slashed[lazy].sum() > 0
    assert world.history.outcomes["timed_out"] > 0


def test_who_promises_slots_it_does_not_have_fails_their_jobs() -> None:
    calm = {"failure_permille": 0, "late_permille": 0, "churn_permille": 0}
    honest, over = a_run(a_scenario(**calm)), a_run(a_scenario(**calm, strategies={Strategy.OVER_REPORTING: 500}))

    assert honest.history.outcomes["crashed"] == 0
    assert over.history.outcomes["crashed"] > 0
    liars = [number for number, one in enumerate(over.provers.strategy) if one is Strategy.OVER_REPORTING]
    assert over.slashed[liars].sum() == over.slashed.sum() > 0


def test_a_liars_world_differs_in_nothing_but_the_lie() -> None:
    scenario = a_scenario()
    honest, lying = World(scenario), World(scenario, changed={0: Strategy.SHADING})

    assert (honest.jobs.arrival_ms == lying.jobs.arrival_ms).all()
    assert (honest.jobs.units == lying.jobs.units).all()
    assert honest.duration_ms == lying.duration_ms
    assert (honest.provers.failure == lying.provers.failure).all()


@pytest.fixture(scope="module")
def lies() -> Lies:
    found = Lies(seed=1)
    for seed in (1, 2):
        a_run(a_scenario(seed=seed, provers=40, jobs=1_000), watch=found)
    return found


@pytest.mark.thorough
def test_no_lie_about_a_price_ever_pays_in_a_round(lies: Lies) -> None:
    for name in PRICE_LIES:
        tally = lies.tallies[name]
        assert len(tally.lying) > 50
        assert all(lie <= truth for lie, truth in zip(tally.lying, tally.truthful, strict=True)), name


@pytest.mark.thorough
def test_in_the_mean_of_all_rounds_honesty_earns_at_least_what_lies_about_prices_and_capacity_earn(lies: Lies) -> None:
    assert set(lies.tallies) >= {*SELLER_LIES, *PRICE_LIES, COLLUSION}
    for name in (*PRICE_LIES, "withholding"):
        tally = lies.tallies[name]
        assert sum(tally.lying) <= sum(tally.truthful), name


@pytest.mark.thorough
def test_griefing_stops_no_round_in_which_most_of_the_supply_stays(lies: Lies) -> None:
    assert lies.griefing_by_rule[MOST_STAY].rounds > 10
    assert lies.griefing_by_rule[MOST_STAY].stopped == 0
    without = lies.griefing_by_rule[NO_LIMIT]
    assert without.stopped > without.rounds // 2  # the attack itself is real


def test_a_griefing_buyer_pays_and_the_market_goes_on() -> None:
    quiet, attacked = a_run(a_scenario()), a_run(a_scenario(griefing=True))

    assert attacked.history.attacker_paid > quiet.accounts.machine.sum() // 4
    assert attacked.history.endings["proven"] > 0.5 * quiet.history.endings["proven"]


@pytest.mark.thorough
def test_over_a_whole_run_honesty_earns_at_least_what_these_strategies_earn() -> None:
    scenario = a_scenario(provers=24, jobs=400)
    strategies = (Strategy.UNDER_ASKING, Strategy.OVER_REPORTING, Strategy.LAZY, Strategy.WITHHOLDING)

    comparisons = compare(scenario, cases=12, strategies=strategies)

    for one in comparisons:
        assert len(one.pairs) == 12
        assert one.gain_mean <= 0, f"{one.strategy}: {replay_with(scenario)}"
        assert one.pays_share <= 0.5
        assert one.gain_error >= 0


def test_actors_are_a_pair_of_one_class_with_slots_to_split() -> None:
    world = World(a_scenario(seed=4))
    actor, friend = actors_of(world)

    assert actor != friend
    assert world.provers.lane[actor] == world.provers.lane[friend]
    assert min(world.provers.slots[[actor, friend]]) > 1
