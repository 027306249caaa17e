"""Small markets of live rounds whose every price can be tried: stacks of lanes, and who wants what in them.

A market has no prices of its own: each of its agents, a task or a prover, has a few types, one of which is the truth
and any of which can be reported. `Reporting.sales` says what a rule sells when everybody reports something. The broken
rules are for the search to find: a search that finds nothing in them proves nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from random import Random

from proofgrid.rules.jobs.classes import class_of_lane, is_wide, lane_order
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.market.stack import LaneDemands, Supplies, run_stack

Type = tuple[int, ...]  #: of a task its limit; of a prover its ask, or one for each class that it serves
Reports = Mapping[str, Type]  #: what everybody says, by the agent's name

CLASSES = ("large", "medium", "small")
LANES = tuple(sorted((f"n/s/{size}{rest}" for size in CLASSES for rest in ("", "/a", "/b")), key=lane_order))
PROFILES_MAX = 4_200  #: of one market; each is a stack of rounds

#: how many orders, and how many prices each is tried at
SIZES = ((3, 5), (3, 6), (4, 4), (4, 5), (5, 4), (5, 4), (6, 3), (5, 5), (6, 4))
SMALLEST_SIZES = ((3, 5), (4, 4))


@dataclass(frozen=True, slots=True)
class Sale:
    """One job sold."""

    task_id: str
    prover_id: str
    lane: str
    units: int
    buy_price: int
    sell_price: int


Rule = Callable[[Sequence[LaneDemands], Sequence[Supplies], bytes], list[Sale]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallMarket:
    """Everything that a round reads, and the types that its agents can have."""

    lanes: tuple[LaneDemands, ...]
    provers: tuple[Supplies, ...]
    beacon: bytes
    types: Mapping[str, tuple[Type, ...]]  #: of every task and prover, by its id

    def without(self, agent: str) -> SmallMarket:
        """The same market, which this agent never came to."""
        lanes = [
            replace(lane, demands=[demand for demand in lane.demands if demand.task_id != agent]) for lane in self.lanes
        ]
        return replace(
            self,
            lanes=tuple(lane for lane in lanes if lane.demands),
            provers=tuple(one for one in self.provers if prover_of(one) != agent),
            types={name: types for name, types in self.types.items() if name != agent},
        )


def ask_of(report: Type, lane: str, classes: Sequence[str]) -> int:
    """Return what a prover that reports this asks in a lane; `classes`: those that it serves."""
    return report[classes.index(class_of_lane(lane)) if len(report) > 1 else 0]


def classes_of(lanes: Iterable[str]) -> list[str]:
    """Return the classes of some lanes, each once, in the order of a stack."""
    return sorted({class_of_lane(lane) for lane in lanes}, key=CLASSES.index)


def prover_of(supplies: Supplies) -> str:
    """Return the id of the prover whose supplies these are."""
    return next(iter(supplies.values())).prover_id


class Reporting:
    """A market's orders at every type of its agents, made once."""

    def __init__(self, market: SmallMarket) -> None:
        self._market = market
        self._demands = {
            (demand.task_id, report): replace(demand, limit_price=report[0])
            for lane in market.lanes
            for demand in lane.demands
            for report in market.types[demand.task_id]
        }
        self._supplies: dict[tuple[str, Type], Supplies] = {}
        for supplies in market.provers:
            name, classes = prover_of(supplies), classes_of(supplies)
            for report in market.types[name]:
                self._supplies[name, report] = {
                    lane: replace(supply, ask_price=ask_of(report, lane, classes)) for lane, supply in supplies.items()
                }

    def sales(self, reports: Reports, rule: Rule) -> list[Sale]:
        """Return what the rule sells when everybody reports this."""
        lanes = [
            LaneDemands(
                lane=lane.lane,
                number=lane.number,
                previous=lane.previous,
                reference=lane.reference,
                anchor=lane.anchor,
                backed=lane.backed,
                demands=[self._demands[demand.task_id, reports[demand.task_id]] for demand in lane.demands],
            )
            for lane in self._market.lanes
        ]
        names = [prover_of(supplies) for supplies in self._market.provers]
        return rule(lanes, [self._supplies[name, reports[name]] for name in names], self._market.beacon)


def live(lanes: Sequence[LaneDemands], provers: Sequence[Supplies], beacon: bytes) -> list[Sale]:
    """The network's own rule."""
    return [
        Sale(
            one.task_id,
            one.prover_id,
            outcome.lane,
            one.units,
            outcome.buy_price,
            one.sell_price,
        )
        for outcome in run_stack(lanes, provers, beacon=beacon)
        for one in outcome.placements
    ]


def filling_the_cheapest_first(lanes: Sequence[LaneDemands], provers: Sequence[Supplies], beacon: bytes) -> list[Sale]:
    """A broken rule: who asks less sells first, whatever its reputation (dara.md, section 3)."""
    return live(
        lanes,
        [
            {lane: replace(supply, reputation_bucket=supply.ask_price) for lane, supply in supplies.items()}
            for supplies in provers
        ],
        beacon,
    )


def paying_half_way(lanes: Sequence[LaneDemands], provers: Sequence[Supplies], beacon: bytes) -> list[Sale]:
    """A broken rule: the price is half way between the marginal orders that trade (dara.md, section 3)."""
    limits = {demand.task_id: demand.limit_price for lane in lanes for demand in lane.demands}
    asks = {(supply.prover_id, lane): supply.ask_price for supplies in provers for lane, supply in supplies.items()}
    sales = live(lanes, provers, beacon)
    prices = {}
    for lane in {sale.lane for sale in sales}:
        here = [sale for sale in sales if sale.lane == lane]
        lowest, highest = min(limits[one.task_id] for one in here), max(asks[one.prover_id, lane] for one in here)
        prices[lane] = (lowest + highest) // 2
    return [replace(one, buy_price=prices[one.lane], sell_price=prices[one.lane]) for one in sales]


def choosing_by_welfare(lanes: Sequence[LaneDemands], provers: Sequence[Supplies], beacon: bytes) -> list[Sale]:
    """A broken rule: of two lots the one that looks better by what everybody says (dara.md, section 3)."""
    limits = {demand.task_id: demand.limit_price for lane in lanes for demand in lane.demands}
    asks = {(supply.prover_id, lane): supply.ask_price for supplies in provers for lane, supply in supplies.items()}
    return max(
        (live(lanes, provers, lot) for lot in (beacon, beacon[::-1] + b"2")),
        key=lambda sales: sum((limits[one.task_id] - asks[one.prover_id, one.lane]) * one.units for one in sales),
    )


def going_where_it_pays(lanes: Sequence[LaneDemands], provers: Sequence[Supplies], beacon: bytes) -> list[Sale]:
    """A broken rule: a prover is offered in that of its lanes whose reference is just above its ask."""
    references = {lane.lane: lane.reference or 0 for lane in lanes}

    def best(supplies: Supplies) -> Supplies:
        here = [lane for lane in supplies if lane in references]
        above = [lane for lane in here if references[lane] >= supplies[lane].ask_price]
        chosen = min(above or here, key=lambda lane: (references[lane], lane), default=None)
        return {} if chosen is None else {chosen: supplies[chosen]}

    return live(lanes, [best(supplies) for supplies in provers], beacon)


BROKEN: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (filling_the_cheapest_first, paying_half_way, choosing_by_welfare, going_where_it_pays)
}


def a_market(seed: int, number: int, *, sizes: Sequence[tuple[int, int]] = SIZES) -> SmallMarket:
    """Return one of endlessly many small markets; the same numbers give the same one."""
    chance = Random(f"{seed} {number}")
    agents, prices = chance.choice(sizes)
    tasks = chance.randint(1, agents - 1)
    grid = sorted(chance.sample(range(3 * prices), prices))
    lanes = sorted(chance.sample(LANES, chance.choice((1, 1, 2, 2, 3))), key=lane_order)
    prover_ids = [f"p{place}" for place in range(agents - tasks)]
    provers = [_prover(chance, name, lanes) for name in prover_ids]

    by_lane: dict[str, list[TaskDemand]] = {lane: [] for lane in lanes}
    for place in range(tasks):
        by_lane[chance.choice(lanes)].append(_task(chance, f"t{place}", place, prover_ids))
    types: dict[str, tuple[Type, ...]] = {
        name: tuple((price,) for price in grid) for name in (*prover_ids, *(f"t{place}" for place in range(tasks)))
    }
    _ask_differently(chance, provers, grid, types)
    return SmallMarket(
        lanes=tuple(
            LaneDemands(
                lane=lane,
                number=1,
                previous=None,
                reference=chance.choice((None, *range(1, 3 * prices), *grid[1:])),
                demands=demands,
                anchor=chance.choice((None, None, *range(1, 3 * prices))),
                backed=chance.choice((False, True)),
            )
            for lane, demands in by_lane.items()
            if demands
        ),
        provers=tuple(provers),
        beacon=chance.randbytes(2),
        types=types,
    )


def _prover(chance: Random, name: str, lanes: Sequence[str]) -> Supplies:
    supply = ProverSupply(
        prover_id=name,
        operator=f"o{chance.randrange(4)}",
        ask_price=0,
        free_slots=chance.choice((1, 1, 2, 2, 3, 4)),
        reputation_bucket=chance.randrange(2),
        cached_programs=frozenset(chance.sample(("x", "y"), chance.randrange(2))),
    )
    # Who serves a demanding class serves those below; constraints accept whom they will.
    first = chance.choice([CLASSES.index(size) for size in classes_of(lanes)])
    served = [
        lane
        for lane in lanes
        if CLASSES.index(class_of_lane(lane)) >= first and (is_wide(lane) or chance.random() < 0.7)
    ]
    return dict.fromkeys(served or lanes[-1:], supply)


def _task(chance: Random, task_id: str, place: int, prover_ids: Sequence[str]) -> TaskDemand:
    def job(number: int) -> JobDemand:
        excluded = chance.sample(prover_ids, chance.choice((0, 0, 0, 1, min(2, len(prover_ids)))))
        return JobDemand(job_id=f"{task_id}.{number}", units=chance.randint(1, 4), excluded=frozenset(excluded))

    jobs = tuple(job(number) for number in range(chance.choice((1, 1, 2, 3))))
    return TaskDemand(
        task_id=task_id,
        jobs=jobs,
        limit_price=0,
        program_digest=chance.choice("xyz"),
        share=chance.choice((0, place)),
    )


def _ask_differently(
    chance: Random, provers: Sequence[Supplies], grid: Sequence[int], types: dict[str, tuple[Type, ...]]
) -> None:
    """Let a prover of two classes ask differently for them, as its costs may do."""
    for supplies in provers:
        name, few = prover_of(supplies), sorted(chance.sample(grid, min(3, len(grid))))
        mixed = tuple((first, second) for first in few for second in few if first != second)
        profiles = prod(len(kinds) for other, kinds in types.items() if other != name)
        kinds = types[name] + mixed
        if len(classes_of(supplies)) == 2 and profiles * len(kinds) <= PROFILES_MAX:
            types[name] = kinds
            return
