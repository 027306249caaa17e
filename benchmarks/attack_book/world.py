"""A live market over some rounds, as plain values: who wants what, who offers what, and what everybody has in the end.

Markets are frozen, so an attack is a function that returns another market; both are played with the same beacons.
The rounds are the network's own (`run_stack`); references, waiting tasks and busy slots are carried on.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proofgrid.rules.jobs.classes import is_wide, lane_order, wide_lane_of
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, RoundOutcome, TaskDemand
from proofgrid.rules.market.stack import LaneDemands, Supplies, run_stack
from proofgrid.simulation.attackers.market import MEDIUM, SETTING, SMALL, Task

FOREVER = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A prover: what it costs, what it has, and what it says."""

    prover_id: str
    owner: str
    cost: int  #: per unit
    slots: int
    ask: int | None = None  #: None: its cost
    slots_said: int | None = None  #: None: as many as it has
    units_max: int | None = None  #: of a job that it can run
    asks: Mapping[str, tuple[int, int]] = field(
        default_factory=dict
    )  #: in these lanes it asks a share of the reference
    declines: frozenset[str] = frozenset()  #: lanes that it does not serve though it could


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Everything that happens, but for what the rules decide."""

    seed: int
    rounds: int
    tasks: tuple[Task, ...]
    machines: tuple[Machine, ...]
    accepts: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: constrained lane -> provers it accepts
    round_units: int = FOREVER  #: a job keeps its slot for a round, and another for each time that it exceeds this


@dataclass(slots=True, kw_only=True)
class Played:
    """What became of a market."""

    gains: Counter[str] = field(default_factory=Counter)  #: owner -> money's worth
    welfare: int = 0  #: value less cost of all that ran
    treasury: int = 0
    jobs: int = 0  #: that ran
    broken: int = 0  #: sold to a prover beyond its slots, or that it cannot run
    prices: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))  #: lane -> round -> buy price
    sold: list[tuple[Task, int, int, int]] = field(default_factory=list)  #: task, round, units, price
    waited: list[tuple[Task, int, int]] = field(default_factory=list)  #: task, round, units that came again


def play(market: Market, *, every: int = 1) -> Played:
    """Hold the rounds of a market, or one in `every`."""
    played = Played()
    waiting = {task.task_id: dict(enumerate(task.job_units)) for task in market.tasks}
    busy: dict[str, list[int]] = defaultdict(list)  #: prover -> until which rounds its slots are busy
    references: dict[str, int] = {}
    numbers: Counter[str] = Counter()
    arriving = sorted(market.tasks, key=lambda task: task.arrives)
    there: list[Task] = []
    for now in range(market.rounds):
        while arriving and arriving[0].arrives <= now:
            there.append(arriving.pop(0))
        there = [task for task in there if task.leaves > now and waiting[task.task_id]]
        for prover, until in busy.items():
            busy[prover] = [one for one in until if one > now]
        if now % every or not there:
            continue
        lanes = _lanes(market, there, waiting, references, numbers, now=now)
        supplies = [_supplies(market, one, busy, references) for one in market.machines]
        outcomes = run_stack(lanes, supplies, beacon=_beacon(market.seed, now))
        for outcome in outcomes:
            numbers[outcome.lane] += 1
            if outcome.next_reference is not None:
                references[outcome.lane] = outcome.next_reference
        _carry_out(market, played, outcomes, waiting, busy, now=now)
        _note_waiting(played, there, waiting, now=now)
    return played


def _lanes(
    market: Market,
    there: Iterable[Task],
    waiting: Mapping[str, Mapping[int, int]],
    references: Mapping[str, int],
    numbers: Counter[str],
    *,
    now: int,
) -> list[LaneDemands]:
    by_lane: dict[str, list[TaskDemand]] = defaultdict(list)
    of_client: Counter[str] = Counter()
    for task in there:
        reference = references.get(task.lane, SETTING)
        by_lane[task.lane].append(
            TaskDemand(
                task_id=task.task_id,
                jobs=tuple(
                    JobDemand(job_id=f"{task.task_id}.{number}", units=units, excluded=_unfit(market, task, units))
                    for number, units in waiting[task.task_id].items()
                ),
                limit_price=_limit(task, reference, now=now),
                program_digest="p",
                share=of_client[task.owner],
            )
        )
        of_client[task.owner] += 1
    return [
        LaneDemands(
            lane=lane,
            number=numbers[lane] + 1,
            previous=None,
            reference=references.get(lane, SETTING),
            demands=by_lane[lane],
        )
        for lane in sorted(by_lane, key=lane_order)
    ]


def _limit(task: Task, reference: int, *, now: int) -> int:
    if task.limit_of_reference is not None:
        part, parts = task.limit_of_reference
        return reference * part // parts
    if task.last_limit is not None and now + 1 >= task.leaves:
        return task.last_limit
    return task.value if task.limit is None else task.limit


def _unfit(market: Market, task: Task, units: int) -> frozenset[str]:
    """As the book has it: whoever is too small for the job, or barred from it, is excluded for it."""
    small = frozenset(one.prover_id for one in market.machines if one.units_max is not None and units > one.units_max)
    return task.excludes | small


def _supplies(
    market: Market, machine: Machine, busy: Mapping[str, Sequence[int]], references: Mapping[str, int]
) -> Supplies:
    slots = machine.slots if machine.slots_said is None else machine.slots_said
    lanes = [SMALL, MEDIUM, *(lane for lane, accepted in market.accepts.items() if machine.prover_id in accepted)]
    return {
        lane: ProverSupply(
            prover_id=machine.prover_id,
            operator=machine.owner,
            ask_price=_ask(machine, lane, references),
            free_slots=max(0, slots - len(busy.get(machine.prover_id, ()))),
            reputation_bucket=0,
        )
        for lane in lanes
        if lane not in machine.declines
    }


def _ask(machine: Machine, lane: str, references: Mapping[str, int]) -> int:
    if lane in machine.asks:
        part, parts = machine.asks[lane]
        return references.get(lane, SETTING) * part // parts
    return machine.cost if machine.ask is None else machine.ask


def _carry_out(
    market: Market,
    played: Played,
    outcomes: Iterable[RoundOutcome],
    waiting: Mapping[str, dict[int, int]],
    busy: Mapping[str, list[int]],
    *,
    now: int,
) -> None:
    """Run what was sold: a prover runs as many jobs at once as it has slots; the others, and what it cannot, fail."""
    tasks = {task.task_id: task for task in market.tasks}
    machines = {machine.prover_id: machine for machine in market.machines}
    for outcome in outcomes:
        if outcome.placements:
            played.prices[outcome.lane][now] = outcome.buy_price
        for one in outcome.placements:
            task, machine = tasks[one.task_id], machines[one.prover_id]
            too_large = machine.units_max is not None and one.units > machine.units_max
            if len(busy[machine.prover_id]) >= machine.slots or too_large:
                played.broken += 1
                continue
            busy[machine.prover_id].append(now + 1 + one.units // market.round_units)
            del waiting[one.task_id][int(one.job_id.rpartition(".")[2])]
            played.gains[task.owner] += (task.value - outcome.buy_price) * one.units
            played.gains[machine.owner] += (one.sell_price - machine.cost) * one.units
            played.welfare += (task.value - machine.cost) * one.units
            played.treasury += (outcome.buy_price - one.sell_price) * one.units
            played.jobs += 1
            played.sold.append((task, now, one.units, outcome.buy_price))


def _note_waiting(played: Played, there: Iterable[Task], waiting: Mapping[str, Mapping[int, int]], *, now: int) -> None:
    for task in there:
        units = sum(waiting[task.task_id].values())
        if units and now + 1 < task.leaves:
            played.waited.append((task, now + 1, units))


def _beacon(seed: int, now: int) -> bytes:
    return hashlib.sha256(f"{seed} {now}".encode()).digest()


def constrained(name: str, *, of: str = SMALL) -> str:
    """Return the name of a constrained lane."""
    lane = f"{of}/{name}"
    assert not is_wide(lane) and wide_lane_of(lane) == of
    return lane
