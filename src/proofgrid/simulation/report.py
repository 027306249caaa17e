"""What a run comes to, as one JSON value: the same bytes for the same scenario, so no machine's clock is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from proofgrid.rules.market.columns import Column
from proofgrid.simulation.attackers.attacks import ATTACKS
from proofgrid.simulation.attackers.earnings import CASE_COLUMNS, Earnings
from proofgrid.simulation.lies import PRICE_LIES, Lies
from proofgrid.simulation.pairs import Comparison
from proofgrid.simulation.population import CLASSES
from proofgrid.simulation.scenario import Scenario, Strategy
from proofgrid.simulation.world import NEVER, World

FORMAT, VERSION = "proofgrid/simulation", 1
POINTS_MAX = 240  #: of a curve
PERCENTILES = (50, 90, 99)
PLACES = 4

Report = dict[str, Any]


def report_of(
    world: World,
    *,
    comparisons: Sequence[Comparison] = (),
    lies: Lies | None = None,
    attacks: Sequence[Earnings] = (),
    cases: int = 0,
    attackers: Sequence[str] = tuple(ATTACKS),
    complete: bool = True,
) -> Report:
    """Return everything that there is to tell; `cases` pairs of runs were asked for, and these attackers."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "complete": complete,
        "command": command_of(world.scenario, cases=cases, attackers=attackers),
        "scenario": world.scenario.as_json(),
        "totals": _totals(world),
        "classes": [_class(world, lane) for lane in range(len(CLASSES))],
        "clients": _clients(world),
        "series": _series(world),
        "welfare": _welfare(world),
        "strategies": _strategies(world),
        "deviations": [_comparison(one) for one in comparisons],
        "lies_in_one_round": _lies(lies),
        "griefing": _griefing(lies),
        "attackers": [_earnings(one) for one in attacks],
        "money": _money(world),
    }


def command_of(scenario: Scenario, *, cases: int = 0, attackers: Sequence[str] = tuple(ATTACKS)) -> str:
    """Return the command that makes this report again."""
    chosen = "" if not cases or len(attackers) == len(ATTACKS) else f" --attackers {','.join(attackers) or 'none'}"
    return (
        f"proofgrid simulate {scenario.name} --provers {scenario.provers} --jobs {scenario.jobs}"
        f" --clients {scenario.clients} --load {scenario.load_permille // 10}"
        f" --deadline {scenario.deadline_ms // 1_000} --seed {scenario.seed} --cases {cases}{chosen}"
    )


def _totals(world: World) -> Report:
    history = world.history
    return {
        "simulated_ms": world.clock.now_ms,
        "arrivals_until_ms": world.duration_ms,
        "events": world.clock.facts,
        "rounds": history.rounds,
        "rounds_with_both_sides": history.two_sided,
        "jobs_open": world.open_jobs,
        "jobs": dict(sorted(history.endings.items())),
        "leases": dict(sorted(history.outcomes.items())),
        "paid_to_operators": int(world.accounts.machine.sum()),
        "slashed": int(world.slashed.sum()),
        "griefer_paid": history.attacker_paid,
    }


def _class(world: World, lane: int) -> Report:
    of_lane = world.jobs.lane == lane
    known = world.history.utilisation
    during = [shares[lane] for at_ms, shares in known if at_ms <= world.duration_ms]
    traded = [row for row in world.history.lanes if row[1] == lane and row[5]]
    units = np.array([row[5] for row in traded], dtype=np.int64)
    buy, sell = (np.array([row[column] for row in traded], dtype=np.int64) for column in (3, 4))
    return {
        "class": str(CLASSES[lane]),
        "provers": int((world.provers.lane == lane).sum()),
        "jobs": int(of_lane.sum()),
        "proven": int((of_lane & (world.done_ms != NEVER)).sum()),
        "utilisation": _rounded(np.mean(during)) if during else 0.0,
        "waiting_ms": _percentiles((world.sold_ms - world.jobs.arrival_ms)[of_lane & (world.sold_ms != NEVER)]),
        "until_proof_ms": _percentiles((world.done_ms - world.jobs.arrival_ms)[of_lane & (world.done_ms != NEVER)]),
        "units_sold": int(units.sum()),
        "buy_price_mean": _rounded(np.average(buy, weights=units), 1) if len(units) else None,
        "sell_price_mean": _rounded(np.average(sell, weights=units), 1) if len(units) else None,
        "equal_prices_share": _rounded(np.mean(buy == sell)) if len(units) else None,
    }


def _clients(world: World) -> list[Report]:
    """Who sends very much, and everybody else."""
    floods = world.jobs.client == 0
    groups = [("flooding client", floods), ("all others", ~floods)]
    if not world.scenario.flood_permille:
        groups = [("all", np.ones(len(world.jobs), dtype=np.bool_))]
    return [
        {
            "who": who,
            "jobs": int(chosen.sum()),
            "proven_share": _rounded(np.mean(world.done_ms[chosen] != NEVER)) if chosen.any() else None,
            "waiting_ms": _percentiles((world.sold_ms - world.jobs.arrival_ms)[chosen & (world.sold_ms != NEVER)]),
        }
        for who, chosen in groups
    ]


def _series(world: World) -> Report:
    history = world.history
    moments = _thinned(history.utilisation)
    return {
        "utilisation": {
            "at_ms": [at_ms for at_ms, _ in moments],
            **{str(name): [_rounded(shares[lane]) for _, shares in moments] for lane, name in enumerate(CLASSES)},
        },
        "prices": {
            str(name): [list(row[0:1] + row[2:6]) for row in _thinned([r for r in history.lanes if r[1] == lane])]
            for lane, name in enumerate(CLASSES)
        },
        "prices_columns": ["at_ms", "next_reference", "buy_price", "sell_price", "units"],
        "treasury": [list(row) for row in _thinned(history.treasury)],
        "waiting_jobs": {
            str(name): [[row[0], row[8]] for row in _thinned([r for r in history.lanes if r[1] == lane])]
            for lane, name in enumerate(CLASSES)
        },
    }


def _welfare(world: World) -> Report:
    """Compare some rounds with the exact optimum of their books."""
    found = [row for row in world.history.windows if row[5] > 0]
    shares = [row[4] / row[5] for row in found]
    large = [share for share, row in zip(shares, found, strict=True) if row[2] >= 50 and row[3] >= 15]
    return {
        "windows": len(found),
        "median": _rounded(np.median(shares)) if shares else None,
        "mean": _rounded(np.mean(shares)) if shares else None,
        "windows_50_bids_15_asks": len(large),
        "median_50_bids_15_asks": _rounded(np.median(large)) if large else None,
        "of_all_windows_together": _rounded(sum(r[4] for r in found) / sum(r[5] for r in found)) if found else None,
        "rows_columns": ["round", "class", "bids", "asks", "welfare", "optimum"],
        "rows": [[row[0], str(CLASSES[row[1]]), *row[2:]] for row in found],
    }


def _strategies(world: World) -> list[Report]:
    """What machines of each strategy earned in this run; they differ in hardware, so this is no comparison."""
    profit = world.profit()
    slots = np.bincount(world.provers.machine, world.provers.slots, minlength=world.scenario.provers)
    rows = []
    for strategy in Strategy:
        machines = [number for number, one in enumerate(world.provers.strategy) if one is strategy]
        if machines:
            rows.append(
                {
                    "strategy": str(strategy),
                    "machines": len(machines),
                    "proofs": int(world.proofs[machines].sum()),
                    "slashed": int(world.slashed[machines].sum()),
                    "profit_per_slot": int(profit[machines].sum() / slots[machines].sum()),
                }
            )
    return rows


def _comparison(one: Comparison) -> Report:
    per_honest = abs(one.honest_mean) or 1.0
    return {
        "strategy": str(one.strategy),
        "cases": len(one.pairs),
        "honest_mean": _rounded(one.honest_mean),
        "gain_mean": _rounded(one.gain_mean),
        "gain_share": _rounded(one.gain_mean / per_honest),
        "gain_share_95": _rounded(one.gain_error / per_honest) if len(one.pairs) > 1 else None,
        "pays_share": _rounded(one.pays_share),
        "pairs_columns": ["seed", "honest", "deviating", "capacity_units"],
        "pairs": [[pair.seed, pair.honest, pair.deviating, pair.capacity_units] for pair in one.pairs],
    }


def _lies(lies: Lies | None) -> list[Report]:
    rows = []
    for name, tally in (lies.tallies if lies else {}).items():
        change = np.array(tally.lying, dtype=np.int64) - np.array(tally.truthful, dtype=np.int64)
        truth = sum(tally.truthful) or 1
        rows.append(
            {
                "lie": name,
                "about_a_price_alone": name in PRICE_LIES,
                "cases": len(change),
                "pays_share": _rounded(np.mean(change > 0)),
                "gains_share": _rounded(int(change[change > 0].sum()) / truth),
                "change_share": _rounded(int(change.sum()) / truth),
            }
        )
    return rows


def _griefing(lies: Lies | None) -> list[Report]:
    return [
        {
            "rule": rule,
            "rounds": tally.rounds,
            "stopped": tally.stopped,
            "bought_out": tally.bought_out,
            "lost_share": _rounded(tally.lost / tally.others) if tally.others else None,
            "paid_over_what_others_gain": _rounded(tally.paid / tally.others) if tally.others else None,
        }
        for rule, tally in sorted((lies.griefing_by_rule if lies else {}).items())
    ]


def _earnings(one: Earnings) -> Report:
    return {
        "attacker": one.attack.name,
        "what": one.attack.summary,
        "cases": len(one.cases),
        "gain_share": _rounded(one.gain_share),
        "gain_share_95": _rounded(one.gain_error) if len(one.cases) > 1 else None,
        "clients_lose_share": _rounded(one.clients_lose),
        "operators_lose_share": _rounded(one.operators_lose),
        "jobs_ended_unproven": sum(case.given_up for case in one.cases),
        "rows_columns": list(CASE_COLUMNS),
        "rows": [[getattr(case, name) for name in CASE_COLUMNS] for case in one.cases],
    }


def _money(world: World) -> Report:
    accounts = world.accounts
    balances = {
        "mint": accounts.mint,
        "clients": int(accounts.client.sum()),
        "escrow": int(accounts.escrow.sum()),
        "operators": int(accounts.machine.sum()),
        "bonds": int(accounts.bond.sum()),
        "treasury": accounts.treasury,
    }
    return {**balances, "sum": sum(balances.values()), "checked_rounds": world.history.checks}


def _percentiles(values: Column) -> Report:
    if not len(values):
        return {f"p{share}": None for share in PERCENTILES}
    return {f"p{share}": round(float(np.percentile(values, share))) for share in PERCENTILES}


def _thinned(rows: Sequence[Any]) -> Sequence[Any]:
    """Return every so many rows, the last one among them."""
    step = -(-len(rows) // POINTS_MAX) or 1
    return rows[::-1][::step][::-1]


def _rounded(value: float | np.floating[Any], places: int = PLACES) -> float:
    return round(float(value), places)
