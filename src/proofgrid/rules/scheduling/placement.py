"""Which prover runs which job: the winners' jobs and the filled provers, laid on one line.

    jobs    | a1 | a2 | b1 | b2 |              in rank order of their bids, one slot each
    slots   |----p----|--q--|--r--|.....|.....|   in rank order of the provers; dots: still in, unsold
              a1, a2 -> p, b1 -> q, b2 -> r

A job goes to the prover whose slot it falls on. No price is read: all that counts is who is still in, and no winner
can change that by its price (dara.md, section 2, lemma), so placing jobs rewards no lie. Nobody gets more jobs than it
has slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proofgrid.rules.scheduling.demand_and_supply import JobDemand


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One job and the prover that won it."""

    job_id: str
    task_id: str
    prover_id: str
    units: int
    sell_price: int  #: the operator receives this per unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A prover that is still in: what it sold, and what it has."""

    prover_id: str
    sold: int  #: slots
    slots: int


def place_jobs(
    winners: Iterable[tuple[str, Sequence[JobDemand]]], line: Sequence[Stretch], *, sell_price: int
) -> tuple[tuple[Placement, ...], tuple[str, ...]]:
    """Return the placements, and the ids of jobs that no prover still in may run or has room for.

    `winners` are (task id, jobs); both they and the `line` are in rank order. A job that falls on an excluded prover
    moves to the next one on the line, around its end, that is not excluded and has room. Jobs that lie well are
    placed first, so that a move never takes the room of somebody who did not need one.
    """
    queue = [(task_id, job) for task_id, jobs in winners for job in jobs]
    places = [place for place, stretch in enumerate(line) for _ in range(stretch.sold)]

    room = [stretch.slots for stretch in line]
    chosen: list[int | None] = [None] * len(queue)
    for index, (_, job) in enumerate(queue):
        if line[places[index]].prover_id not in job.excluded:
            chosen[index] = places[index]
            room[places[index]] -= 1

    for index, (_, job) in enumerate(queue):
        if chosen[index] is None:
            other = chosen[index] = _next_with_room(job, line, room, after=places[index])
            if other is not None:
                room[other] -= 1

    placed: list[Placement] = []
    unsold: list[str] = []
    for (task_id, job), place in zip(queue, chosen, strict=True):
        if place is None:
            unsold.append(job.job_id)
        else:
            prover_id = line[place].prover_id
            placed.append(
                Placement(
                    job_id=job.job_id, task_id=task_id, prover_id=prover_id, units=job.units, sell_price=sell_price
                )
            )
    return tuple(placed), tuple(unsold)


def _next_with_room(job: JobDemand, line: Sequence[Stretch], room: Sequence[int], *, after: int) -> int | None:
    for step in range(1, len(line)):
        place = (after + step) % len(line)
        if room[place] and line[place].prover_id not in job.excluded:
            return place
    return None
