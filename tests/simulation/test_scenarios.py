"""Every preset under several seeds: it ends, money is neither made nor lost, and the same seed is the same world."""

from __future__ import annotations

import json

import numpy as np
import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.simulation.presets import PRESETS, preset
from proofgrid.simulation.report import report_of
from proofgrid.simulation.scenario import Arrivals, Scenario, Sizes, Strategy
from proofgrid.simulation.windows import Windows
from proofgrid.simulation.world import NEVER, World
from tests.simulation.worlds import a_preset, a_run, a_scenario, replay_with

SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (2, 3)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", PRESETS)
def test_every_scenario_ends_and_loses_no_money(name: str, seed: int) -> None:
    scenario = a_preset(name, seed=seed)
    again = replay_with(scenario)

    world = a_run(scenario)

    assert world.history.checks == world.history.rounds > 0, again
    world.accounts.check()
    assert world.accounts.escrow.sum() == 0, again
    assert world.open_jobs == 0, again
    assert sum(world.history.endings.values()) == scenario.jobs, again
    assert world.history.endings["proven"] > scenario.jobs // 2, again
    assert world.standing.busy.min() >= 0, again


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_pays_more_than_she_bid_and_no_honest_machine_is_paid_less_than_it_asked(seed: int) -> None:
    world = a_run(a_scenario(seed=seed, failure_permille=0, late_permille=0, churn_permille=0))
    again = replay_with(world.scenario)

    proven = world.done_ms != NEVER
    assert (world.buy_price[proven] <= world.jobs.limit[proven]).all(), again
    assert (world.profit() >= 0).all(), again
    assert (world.sold_ms[proven] >= world.jobs.arrival_ms[proven]).all(), again
    assert (world.done_ms[proven] <= world.jobs.deadline_ms[proven]).all(), again


@pytest.mark.parametrize("arrivals", Arrivals)
@pytest.mark.parametrize("sizes", [Sizes.HEAVY, pytest.param(Sizes.UNIFORM, marks=pytest.mark.thorough)])
def test_the_same_seed_gives_the_same_report_to_the_byte(arrivals: Arrivals, sizes: Sizes) -> None:
    scenario = a_scenario(arrivals=arrivals, sizes=sizes, strategies={Strategy.LAZY: 100, Strategy.SPLITTING: 200})
    reports = [json.dumps(report_of(a_run(scenario, watch=Windows()))) for _ in range(2)]

    assert reports[0] == reports[1], replay_with(scenario)
    other = a_scenario(arrivals=arrivals, sizes=sizes, seed=2)
    assert json.dumps(report_of(a_run(other))) != reports[0]


def test_a_failing_seed_names_the_command_that_replays_it() -> None:
    assert replay_with(a_preset("storm", seed=7)) == (
        "replay with: proofgrid simulate storm --provers 24 --jobs 500 --clients 10 --load 60 --deadline 300 --seed 7 "
        "--cases 0"
    )
    other = a_scenario(seed=2, failure_permille=0)
    assert replay_with(other) == "replay with: a_run(a_scenario(**{'seed': 2, 'failure_permille': 0}))"


def test_a_run_that_is_stopped_is_whole_up_to_there() -> None:
    world = World(a_scenario())

    assert not world.run(should_stop=lambda: world.history.rounds == 5)

    world.accounts.check()
    assert world.history.rounds == 5
    assert 0 < world.open_jobs < len(world.jobs)
    assert world.accounts.escrow.sum() > 0


def test_jobs_come_when_the_scenario_says() -> None:
    size = {"provers": 30, "jobs": 20_000}
    waves, bursts = (World(a_scenario(arrivals=one, **size)) for one in (Arrivals.WAVE, Arrivals.BURST))

    counts, _ = np.histogram(waves.jobs.arrival_ms, bins=20, range=(0, waves.duration_ms))
    assert counts.max() > 5 * counts.min()
    counts, _ = np.histogram(bursts.jobs.arrival_ms, bins=80, range=(0, bursts.duration_ms))
    assert np.sort(counts)[-20:].sum() > 0.5 * len(bursts.jobs)
    assert (np.diff(waves.jobs.arrival_ms) >= 0).all()


def test_a_flood_comes_from_one_client() -> None:
    world = World(a_scenario(flood_permille=500, jobs=4_000))

    assert 0.5 < np.mean(world.jobs.client == 0) < 0.6


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provers": 0}, "provers"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"load_permille": 0}, "load_permille"),
        ({"strategies": {Strategy.LAZY: 600, Strategy.SHADING: 500}}, "strategies"),
        ({"strategies": {Strategy.LAZY: -1}}, "strategies"),
    ],
)
def test_a_bad_setting_is_refused_with_its_name(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        a_scenario(**change)
    assert caught.value.field == field


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidField, match="no scenario 'nope'") as caught:
        preset("nope")
    assert all(name in caught.value.hint for name in PRESETS)


def test_a_scenario_cannot_be_changed() -> None:
    scenario: Scenario = a_scenario(strategies={Strategy.LAZY: 1})
    with pytest.raises(TypeError):
        scenario.strategies[Strategy.LAZY] = 2  # type: ignore[index]
