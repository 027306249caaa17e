"""What clients want, as columns: one row per job, in the order in which they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofgrid.rules.market.columns import Column
from proofgrid.simulation.chance import Shares, generator
from proofgrid.simulation.population import BASE_COST, CLASSES
from proofgrid.simulation.scenario import WHOLE_PERMILLE, Arrivals, Scenario, Sizes
from proofgrid.simulation.strategies import CLIENT_SHADING_PERMILLE

CLASS_SHARE = (0.05, 0.25, 0.70)  #: of the jobs, in the order of CLASSES
UNITS_LEAST = (150_000, 40_000, 5_000)
UNITS_MOST = (1_850_000, 360_000, 35_000)
GRAIN = 1_000  #: units come in thousands, which keeps the exact optimum of a window affordable
PARETO = 1.1
WAVES, WAVE_DEPTH = 2, 0.8
BURSTS, BURST_SHARE, BURST_LENGTH = 4, 0.5, 0.05
VALUE, VALUE_SPREAD = 1.5 * BASE_COST, 0.4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Jobs:
    """All jobs of a run."""

    arrival_ms: Column  #: never falls
    deadline_ms: Column
    client: Column
    lane: Column
    units: Column
    value: Column  #: what a unit is worth to the client
    limit: Column  #: what the client says

    def __len__(self) -> int:
        return len(self.units)


def imagine(scenario: Scenario, *, speed_per_second: float) -> tuple[Jobs, int]:
    """Return the jobs, and how long it takes until the last has come."""
    count = scenario.jobs
    chance = generator(scenario.seed, "jobs")
    lane = chance.choice(len(CLASSES), size=count, p=CLASS_SHARE).astype(np.int64)
    units = _units(scenario.sizes, lane, chance)
    load = scenario.load_permille / WHOLE_PERMILLE
    duration_ms = max(scenario.round_ms, int(1_000 * float(units.sum()) / (speed_per_second * load)))

    arrival = (np.sort(_moments(scenario.arrivals, chance, count)) * duration_ms).astype(np.int64)
    patience = (scenario.deadline_ms * chance.uniform(0.5, 1.5, size=count)).astype(np.int64)
    client = _clients(scenario, chance)
    value = np.maximum(1, np.rint(VALUE * chance.lognormal(0.0, VALUE_SPREAD, size=count))).astype(np.int64)
    shading = generator(scenario.seed, "clients").random(scenario.clients)
    is_shaded = (shading < scenario.shading_clients_permille / WHOLE_PERMILLE)[client]
    limit = np.where(is_shaded, value * CLIENT_SHADING_PERMILLE // WHOLE_PERMILLE, value)
    jobs = Jobs(
        arrival_ms=arrival,
        deadline_ms=arrival + patience,
        client=client,
        lane=lane,
        units=units,
        value=value,
        limit=limit,
    )
    return jobs, duration_ms


def _units(sizes: Sizes, lane: Column, chance: np.random.Generator) -> Column:
    least, most = np.array(UNITS_LEAST)[lane], np.array(UNITS_MOST)[lane]
    if sizes is Sizes.HEAVY:
        units = np.minimum(least * (1 + chance.pareto(PARETO, size=len(lane))), most * 1.6)
    else:
        units = chance.uniform(least, most)
    return np.maximum(1, np.rint(units / GRAIN)).astype(np.int64) * GRAIN


def _moments(arrivals: Arrivals, chance: np.random.Generator, count: int) -> Shares:
    """Return moments from 0 to 1, in no order."""
    even = chance.random(count)
    if arrivals is Arrivals.WAVE:
        # The inverse of how much of the wave has passed, read off a fine table.
        x = np.linspace(0.0, 1.0, 4_001)
        angle = 2 * np.pi * WAVES
        passed = x - WAVE_DEPTH / angle * np.sin(angle * x)
        return np.interp(even, passed, x)
    if arrivals is Arrivals.BURST:
        burst = chance.integers(BURSTS, size=count)
        within = (burst + 0.5) / BURSTS + BURST_LENGTH * (chance.random(count) - 0.5)
        return np.where(chance.random(count) < BURST_SHARE, within, even)
    return even


def _clients(scenario: Scenario, chance: np.random.Generator) -> Column:
    client = chance.integers(scenario.clients, size=scenario.jobs)
    floods = chance.random(scenario.jobs) < scenario.flood_permille / WHOLE_PERMILLE
    return np.where(floods, 0, client).astype(np.int64)
