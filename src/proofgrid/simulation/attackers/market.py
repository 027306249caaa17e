"""A live market over some rounds, as plain values: who wants what, who offers what, who lies, and what all have then.

Markets are frozen, so an attack is a function that returns another market; both are played with the same beacons.
The rounds are the network's own (`run_stack`), and so is what becomes of leases that are handed back (`decide_retry`,
the breaker, slashes). References, waiting jobs, busy slots, pauses and exclusions are carried on from round to round.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proofgrid.rules.jobs.classes import lane_order
from proofgrid.rules.jobs.excuses import Finding, excuse_of
from proofgrid.rules.jobs.retry import RETRY_RULES, GiveUp, ReturnReason, Tried, decide_retry, ends_by_attempts
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, RoundOutcome, TaskDemand
from proofgrid.rules.market.stack import LaneDemands, Supplies, run_stack
from proofgrid.rules.reputation.breaker import Breaker, BreakerPolicy, BreakerState, after_outcome, state_of
from proofgrid.rules.scheduling.placement import Placement
from proofgrid.rules.staking.slashing import slash, slash_reason
from proofgrid.simulation.chance import beacon

SMALL, MEDIUM = "n/s/small", "n/s/medium"
SETTING = 1_000  #: the reference that a network starts its lanes with
ROUND_MS = 5_000
ATTEMPTS_MAX = 5
BOND = 10**12  #: of every operator, in base units: nobody runs out of it
QUEUE_MAX = 3  #: times its slots that a hoarder works off before leases run out


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a client wants proven, what it is worth to it, and what it says."""

    task_id: str
    owner: str
    value: int  #: base units per PU
    job_units: tuple[int, ...]
    arrives: int  #: the first round that it waits for
    leaves: int  #: the first round that it does not wait for any more
    lane: str = SMALL
    limit: int | None = None  #: per PU, what it bids; None: its value
    limit_of_reference: tuple[int, int] | None = None  #: it bids this share of its lane's reference
    last_limit: int | None = None  #: per PU, what it bids in the last round of its stay; None: as before
    excludes: frozenset[str] = frozenset()  #: provers that cannot run it, beside those that are too small


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A prover: what it costs, what it has, what it says, and what it does with a lease."""

    prover_id: str
    owner: str
    cost: int  #: base units per PU
    slots: int
    ask: int | None = None  #: per PU; None: its cost
    slots_said: int | None = None  #: None: as many as it has
    units_max: int | None = None  #: of a job that it can run
    excuse: str = ""  #: the code with which it hands every lease back; empty: it proves them
    hoards: bool = False  #: it takes leases beyond its slots and works them off one after another


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Everything that happens, but for what the rules decide."""

    seed: int
    rounds: int
    tasks: tuple[Task, ...]
    machines: tuple[Machine, ...]
    accepts: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: constrained lane -> provers it accepts


@dataclass(slots=True, kw_only=True)
class Played:
    """What became of a market; amounts in base units."""

    gains: Counter[str] = field(default_factory=Counter)  #: owner -> money's worth
    treasury: int = 0
    burnt: int = 0
    welfare: int = 0  #: value less cost of all that was proven: what all of them have together
    jobs: int = 0  #: that were proven
    returned: int = 0  #: leases that came back without a proof
    given_up: int = 0  #: jobs whose task ended by that


def play(market: Market) -> Played:
    """Hold all rounds of a market."""
    return _Live(market).run()


@dataclass(slots=True)
class _Job:
    """A job that is not proven yet."""

    units: int
    not_before_ms: int = 0
    attempts: int = 0
    returns: int = 0
    failed: set[str] = field(default_factory=set)  #: owners of machines that failed it in a way that counts
    excluded: dict[str, int] = field(default_factory=dict)  #: prover -> until when


class _Live:
    def __init__(self, market: Market) -> None:
        self._market = market
        self._played = Played()
        self._tasks = {task.task_id: task for task in market.tasks}
        self._machines = {machine.prover_id: machine for machine in market.machines}
        self._jobs = {
            task.task_id: {number: _Job(units) for number, units in enumerate(task.job_units)} for task in market.tasks
        }
        self._busy: dict[str, list[int]] = defaultdict(list)  #: prover -> rounds until which its slots are taken
        self._comes_back: dict[int, list[tuple[Placement, ReturnReason]]] = defaultdict(list)
        self._held: set[str] = set()  #: jobs under a lease that will come back
        self._breakers = {machine.prover_id: Breaker() for machine in market.machines}
        self._references: dict[str, int] = {}
        self._numbers: Counter[str] = Counter()

    def run(self) -> Played:
        arriving = sorted(self._market.tasks, key=lambda task: task.arrives)
        there: list[Task] = []
        for now in range(self._market.rounds):
            for placed, reason in self._comes_back.pop(now, ()):
                self._return(placed, reason, now=now)
            while arriving and arriving[0].arrives <= now:
                there.append(arriving.pop(0))
            there = [task for task in there if task.leaves > now and self._jobs[task.task_id]]
            for prover, until in self._busy.items():
                self._busy[prover] = [one for one in until if one > now]
            lanes = self._lanes(there, now=now)
            if lanes:
                supplies = [self._supplies(one, now=now) for one in self._market.machines]
                outcomes = run_stack(lanes, supplies, beacon=beacon(self._market.seed, now))
                self._take_note(outcomes, now=now)
        return self._played

    # --- orders ----------------------------------------------------------------------------------

    def _lanes(self, there: Iterable[Task], *, now: int) -> list[LaneDemands]:
        by_lane: dict[str, list[TaskDemand]] = defaultdict(list)
        of_client: Counter[str] = Counter()
        for task in there:
            jobs = self._for_sale(task, now=now)
            if not jobs:
                continue
            by_lane[task.lane].append(
                TaskDemand(
                    task_id=task.task_id,
                    jobs=jobs,
                    limit_price=_limit(task, self._references.get(task.lane, SETTING), now=now),
                    program_digest="p",
                    share=of_client[task.owner],
                )
            )
            of_client[task.owner] += 1
        return [
            LaneDemands(
                lane=lane,
                number=self._numbers[lane] + 1,
                previous=None,
                reference=self._references.get(lane, SETTING),
                demands=by_lane[lane],
            )
            for lane in sorted(by_lane, key=lane_order)
        ]

    def _for_sale(self, task: Task, *, now: int) -> tuple[JobDemand, ...]:
        at_ms = now * ROUND_MS
        found = []
        for number, job in self._jobs[task.task_id].items():
            job_id = f"{task.task_id}.{number}"
            if job.not_before_ms <= at_ms and job_id not in self._held:
                small = {
                    one.prover_id
                    for one in self._market.machines
                    if one.units_max is not None and job.units > one.units_max
                }
                barred = {prover for prover, until_ms in job.excluded.items() if until_ms > at_ms}
                excluded = task.excludes | small | barred
                found.append(JobDemand(job_id=job_id, units=job.units, excluded=excluded))
        return tuple(found)

    def _supplies(self, machine: Machine, *, now: int) -> Supplies:
        slots = machine.slots if machine.slots_said is None else machine.slots_said
        breaker = self._breakers[machine.prover_id]
        state = state_of(breaker, now_ms=now * ROUND_MS)
        allowed = {BreakerState.OPEN: 0, BreakerState.HALF_OPEN: 1}.get(state, slots)
        free = max(0, min(slots, allowed) - len(self._busy[machine.prover_id]))
        lanes = [SMALL, MEDIUM]
        lanes += [lane for lane, accepted in self._market.accepts.items() if machine.prover_id in accepted]
        supply = ProverSupply(
            prover_id=machine.prover_id,
            operator=machine.owner,
            ask_price=machine.cost if machine.ask is None else machine.ask,
            free_slots=free,
            reputation_bucket=min(3, breaker.outcomes.count("x") // 3),
        )
        return dict.fromkeys(lanes, supply)

    # --- leases ----------------------------------------------------------------------------------

    def _take_note(self, outcomes: Iterable[RoundOutcome], *, now: int) -> None:
        for outcome in outcomes:
            self._numbers[outcome.lane] += 1
            if outcome.next_reference is not None:
                self._references[outcome.lane] = outcome.next_reference
            for placed in outcome.placements:
                self._lease(placed, outcome.buy_price, now=now)

    def _lease(self, placed: Placement, buy_price: int, *, now: int) -> None:
        machine = self._machines[placed.prover_id]
        busy = self._busy[machine.prover_id]
        too_large = machine.units_max is not None and placed.units > machine.units_max
        if machine.excuse:
            self._will_come_back(placed, _reason_of(machine.excuse), at=now + 1)
        elif too_large:
            self._will_come_back(placed, ReturnReason.CHILD_CRASHED, at=now + 1)
        elif len(busy) < machine.slots:
            busy.append(now + 1)
            self._prove(placed, buy_price)
        elif not machine.hoards:
            self._will_come_back(placed, ReturnReason.CHILD_CRASHED, at=now + 1)
        elif len(busy) < QUEUE_MAX * machine.slots:
            busy.append(now + 1 + len(busy) // machine.slots)
            self._prove(placed, buy_price)
        else:
            busy.append(now + QUEUE_MAX)
            self._will_come_back(placed, ReturnReason.TIMED_OUT, at=now + QUEUE_MAX)

    def _prove(self, placed: Placement, buy_price: int) -> None:
        task, machine = self._tasks[placed.task_id], self._machines[placed.prover_id]
        del self._jobs[placed.task_id][_number(placed)]
        self._note_outcome(machine, fault=False, now=0)
        self._played.gains[task.owner] += (task.value - buy_price) * placed.units
        self._played.gains[machine.owner] += (placed.sell_price - machine.cost) * placed.units
        self._played.welfare += (task.value - machine.cost) * placed.units
        self._played.treasury += (buy_price - placed.sell_price) * placed.units
        self._played.jobs += 1

    def _will_come_back(self, placed: Placement, reason: ReturnReason, *, at: int) -> None:
        self._held.add(placed.job_id)
        self._comes_back[at].append((placed, reason))

    def _return(self, placed: Placement, reason: ReturnReason, *, now: int) -> None:
        self._held.discard(placed.job_id)
        self._played.returned += 1
        machine = self._machines[placed.prover_id]
        rule = RETRY_RULES[reason]
        if rule.prover_at_fault:
            self._note_outcome(machine, fault=True, now=now)
        self._slash(placed, machine, reason)
        jobs = self._jobs[placed.task_id]
        job = jobs.get(_number(placed))
        if job is None:
            return
        client = self._tasks[placed.task_id].owner
        if ends_by_attempts(reason) and machine.owner != client:
            job.failed.add(machine.owner)
        owners = {one.owner for one in self._market.machines}
        decision = decide_retry(
            reason,
            detail="",
            attempts=job.attempts,
            returns=job.returns,
            attempts_max=ATTEMPTS_MAX,
            now_ms=now * ROUND_MS,
            tried=Tried(failed=frozenset(job.failed), lane=frozenset(owners - {client})),
        )
        job.returns, job.attempts = job.returns + 1, decision.attempts
        if isinstance(decision, GiveUp):
            self._played.given_up += len(jobs)
            jobs.clear()
            return
        job.not_before_ms = decision.not_before_ms
        theirs = [one for one in self._market.machines if one.owner == machine.owner]
        for one in theirs if decision.exclude_operator else [machine]:
            job.excluded[one.prover_id] = decision.excluded_until_ms

    def _note_outcome(self, machine: Machine, *, fault: bool, now: int) -> None:
        self._breakers[machine.prover_id] = after_outcome(
            self._breakers[machine.prover_id], fault=fault, policy=BreakerPolicy(), now_ms=now * ROUND_MS
        )

    def _slash(self, placed: Placement, machine: Machine, reason: ReturnReason) -> None:
        why = slash_reason(reason, signed=True, gateway_at_fault=False)
        if why is None:
            return
        taken = slash(why, value=placed.sell_price * placed.units, bond=BOND, can_be_rescued=False)
        self._played.gains[machine.owner] -= taken.amount
        self._played.gains[self._tasks[placed.task_id].owner] += taken.client
        self._played.burnt += taken.burnt


def _reason_of(code: str) -> ReturnReason:
    """Return what a lie comes to: the gateway looks, and it is not so."""
    return excuse_of(code).reason(Finding.FALSE)


def _limit(task: Task, reference: int, *, now: int) -> int:
    if task.limit_of_reference is not None:
        part, parts = task.limit_of_reference
        return reference * part // parts
    if task.last_limit is not None and now + 1 >= task.leaves:
        return task.last_limit
    return task.value if task.limit is None else task.limit


def _number(placed: Placement) -> int:
    return int(placed.job_id.rpartition(".")[2])


def constrained(name: str, *, of: str = SMALL) -> str:
    """Return the name of a lane with constraints; `of`: the wide lane of its class."""
    return f"{of}/{name}"


def slots_of(machines: Sequence[Machine]) -> int:
    """Return how many jobs they can run at once."""
    return sum(machine.slots for machine in machines)
