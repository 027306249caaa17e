"""Decides why an open job waits, out of what is known of it, of its lane and of the provers; nothing is written.

    job -> not for sale yet? -> who could have it, busy or not? -> at its price? -> who of them is free?
           blocked, put_off     unserved, put_off                  too_cheap        busy | outbid, share, due

The first question that has an answer is the reason. Bids of others are not looked at, only the price of the latest
round, which is public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proofgrid.rules.jobs.lifecycle import JobState
from proofgrid.rules.jobs.phases import remaining_ms
from proofgrid.rules.jobs.retry import FOREVER_MS
from proofgrid.rules.jobs.speed import Speed, expected_ms
from proofgrid.rules.jobs.waiting import Demand, WaitReason, Waits, nearest
from proofgrid.rules.market.quote import UNITS_PER_SECOND
from proofgrid.rules.scheduling.fitness import ProverRoom


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """A job that nobody proves yet, as its row says; times are ms since the epoch, by the gateways' clock."""

    state: JobState
    units: int
    memory_bytes: int
    limit_price: int  #: base units per PU
    not_before_ms: int = 0
    barred: Mapping[str, int] | None = None  #: provers and operators -> until when they may not have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A connected prover of the job's proof system, busy or not."""

    room: ProverRoom  #: with all of its memory, as if it were idle
    lacks: tuple[Demand, ...]  #: of what the job's lane demands
    ask_price: int  #: base units per PU, for the lane's class
    free_slots: int
    free_bytes: int  #: of memory, beside its jobs
    next_free_ms: int | None = None  #: until a slot of it is free, about; None: nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneNow:
    """What is public of a lane."""

    floor: int  #: per PU, the least bid that is admitted
    ceil: int  #: per PU, the highest ask that is admitted; at least 1
    price: int | None = None  #: per PU, to which the latest round came; None: there was none in the last minute
    in_flight: int = 0  #: jobs of the client


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A lease that keeps a slot busy."""

    units: int
    started_ms: int  #: 0: not yet
    permille: int  #: of the job, as its prover says


def why_waits(job: OpenJob, candidates: Sequence[Candidate], lane: LaneNow, *, now_ms: int) -> Waits | None:
    """Return why the job waits; None for one that does not."""
    if job.state is JobState.WAITING:
        return Waits(reason=WaitReason.BLOCKED)
    if job.state is not JobState.READY:
        return None
    able = [one for one in candidates if not _lacks(one, job)]
    may_from_ms = min((_barred_until(one, job) for one in able), default=0)
    again_ms = max(job.not_before_ms, may_from_ms)
    if may_from_ms >= FOREVER_MS:
        return Waits(reason=WaitReason.UNSERVED, unmet=(Demand.NO_FAILURE,))
    if again_ms > now_ms:
        return Waits(reason=WaitReason.PUT_OFF, after_ms=again_ms - now_ms)
    if not able:
        return Waits(reason=WaitReason.UNSERVED, unmet=nearest(_lacks(one, job) for one in candidates))
    open_to = [one for one in able if _barred_until(one, job) <= now_ms]
    return _too_cheap(job, open_to, lane) or _among_those_who_sell(job, open_to, lane)


def next_free_ms(running: Iterable[Running], speed: Speed, *, now_ms: int) -> int | None:
    """Return how long until the first of a prover's jobs is done, about; None when it has none.

    By its progress where it says some, else by its measured speed, else by that of one reference core.
    """
    return min((_left_ms(one, speed, now_ms) for one in running), default=None)


def _left_ms(one: Running, speed: Speed, now_ms: int) -> int:
    if one.started_ms and one.permille:
        return remaining_ms(one.started_ms, one.permille, now_ms=now_ms)
    ran_ms = now_ms - one.started_ms if one.started_ms else 0
    return max(0, expected_ms(one.units, speed, least_units_per_second=_least(speed)) - ran_ms)


def _least(speed: Speed) -> int:
    return 1 if speed.is_measured else UNITS_PER_SECOND


def _lacks(one: Candidate, job: OpenJob) -> tuple[Demand, ...]:
    fits = one.room.can_hold(units=job.units, memory_bytes=job.memory_bytes)
    return one.lacks if fits else (*one.lacks, Demand.SIZE)


def _barred_until(one: Candidate, job: OpenJob) -> int:
    barred = job.barred or {}
    return max(barred.get(one.room.prover_id, 0), barred.get(one.room.operator, 0))


def _too_cheap(job: OpenJob, able: Sequence[Candidate], lane: LaneNow) -> Waits | None:
    cheapest = min(one.ask_price for one in able)
    if cheapest > lane.ceil:
        return Waits(reason=WaitReason.TOO_CHEAP, price=cheapest, price_max=lane.ceil)
    least = max(cheapest, lane.floor)
    return Waits(reason=WaitReason.TOO_CHEAP, price=least) if job.limit_price < least else None


def _among_those_who_sell(job: OpenJob, able: Sequence[Candidate], lane: LaneNow) -> Waits:
    selling = [one for one in able if one.ask_price <= job.limit_price]
    if not any(one.free_slots > 0 and one.free_bytes >= job.memory_bytes for one in selling):
        free = [one.next_free_ms for one in selling if one.next_free_ms is not None]
        return Waits(reason=WaitReason.BUSY, after_ms=max(1, min(free)) if free else 0)
    if lane.price is not None and lane.price >= job.limit_price:
        return Waits(reason=WaitReason.OUTBID, price=lane.price)
    if lane.in_flight:
        return Waits(reason=WaitReason.SHARE, jobs=lane.in_flight)
    return Waits(reason=WaitReason.DUE)
