"""What attackers earn against the same owner being honest, and what the honest lose, over seeded markets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from proofgrid.simulation.attackers.attacks import ATTACKS, Attack
from proofgrid.simulation.attackers.honest import ATTACKER, honest_market
from proofgrid.simulation.attackers.market import Market, Played, play

CONFIDENCE = 1.96  #: standard errors in 95%


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One market, honest and attacked; money's worth in base units."""

    seed: int
    honest: int  #: of the owner
    attacking: int
    clients_had: int  #: all the others
    clients_lost: int
    operators_had: int
    operators_lost: int
    treasury_gained: int
    given_up: int  #: jobs that ended without a proof because of what provers said


CASE_COLUMNS = tuple(one.name for one in fields(Case))


@dataclass(frozen=True, slots=True, kw_only=True)
class Earnings:
    """What one attack came to. Shares are of what its owner, or the others, have when it is honest."""

    attack: Attack
    cases: tuple[Case, ...]

    @property
    def gain_share(self) -> float:
        return self._gain / self._honest

    @property
    def gain_error(self) -> float:
        """Half of the 95% confidence interval of the gain's share; infinite for one case."""
        if len(self.cases) < 2:
            return math.inf
        gains = np.array([one.attacking - one.honest for one in self.cases], dtype=float)
        return float(CONFIDENCE * np.std(gains, ddof=1) * math.sqrt(len(gains)) / self._honest)

    @property
    def clients_lose(self) -> float:
        return sum(one.clients_lost for one in self.cases) / max(1, sum(one.clients_had for one in self.cases))

    @property
    def operators_lose(self) -> float:
        return sum(one.operators_lost for one in self.cases) / max(1, sum(one.operators_had for one in self.cases))

    @property
    def _gain(self) -> int:
        return sum(one.attacking - one.honest for one in self.cases)

    @property
    def _honest(self) -> int:
        return max(1, sum(one.honest for one in self.cases))


def attack_earnings(
    names: Sequence[str],
    *,
    seed: int,
    cases: int,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[], None] = lambda: None,
) -> list[Earnings]:
    """Return what each of these attacks earns in so many markets, from a seed on; stops between two markets."""
    found: dict[str, list[Case]] = {name: [] for name in names}
    for number in range(cases if names else 0):
        market = honest_market(seed + number)
        honest = play(market)
        progress()
        for name in names:
            if should_stop():
                return _earnings(found)
            found[name].append(_case(market, honest, play(ATTACKS[name].change(market))))
            progress()
    return _earnings(found)


def plays_of(names: Sequence[str], cases: int) -> int:
    """Return how many markets are played for so many cases."""
    return cases * (1 + len(names)) if names else 0


def _earnings(found: dict[str, list[Case]]) -> list[Earnings]:
    return [Earnings(attack=ATTACKS[name], cases=tuple(cases)) for name, cases in found.items() if cases]


def _case(market: Market, honest: Played, attacked: Played) -> Case:
    operators = {machine.owner for machine in market.machines} - {ATTACKER}
    clients = {task.owner for task in market.tasks} - {ATTACKER}
    return Case(
        seed=market.seed,
        honest=honest.gains[ATTACKER],
        attacking=attacked.gains[ATTACKER],
        clients_had=_of(honest, clients),
        clients_lost=_of(honest, clients) - _of(attacked, clients),
        operators_had=_of(honest, operators),
        operators_lost=_of(honest, operators) - _of(attacked, operators),
        treasury_gained=attacked.treasury - honest.treasury,
        given_up=attacked.given_up,
    )


def _of(played: Played, owners: set[str]) -> int:
    return sum(played.gains[owner] for owner in owners)
