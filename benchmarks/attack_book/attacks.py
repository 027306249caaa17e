"""The attack book: each attack changes an honest market into the one in which its owner attacks.

    A  junk large job        a huge job at the floor, that inflates sizes
    B  junk exclusions       jobs that all rivals are excluded from, at limit 1 or at the floor
    C  hopeless bid above    limit 1 in a constrained lane or in the class above, round after round
    D  tiny paid lane above  jobs of one unit, really paid, or floor bids, in a lane that only rivals meet
    E  splitting a task      one task of many jobs as many tasks of one
    F  shapes of a prover    fewer slots, more, two names with the same ask, a decoy that asks more
    G  phantom supply        provers of the client's that can run nothing
    I  pumping               own task and own prover in a quiet lane, to move its reference
    J  steering              a prover declines the lanes that pay less

H (mixed sizes) is no attack but a property of the mapping, and K (patience) takes markets that last: see patience.py.
Whoever attacks owns `CLIENT` or `OPERATOR`, and the junk: what the junk pays comes out of its gain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchmarks.attack_book.markets import CLIENT, NARROW, OPERATOR, QUIET
from benchmarks.attack_book.world import Machine, Market, Played, constrained, play
from proofgrid.simulation.attackers.market import MEDIUM, SMALL, Task

JUNK_UNITS = 60_000  #: the most that a small job may have
JUNK_LANE = constrained("0junk")  #: sorts before the other lanes with constraints
FLOOR, REFERENCE, TOP = (1, 4), (1, 1), (4, 1)

Attack = Callable[[Market], Market]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attack does in one market, in money's worth over all its rounds."""

    gain: int  #: of the attacker
    truthful: int  #: what the attacker has without it
    lost: int  #: by all others together, the treasury not counted
    others: int  #: what they have without it
    clients_lost: int
    clients: int
    provers_lost: int
    provers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to carry out an attack."""

    letter: str
    name: str
    owner: str  #: whose gain it is for
    attack: Attack


def outcome_of(owner: str, honest: Market, attacked: Market, before: Played | None = None) -> Outcome:
    """Play both markets and compare; `before`: the honest one, played already."""
    first = play(honest) if before is None else before
    second = play(attacked)
    lost = {side: _of(first, owner, side) - _of(second, owner, side) for side in ("client", "operator")}
    had = {side: _of(first, owner, side) for side in ("client", "operator")}
    return Outcome(
        gain=second.gains[owner] - first.gains[owner],
        truthful=first.gains[owner],
        lost=sum(lost.values()),
        others=sum(had.values()),
        clients_lost=lost["client"],
        clients=had["client"],
        provers_lost=lost["operator"],
        provers=had["operator"],
    )


def _of(played: Played, owner: str, side: str) -> int:
    return sum(gain for name, gain in played.gains.items() if side in name and name != owner)


def with_junk(
    market: Market,
    owner: str,
    *,
    units: tuple[int, ...] = (JUNK_UNITS,),
    lane: str = SMALL,
    limit: int | None = None,
    of_reference: tuple[int, int] | None = None,
    excludes: frozenset[str] = frozenset(),
    accepts: frozenset[str] | None = None,
) -> Market:
    """Return the market with a worthless task of its owner's in every round."""
    junk = tuple(
        Task(
            task_id=f"junk{now}",
            owner=owner,
            value=0,
            job_units=units,
            arrives=now,
            leaves=now + 1,
            lane=lane,
            limit=limit,
            limit_of_reference=of_reference,
            excludes=excludes,
        )
        for now in range(market.rounds)
    )
    lanes = dict(market.accepts) if accepts is None else {**market.accepts, lane: accepts}
    return replace(market, tasks=(*market.tasks, *junk), accepts=lanes)


def rivals(market: Market) -> frozenset[str]:
    """Return the provers that are not the attacking operator's."""
    return frozenset(one.prover_id for one in market.machines if one.owner != OPERATOR)


def everybody(market: Market) -> frozenset[str]:
    """Return all provers."""
    return frozenset(one.prover_id for one in market.machines)


def _with_machines(market: Market, *machines: Machine) -> Market:
    """Return the market with other machines for the attacking operator's; its first one's lanes accept them all."""
    first = next(one for one in market.machines if one.owner == OPERATOR)
    names = frozenset(machine.prover_id for machine in machines)
    accepts = {
        lane: accepted | names if first.prover_id in accepted else accepted for lane, accepted in market.accepts.items()
    }
    others = tuple(one for one in market.machines if one.owner != OPERATOR)
    return replace(market, machines=(*machines, *others), accepts=accepts)


def _own(market: Market) -> Machine:
    return next(one for one in market.machines if one.owner == OPERATOR)


def splitting(market: Market) -> Market:
    """E: every task of the client's becomes one task per job."""
    tasks: list[Task] = []
    for task in market.tasks:
        if task.owner != CLIENT:
            tasks.append(task)
            continue
        tasks += [
            replace(task, task_id=f"{task.task_id}-{number}", job_units=(units,))
            for number, units in enumerate(task.job_units)
        ]
    return replace(market, tasks=tuple(tasks))


def fewer_slots(market: Market) -> Market:
    """F: half of its slots stay at home."""
    own = _own(market)
    return _with_machines(market, replace(own, slots_said=max(1, own.slots // 2)))


def more_slots(market: Market) -> Market:
    """F: it offers half as many again; what lands on those fails."""
    own = _own(market)
    return _with_machines(market, replace(own, slots_said=own.slots + max(1, own.slots // 2)))


def two_names(market: Market) -> Market:
    """F: its slots under two names with the same ask."""
    own = _own(market)
    half = own.slots // 2
    return _with_machines(
        market, replace(own, slots=own.slots - half), replace(own, prover_id="sybil", slots=max(1, half))
    )


def a_decoy(market: Market) -> Market:
    """F: one of its slots under another name, which asks more and sets the price by leaving."""
    own = _own(market)
    decoy = replace(own, prover_id="sybil", slots=1, ask=own.cost * 13 // 10)
    return _with_machines(market, replace(own, slots=max(1, own.slots - 1)), decoy)


def phantoms(market: Market) -> Market:
    """G: a client's provers with many slots that no job fits, at next to no price."""
    names = [f"phantom{number}" for number in range(3)]
    slots = sum(machine.slots for machine in market.machines)
    phantom = tuple(Machine(prover_id=name, owner=CLIENT, cost=1, slots=slots, units_max=1) for name in names)
    accepts = {lane: accepted | frozenset(names) for lane, accepted in market.accepts.items()}
    return replace(market, machines=(*market.machines, *phantom), accepts=accepts)


def pumping(market: Market, *, alone: bool) -> Market:
    """I: in rounds without others' tasks it trades with itself in the quiet lane, at the highest price admitted."""
    busy = {task.arrives for task in market.tasks if task.lane == QUIET}
    junk = tuple(
        Task(
            task_id=f"pump{now}",
            owner=OPERATOR,
            value=0,
            job_units=(1,),
            arrives=now,
            leaves=now + 1,
            lane=QUIET,
            limit_of_reference=TOP,
            excludes=rivals(market) if alone else frozenset(),
        )
        for now in range(market.rounds)
        if now not in busy
    )
    own = replace(_own(market), asks={QUIET: REFERENCE})
    return _with_machines(replace(market, tasks=(*market.tasks, *junk)), own)


def declining(lane: str) -> Attack:
    """J: it does not serve a lane that it could."""
    return lambda market: _with_machines(market, replace(_own(market), declines=frozenset({lane})))


def dearer_in(lane: str) -> Attack:
    """J: it asks twice the reference in one lane."""
    return lambda market: _with_machines(market, replace(_own(market), asks={lane: (2, 1)}))


def _junk(letter: str, name: str, *owners: str, **junk: Any) -> list[Variant]:
    """Return variants of one kind of junk; a function in `junk` is asked for the value in each market."""

    def attack(owner: str, market: Market) -> Market:
        return with_junk(market, owner, **{key: one(market) if callable(one) else one for key, one in junk.items()})

    return [
        Variant(letter=letter, name=name, owner=owner, attack=partial(attack, owner))
        for owner in owners or (CLIENT, OPERATOR)
    ]


def _by_operator(letter: str, name: str, attack: Attack) -> Variant:
    return Variant(letter=letter, name=name, owner=OPERATOR, attack=attack)


VARIANTS: Sequence[Variant] = (
    *_junk("A", "60,000 PU at the floor", of_reference=FLOOR),
    *_junk("A", "60,000 PU at limit 1", limit=1),
    *_junk("B", "at limit 1", OPERATOR, units=(100,), limit=1, excludes=rivals),
    *_junk("B", "at the floor", OPERATOR, units=(100,), of_reference=FLOOR, excludes=rivals),
    *_junk("C", "limit 1, the rivals' lane", units=(750,), limit=1, lane=JUNK_LANE, accepts=rivals),
    *_junk("C", "limit 1, everybody's lane", units=(750,), limit=1, lane=JUNK_LANE, accepts=everybody),
    *_junk("C", "limit 1, the class above", limit=1, lane=MEDIUM),
    *_junk("D", "1 PU, paid", units=(1,), of_reference=TOP, lane=JUNK_LANE, accepts=rivals),
    *_junk("D", "100 jobs of 1 PU, paid", units=(1,) * 100, of_reference=TOP, lane=JUNK_LANE, accepts=rivals),
    *_junk("D", "60,000 PU at the floor", of_reference=FLOOR, lane=JUNK_LANE, accepts=rivals),
    *_junk("D", "1 PU, paid, the class above", units=(1,), of_reference=TOP, lane=MEDIUM),
    Variant(letter="E", name="a task per job", owner=CLIENT, attack=splitting),
    _by_operator("F", "half of its slots", fewer_slots),
    _by_operator("F", "half as many slots again", more_slots),
    _by_operator("F", "two names", two_names),
    _by_operator("F", "a decoy that asks more", a_decoy),
    Variant(letter="G", name="three phantoms", owner=CLIENT, attack=phantoms),
    _by_operator("I", "alone in a quiet lane", partial(pumping, alone=True)),
    _by_operator("I", "among others in a quiet lane", partial(pumping, alone=False)),
    _by_operator("J", "declines the wide lane", declining(SMALL)),
    _by_operator("J", "declines the narrow lane", declining(NARROW)),
    _by_operator("J", "asks twice the reference in the narrow lane", dearer_in(NARROW)),
)

LETTERS: Mapping[str, str] = {
    "A": "junk large job",
    "B": "junk exclusions",
    "C": "hopeless bid above",
    "D": "tiny paid lane above",
    "E": "splitting a task",
    "F": "shapes of a prover",
    "G": "phantom supply",
    "H": "mixed sizes",
    "I": "pumping a quiet lane",
    "J": "steering",
    "K": "patience",
}
