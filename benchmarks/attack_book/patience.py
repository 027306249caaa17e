"""K: what waiting for a better round earns, in markets that last, and what two cures would change.

Truth is best in one round. A client whose task can wait bids less first; a prover asks more and keeps its slot for a
dearer round. Markets here have waves of demand, tasks that stay for six rounds and jobs that keep a slot for several.

    least price   who was sold pays the least price that its lane had while it could have waited; the treasury lends
    a fee         for every unit that comes again in a round, a share of the setting
    batches       a round is held only every so often
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.attack_book.markets import CLIENT, OPERATOR, Shape, a_market
from benchmarks.attack_book.shares import error_of
from benchmarks.attack_book.world import Market, Played, play
from benchmarks.measuring import say
from proofgrid.simulation.attackers.market import SETTING

SHAPE = Shape(tasks=8, provers=10, rounds=36, stay=6, waves=True, round_units=400, narrow_share=0.0)
SHADES = (95, 90, 80, 70)  #: a client bids so many hundredths of its value, until its last round
ASKS = (110, 125, 150)  #: a prover asks so many hundredths of its cost

Accounts = tuple[Counter[str], int]  #: what everybody gains, and the treasury
Accounting = Callable[[Played], Accounts]


@dataclass(frozen=True, slots=True)
class Cure:
    """Rounds held one in `every`, and who pays what for them."""

    every: int
    accounts: Accounting


def as_sold(played: Played) -> Accounts:
    """Everybody pays the price of the round."""
    return played.gains, played.treasury


def least_price(played: Played) -> Accounts:
    """Whoever was sold pays the least price of its stay."""
    gains, treasury = Counter(played.gains), played.treasury
    for task, _, units, paid in played.sold:
        prices = played.prices[task.lane]
        least = min(price for now, price in prices.items() if task.arrives <= now < task.leaves)
        back = max(0, paid - least) * units
        gains[task.owner] += back
        treasury -= back
    return gains, treasury


def a_fee(permille: int) -> Accounting:
    """Each unit that comes again pays so many thousandths of the setting."""

    def accounts(played: Played) -> Accounts:
        gains, treasury = Counter(played.gains), played.treasury
        for task, _, units in played.waited:
            fee = units * SETTING * permille // 1_000
            gains[task.owner] -= fee
            treasury += fee
        return gains, treasury

    return accounts


CURES: Mapping[str, Cure] = {
    "none": Cure(1, as_sold),
    "least price of the stay": Cure(1, least_price),
    "a fee of 2% for coming again": Cure(1, a_fee(20)),
    "a fee of 5% for coming again": Cure(1, a_fee(50)),
    "batches of 2 rounds": Cure(2, as_sold),
    "batches of 3 rounds": Cure(3, as_sold),
}


def shading(market: Market, hundredths: int) -> Market:
    """The client bids less, and its value in the last round of its stay."""
    return replace(
        market,
        tasks=tuple(
            replace(task, limit=task.value * hundredths // 100, last_limit=task.value) if task.owner == CLIENT else task
            for task in market.tasks
        ),
    )


def asking_more(market: Market, hundredths: int) -> Market:
    """The middling prover asks more than its cost."""
    return replace(
        market,
        machines=tuple(
            replace(machine, ask=machine.cost * hundredths // 100) if machine.owner == OPERATOR else machine
            for machine in market.machines
        ),
    )


LIES = (
    *((shading, CLIENT, hundredths) for hundredths in SHADES),
    *((asking_more, OPERATOR, hundredths) for hundredths in ASKS),
)


def patience_rows(seeds: Sequence[int], cures: Mapping[str, Cure] = CURES) -> list[dict[str, Any]]:
    """Return what patience earns under each cure, and what the cure costs everybody."""
    markets = [a_market(SHAPE, seed) for seed in seeds]
    welfare_as_it_is = sum(play(market).welfare for market in markets)
    rows: list[dict[str, Any]] = []
    for every in sorted({cure.every for cure in cures.values()}):
        honest = [play(market, every=every) for market in markets]
        welfare = sum(played.welfare for played in honest)
        for lie, owner, hundredths in LIES:
            lying = [play(lie(market, hundredths), every=every) for market in markets]
            for name, cure in cures.items():
                if cure.every == every:
                    row = _row([cure.accounts(one) for one in honest], [cure.accounts(one) for one in lying], owner)
                    row |= {"variant": f"{owner.split()[0]} says {hundredths / 100:.2f}", "cure": name}
                    rows.append(row | {"welfare": round(welfare / welfare_as_it_is, 4)})
        say(f"patience, {every} rounds at a time: tried")
    return rows


def _row(honest: Sequence[Accounts], lying: Sequence[Accounts], owner: str) -> dict[str, Any]:
    truthful = [gains[owner] for gains, _ in honest]
    gained = [gains[owner] - before for (gains, _), before in zip(lying, truthful, strict=True)]
    everybody = sum(gains.total() for gains, _ in honest)
    others, others_lying = (sum(gains.total() - gains[owner] for gains, _ in side) for side in (honest, lying))
    return {
        "attack": "K",
        "what": "patience",
        "gain": round(sum(gained) / sum(truthful), 4),
        "gain_95": round(error_of(gained, truthful), 4),
        "others_lose": round(1 - others_lying / others, 4),
        "treasury": round(sum(treasury for _, treasury in honest) / everybody, 4),
    }
