"""Does any lie about a price pay, alone or for two or three together? Every one is tried in many small live stacks.

    python -m benchmarks.deviations [--tried 1e8] [--seed 12] [--state FILE]

Of each small market every profile of reports is cleared once, by the network's own `run_stack`. What an agent of each
type gains at each profile is then a table, and a deviation is a look-up: truth and report both are profiles. So a
hundred million deviations take minutes. Agents are tasks and provers, alone and in coalitions of two and three, in
which everybody must gain. The same search has to find the faults of rules that are broken on purpose.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, product
from math import prod
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.measuring import Result, Target, busy_percent
from benchmarks.small_markets import (
    BROKEN,
    SIZES,
    SMALLEST_SIZES,
    Reporting,
    Reports,
    Rule,
    SmallMarket,
    a_market,
    ask_of,
    classes_of,
    live,
    prover_of,
)

NAME = "deviations"
SEED = 12
TRIED = 100_000_000
TRIED_PER_REPETITION = 5_000_000
MEMBERS_MAX = 3  #: of a coalition
BROKEN_MARKETS_MAX = 200  #: in which the fault of a broken rule must be found

Gains: TypeAlias = NDArray[np.int64]  #: [own type, the report of agent 0, of agent 1, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayingLie:
    """A market in which a coalition gains by a lie, all of its members."""

    market: SmallMarket
    truth: Reports
    lie: Reports  #: of the members

    @property
    def size(self) -> tuple[int, int, int]:
        """The smaller, the easier to understand."""
        jobs = sum(len(demand.jobs) for lane in self.market.lanes for demand in lane.demands)
        return len(self.truth), len(self.lie), jobs

    def as_test(self) -> str:
        """Return it as an expression that a test can hold, with the names of these two modules and the rules."""
        return f"PayingLie(market={self.market!r}, truth={dict(self.truth)!r}, lie={dict(self.lie)!r})"


@dataclass(slots=True, kw_only=True)
class Tried:
    """How far a search came."""

    seed: int
    markets: int = 0
    profiles: int = 0  #: stacks of rounds that were held
    trading: int = 0  #: of these, those in which something was sold
    deviations: int = 0
    paying: int = 0


def search(rule: Rule, tried: Tried, *, sizes: Sequence[tuple[int, int]] = SIZES) -> Iterator[PayingLie | None]:
    """Search one market after the other, for ever; say how far it came in `tried`, and yield one lie that pays."""
    while True:
        market = a_market(tried.seed, tried.markets, sizes=sizes)
        gains, trading = gains_of(market, rule)
        found: PayingLie | None = None
        for coalition in _coalitions(market):
            deviations, paying, first = _lies_of(market, gains, coalition)
            tried.deviations += deviations
            tried.paying += paying
            found = found or first
        tried.markets += 1
        tried.profiles += prod(len(types) for types in market.types.values())
        tried.trading += trading
        yield found


def gains_of(market: SmallMarket, rule: Rule) -> tuple[Mapping[str, Gains], int]:
    """Return what every agent gains, by its true type and what everybody reports, and how many profiles trade."""
    names = list(market.types)
    shape = tuple(len(types) for types in market.types.values())
    classes = _classes(market)
    gains = {name: np.zeros((len(market.types[name]), *shape), dtype=np.int64) for name in names}
    reporting, trading = Reporting(market), 0
    for place in product(*(range(count) for count in shape)):
        reports = {name: market.types[name][number] for name, number in zip(names, place, strict=True)}
        sales = reporting.sales(reports, rule)
        trading += bool(sales)
        for sale in sales:
            for number, limit in enumerate(market.types[sale.task_id]):
                gains[sale.task_id][(number, *place)] += (limit[0] - sale.buy_price) * sale.units
            for number, ask in enumerate(market.types[sale.prover_id]):
                cost = ask_of(ask, sale.lane, classes[sale.prover_id])
                gains[sale.prover_id][(number, *place)] += (sale.sell_price - cost) * sale.units
    return gains, trading


def pays(lie: PayingLie, rule: Rule) -> bool:
    """Do all members gain by it, compared with the truth of all?"""
    honest = _gained(lie.market, lie.truth, lie.truth, rule)
    lying = _gained(lie.market, lie.truth, {**lie.truth, **lie.lie}, rule)
    return all(lying[name] > honest[name] for name in lie.lie)


def smallest(lie: PayingLie, rule: Rule) -> PayingLie:
    """Return the market without everybody who is not needed for the lie to pay."""
    for name in lie.truth:
        if name in lie.lie:
            continue
        truth = {other: one for other, one in lie.truth.items() if other != name}
        smaller = PayingLie(market=lie.market.without(name), truth=truth, lie=lie.lie)
        if pays(smaller, rule):
            return smallest(smaller, rule)
    return lie


def _coalitions(market: SmallMarket) -> Iterator[tuple[str, ...]]:
    for members in range(1, MEMBERS_MAX + 1):
        yield from combinations(market.types, members)


def _lies_of(
    market: SmallMarket, gains: Mapping[str, Gains], coalition: tuple[str, ...]
) -> tuple[int, int, PayingLie | None]:
    """Return how many joint lies of a coalition were tried, how many pay, and the first that does.

    A member that reports the truth is none: the others are a smaller coalition then, and it was tried.
    """
    names = list(market.types)
    axes = [names.index(name) for name in coalition]
    kinds = [len(market.types[name]) for name in coalition]
    joint = prod(kinds)
    # [own type, joint report of the coalition, what all others report]
    tables = [
        np.moveaxis(gains[name], [axis + 1 for axis in axes], range(1, len(axes) + 1)).reshape(
            len(market.types[name]), joint, -1
        )
        for name in coalition
    ]
    numbers = np.array(list(product(*(range(kind) for kind in kinds))), dtype=np.int64)
    deviations = paying = 0
    first: PayingLie | None = None
    others = tables[0].shape[2]
    for truth, own in enumerate(numbers):
        lies = (numbers != own).all(axis=1)
        pay = np.repeat(lies[:, np.newaxis], others, axis=1)
        for table, number in zip(tables, own, strict=True):
            pay &= table[number] > table[number, truth]
        deviations += int(lies.sum()) * others
        if pay.any():
            paying += int(pay.sum())
            first = first or _first_of(market, coalition, tuple(own.tolist()), numbers, pay)
    return deviations, paying, first


def _first_of(
    market: SmallMarket,
    coalition: tuple[str, ...],
    own: tuple[int, ...],
    numbers: NDArray[np.int64],
    pay: NDArray[np.bool_],
) -> PayingLie:
    report, others = (int(place) for place in np.argwhere(pay)[0])
    rest = [name for name in market.types if name not in coalition]
    said = [int(one) for one in np.unravel_index(others, [len(market.types[name]) for name in rest])] if rest else []
    number_of = dict(zip([*coalition, *rest], [*own, *said], strict=True))
    return PayingLie(
        market=market,
        truth={name: market.types[name][number_of[name]] for name in market.types},
        lie={name: market.types[name][int(numbers[report][place])] for place, name in enumerate(coalition)},
    )


def _gained(market: SmallMarket, truth: Reports, reports: Reports, rule: Rule) -> dict[str, int]:
    classes = _classes(market)
    gained = dict.fromkeys(market.types, 0)
    for sale in Reporting(market).sales(reports, rule):
        gained[sale.task_id] += (truth[sale.task_id][0] - sale.buy_price) * sale.units
        cost = ask_of(truth[sale.prover_id], sale.lane, classes[sale.prover_id])
        gained[sale.prover_id] += (sale.sell_price - cost) * sale.units
    return gained


def _classes(market: SmallMarket) -> dict[str, list[str]]:
    return {prover_of(supplies): classes_of(supplies) for supplies in market.provers}


def faults_found() -> dict[str, int]:
    """Return in which market the fault of every broken rule is found first; -1 for one that is not found."""
    found = dict.fromkeys(BROKEN, -1)
    for name, rule in BROKEN.items():
        for number, lie in enumerate(search(rule, Tried(seed=SEED), sizes=SMALLEST_SIZES)):
            if lie is not None:
                found[name] = number
            if lie is not None or number >= BROKEN_MARKETS_MAX:
                break
    return found


def search_until(
    deviations: int, tried: Tried, *, state: Path | None = None, sizes: Sequence[tuple[int, int]] = SIZES
) -> PayingLie | None:
    """Search until so many deviations were tried; return the smallest market in which one pays.

    What was tried is kept in `state` after each market, so that a search that was stopped can go on.
    """
    least: PayingLie | None = None
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("deviations", total=deviations, completed=tried.deviations)
        searching = search(live, tried, sizes=sizes)
        while tried.deviations < deviations:
            found = next(searching)
            if found is not None:
                found = smallest(found, live)
                least = found if least is None else min(least, found, key=lambda one: one.size)
            progress.update(bar, completed=tried.deviations, description=f"{tried.paying} pay in")
            if state is not None:
                state.write_text(json.dumps(asdict(tried)))
    return least


def read_state(state: Path) -> dict[str, int]:
    """Return how far the search came that kept this file."""
    read: dict[str, int] = json.loads(state.read_text())
    return read


def run(*, repetitions: int) -> Result:
    """Search, first the broken rules, then the network's own."""
    busy = busy_percent()
    faults = faults_found()
    tried = Tried(seed=SEED)
    least = search_until(repetitions * TRIED_PER_REPETITION, tried)
    missed = [name for name, number in faults.items() if number < 0]
    return Result(
        name=NAME,
        measured="deviations that pay in small live stacks" + (f"; the smallest: {least.as_test()}" if least else ""),
        against="deviations tried, by coalitions of one to three",
        ratio=tried.paying / tried.deviations,
        targets=(
            Target(text=f"no deviation pays; {tried.paying} of {tried.deviations:,} do", met=not tried.paying),
            Target(
                text=f"the search finds the fault of each of {len(faults)} broken rules; it misses {missed or 'none'}",
                met=not missed,
            ),
        ),
        table=({**asdict(tried), **{f"{name} at market": number for name, number in faults.items()}},),
        busy_before_percent=busy,
    )


def main() -> int:
    """Search, and say what was found; the exit code is 1 where a lie pays."""
    options = _options()
    tried = Tried(seed=options.seed)
    if options.state is not None and options.state.exists():
        tried = Tried(**read_state(options.state))
    least = search_until(int(options.tried), tried, state=options.state)
    print(json.dumps(asdict(tried)))
    if least is not None:
        print(least.as_test())
    return 1 if tried.paying else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deviations", description=__doc__)
    parser.add_argument("--tried", type=float, default=TRIED, help="how many deviations to try, such as 1e8")
    parser.add_argument("--seed", type=int, default=SEED, help="of the markets")
    parser.add_argument("--state", type=Path, help="a file that remembers how far it came: the same command goes on")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
