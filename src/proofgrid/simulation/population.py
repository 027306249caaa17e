"""The machines of a world as columns: hardware, cost, luck, and what their operators do with them.

Machines come first, one row each; a machine that splits has a second row at the end. Everything about a machine is
drawn by its number, so a machine whose strategy is changed meets the same world as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.market.columns import Column, column_of
from proofgrid.simulation.chance import Shares, generator
from proofgrid.simulation.scenario import WHOLE_PERMILLE, Scenario, Strategy
from proofgrid.simulation.strategies import CONDUCT

CLASSES = (JobClass.LARGE, JobClass.MEDIUM, JobClass.SMALL)  #: lanes, the most demanding first
CLASS_SHARE = (0.15, 0.30, 0.55)
CLASS_SPEED = (16.0, 4.0, 1.0)  #: PU per ms and slot; large machines have accelerators
CLASS_COST = (0.90, 0.95, 1.0)
BASE_COST = 1_000  #: base units of money per PU
REGIONS = (("east", 0, 1.0), ("west", 300, 0.9), ("far", 900, 0.8))  #: name, ms on the way, cost of power
SLOTS, SLOTS_SHARE = (1, 2, 4, 8), (0.3, 0.35, 0.25, 0.1)
BOND_UNITS = 40_000_000  #: a machine's bond, in PU at the base cost, per slot


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Provers:
    """One row per order that is offered in rounds."""

    machine: Column
    lane: Column  #: place in CLASSES
    slots: Column  #: real ones that stand behind this order
    offered: Column  #: slots that the order claims
    speed: Shares  #: PU per ms of one slot
    region: Column
    cost: Column  #: base units per PU of work done, paid or not
    ask: Column
    failure: Shares
    works: np.typing.NDArray[np.bool_]
    joins_ms: Column
    leaves_ms: Column
    strategy: tuple[Strategy, ...]  #: by machine
    bond: Column

    def __len__(self) -> int:
        return len(self.machine)

    @property
    def latency_ms(self) -> Column:
        return column_of([latency for _, latency, _ in REGIONS])[self.region]

    def speed_per_second(self) -> float:
        """All that the real slots can do, were they always there."""
        return float((self.speed * self.slots).sum() * 1_000)


def populate(scenario: Scenario, changed: Mapping[int, Strategy] | None = None) -> Provers:
    """Return the provers of a scenario; `changed` gives single machines another strategy."""
    count = scenario.provers
    chance = generator(scenario.seed, "provers")
    lane = chance.choice(len(CLASSES), size=count, p=CLASS_SHARE)
    if count >= len(CLASSES):
        lane[: len(CLASSES)] = range(len(CLASSES))  # each class has somebody
    region = chance.integers(len(REGIONS), size=count)
    slots = chance.choice(SLOTS, size=count, p=SLOTS_SHARE)
    speed = np.array(CLASS_SPEED)[lane] * chance.uniform(0.7, 1.3, size=count)
    power = np.array([cost for _, _, cost in REGIONS])[region] * np.array(CLASS_COST)[lane]
    cost = np.maximum(1, np.rint(BASE_COST * power * chance.lognormal(0.0, 0.25, size=count))).astype(np.int64)
    # One in ten has five times the failures of the others; the mean is the scenario's.
    failure = scenario.failure_permille / WHOLE_PERMILLE / 1.4 * np.where(chance.random(count) < 0.1, 5.0, 1.0)

    strategy = _strategies(scenario, changed or {})
    second = _second_of_pairs(strategy)
    slots, lane = slots.astype(np.int64), lane.astype(np.int64)
    ask, offered, works = _conduct(strategy, second, real_cost(cost, failure, scenario), slots)
    rows = _Rows(slots=slots, offered=offered, ask=ask, machine=np.arange(count, dtype=np.int64))
    rows = rows.with_second_orders(strategy, real_cost(cost, failure, scenario))
    machine = rows.machine
    return Provers(
        machine=machine,
        lane=lane[machine],
        slots=rows.slots,
        offered=rows.offered,
        speed=speed[machine],
        region=region.astype(np.int64)[machine],
        cost=cost[machine],
        ask=rows.ask,
        failure=failure[machine],
        works=works[machine],
        joins_ms=np.zeros(len(machine), dtype=np.int64),
        leaves_ms=np.full(len(machine), 2**60, dtype=np.int64),
        strategy=tuple(strategy),
        bond=BOND_UNITS * BASE_COST * rows.slots,
    )


def comings_and_goings(scenario: Scenario, *, duration_ms: int) -> tuple[Column, Column]:
    """Return when each machine joins and leaves."""
    chance = generator(scenario.seed, "churn")
    share = scenario.churn_permille / WHOLE_PERMILLE
    draw, moment = chance.random(scenario.provers), chance.random(scenario.provers)
    moments = (moment * duration_ms).astype(np.int64)
    joins = np.where(draw < share, moments, 0)
    leaves = np.where(draw >= 1 - share, moments, 2**60)
    return joins, leaves


def real_cost(cost: Column, failure: Shares, scenario: Scenario) -> Column:
    """Return the least price per unit at which a machine does not lose, its failures and their penalty counted.

    A failed lease costs half of the work on average, and a share of the price from the bond.
    """
    slash = scenario.slash_permille / WHOLE_PERMILLE
    return np.ceil(cost * (1 - 0.5 * failure) / (1 - failure * (1 + slash))).astype(np.int64)


def _strategies(scenario: Scenario, changed: Mapping[int, Strategy]) -> list[Strategy]:
    draw = generator(scenario.seed, "strategies").random(scenario.provers) * WHOLE_PERMILLE
    strategies = [Strategy.HONEST] * scenario.provers
    below = 0
    for name, share in sorted(scenario.strategies.items()):
        for machine in np.flatnonzero((draw >= below) & (draw < below + share)).tolist():
            strategies[machine] = name
        below += share
    for machine, name in changed.items():
        strategies[machine] = name
    return strategies


def _second_of_pairs(strategies: list[Strategy]) -> set[int]:
    """Every second machine of those that collude sets the price for the one before it."""
    paired = [machine for machine, name in enumerate(strategies) if CONDUCT[name].is_pair]
    return set(paired[1::2])


def _conduct(
    strategies: list[Strategy], second: set[int], cost: Column, slots: Column
) -> tuple[Column, Column, np.typing.NDArray[np.bool_]]:
    conduct = [CONDUCT[name] for name in strategies]
    asks = [one.second_ask_permille if machine in second else one.ask_permille for machine, one in enumerate(conduct)]
    ask = cost * column_of(asks) // WHOLE_PERMILLE
    # Half of one slot is one slot: a machine that offered none would not be there at all.
    offered = np.maximum(1, slots * column_of([one.slots_permille for one in conduct]) // WHOLE_PERMILLE)
    return ask, offered, np.array([one.works for one in conduct], dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    machine: Column
    slots: Column
    offered: Column
    ask: Column

    def with_second_orders(self, strategies: list[Strategy], cost: Column) -> _Rows:
        """Give the other half of a splitting machine's slots to an order of its own."""
        splitting = column_of(
            [
                machine
                for machine, name in enumerate(strategies)
                if CONDUCT[name].second_ask_permille and not CONDUCT[name].is_pair and self.slots[machine] > 1
            ]
        )
        if not len(splitting):
            return self
        second_ask = column_of([CONDUCT[strategies[machine]].second_ask_permille for machine in splitting.tolist()])
        rest = self.slots[splitting] - self.offered[splitting]
        slots = self.slots.copy()
        slots[splitting] = self.offered[splitting]
        return _Rows(
            machine=np.concatenate((self.machine, splitting)),
            slots=np.concatenate((slots, rest)),
            offered=np.concatenate((self.offered, rest)),
            ask=np.concatenate((self.ask, cost[splitting] * second_ask // WHOLE_PERMILLE)),
        )
