"""What attackers do, as one table: each row changes the honest market into the one in which its owner attacks.

The owner is one and the same in both markets: it has a middling prover and sends a task in each round. Junk is worth
nothing to it, so what the junk pays comes out of its gain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from proofgrid.primitives.errors import InvalidField
from proofgrid.simulation.attackers.honest import ATTACKER
from proofgrid.simulation.attackers.market import Machine, Market, Task, constrained, slots_of

JUNK_UNITS = 60_000  #: the most that a small job may have
JUNK_LANE = constrained("0junk")  #: comes before the other lanes with constraints
FLOOR, TOP = (1, 4), (4, 1)  #: of a lane's reference
CHEAP = 1  #: the least that can be asked
NAMES = 5
SHADING, PATIENCE = (4, 5), (5, 4)

Change = Callable[[Market], Market]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One way to attack."""

    name: str
    summary: str  #: for the report and for help
    change: Change


def _with_junk(market: Market, **junk: object) -> Market:
    """Return the market with one worthless task of the attacker's in every round."""
    tasks = tuple(
        Task(
            **{  # type: ignore[arg-type]  # the rows below name fields of Task
                "task_id": f"junk{now}",
                "owner": ATTACKER,
                "value": 0,
                "job_units": (JUNK_UNITS,),
                "arrives": now,
                "leaves": now + 1,
                **junk,
            }
        )
        for now in range(market.rounds)
    )
    return replace(market, tasks=(*market.tasks, *tasks))


def _junk_job(market: Market) -> Market:
    return _with_junk(market, limit_of_reference=FLOOR)


def _junk_exclusions(market: Market) -> Market:
    return _with_junk(market, job_units=(100,), limit=1, excludes=_rivals(market))


def _hopeless_bids(market: Market) -> Market:
    lanes = {**market.accepts, JUNK_LANE: _rivals(market)}
    return replace(_with_junk(market, job_units=(750,), limit=1, lane=JUNK_LANE), accepts=lanes)


def _paid_lane(market: Market) -> Market:
    lanes = {**market.accepts, JUNK_LANE: _rivals(market)}
    return replace(_with_junk(market, job_units=(1,), limit_of_reference=TOP, lane=JUNK_LANE), accepts=lanes)


def _phantom_supply(market: Market) -> Market:
    names = frozenset(f"phantom{number}" for number in range(NAMES))
    slots = slots_of(market.machines)
    phantoms = tuple(
        Machine(prover_id=name, owner=ATTACKER, cost=CHEAP, slots=slots, units_max=1) for name in sorted(names)
    )
    accepts = {lane: accepted | names for lane, accepted in market.accepts.items()}
    return replace(market, machines=(*market.machines, *phantoms), accepts=accepts)


def _blames(code: str, market: Market) -> Market:
    # It runs nothing, so it says as many slots as it likes.
    slots = slots_of(market.machines)
    return _with_own(market, lambda own: [replace(own, ask=CHEAP, excuse=code, slots_said=slots)])


def _sybil_names(market: Market) -> Market:
    """Every name says all of the slots; what lands beyond them fails under a name that has not failed yet."""
    return _with_own(
        market,
        lambda own: [
            replace(own, prover_id=f"{own.prover_id}-{name}", slots=max(1, own.slots // NAMES), slots_said=own.slots)
            for name in range(NAMES)
        ],
    )


def _hoarding(market: Market) -> Market:
    return _with_own(market, lambda own: [replace(own, ask=CHEAP, hoards=True, slots_said=8 * own.slots)])


def _shading(market: Market) -> Market:
    part, parts = SHADING
    return replace(
        market,
        tasks=tuple(
            replace(task, limit=task.value * part // parts, last_limit=task.value) if task.owner == ATTACKER else task
            for task in market.tasks
        ),
    )


def _patience(market: Market) -> Market:
    part, parts = PATIENCE
    return _with_own(market, lambda own: [replace(own, ask=own.cost * part // parts)])


def _rivals(market: Market) -> frozenset[str]:
    return frozenset(one.prover_id for one in market.machines if one.owner != ATTACKER)


def _with_own(market: Market, change: Callable[[Machine], Sequence[Machine]]) -> Market:
    """Return the market with other machines for the attacker's; its lanes accept them all."""
    [own] = [one for one in market.machines if one.owner == ATTACKER]
    machines = tuple(change(own))
    names = frozenset(machine.prover_id for machine in machines)
    accepts = {
        lane: accepted | names if own.prover_id in accepted else accepted for lane, accepted in market.accepts.items()
    }
    others = tuple(one for one in market.machines if one.owner != ATTACKER)
    return replace(market, machines=(*machines, *others), accepts=accepts)


ATTACKS: Mapping[str, Attack] = {
    one.name: one
    for one in (
        Attack(name="junk-job", summary="a job of 60,000 PU at the floor, every round", change=_junk_job),
        Attack(name="junk-exclusions", summary="jobs at limit 1 that no rival may have", change=_junk_exclusions),
        Attack(name="hopeless-bids", summary="limit 1 in a lane that only rivals meet", change=_hopeless_bids),
        Attack(name="paid-lane", summary="1 PU, really paid, in a lane that only rivals meet", change=_paid_lane),
        Attack(name="phantom-supply", summary="provers with slots that no job fits", change=_phantom_supply),
        Attack(
            name="blame-store",
            summary="asks next to nothing and says of every job that its input is lost (PG-310)",
            change=partial(_blames, "PG-310"),
        ),
        Attack(
            name="blame-network",
            summary="asks next to nothing and says that the store does not answer (PG-300)",
            change=partial(_blames, "PG-300"),
        ),
        Attack(
            name="declining",
            summary="asks next to nothing and declines every lease (PG-330)",
            change=partial(_blames, "PG-330"),
        ),
        Attack(name="sybil-names", summary="five names, each of which says all of the slots", change=_sybil_names),
        Attack(
            name="hoarding",
            summary="takes eight times its slots and works them off one after another",
            change=_hoarding,
        ),
        Attack(name="shading", summary="a client that bids 0.8 of its value until the last round", change=_shading),
        Attack(name="patience", summary="a prover that asks 1.25 of its cost", change=_patience),
    )
}


def parse_attackers(text: str) -> tuple[str, ...]:
    """Return the attackers that a text like `junk-job,hoarding` names; `all`, or `none`. Raises InvalidField."""
    if text in ("all", "none"):
        return tuple(ATTACKS) if text == "all" else ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := [name for name in names if name not in ATTACKS]:
        raise InvalidField(
            f"no attacker {unknown[0]!r}", field="attackers", hint=f"all, none, or some of {', '.join(ATTACKS)}"
        )
    return names
