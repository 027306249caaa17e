"""Bids below as many as there are slots change nothing: why a round may look at few of those that wait (0010, 0044)."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from proofgrid.rules.market.round_orders import RoundInputs
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, RoundOutcome, TaskDemand, run_round

BARRED = st.frozensets(st.sampled_from(["p0", "p1", "p2"]), max_size=1)

tasks = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4), st.integers(0, 3), BARRED), min_size=1, max_size=40)
provers = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4)), min_size=1, max_size=6)


def a_round(demands: list[TaskDemand], supplies: list[ProverSupply], reference: int, beacon: bytes) -> RoundOutcome:
    return run_round(
        RoundInputs(
            lane="default/toy/small",
            number=1,
            previous=None,
            beacon=beacon,
            reference=reference,
            demands=demands,
            supplies=supplies,
            anchor=20,
        )
    )


def cut(demands: list[TaskDemand], slots: int) -> list[TaskDemand]:
    """What the book's statement finds: the best bids, until those that everybody may run are one more than the slots,
    and those that bid as much as the last of them.
    """
    found: list[TaskDemand] = []
    plain, marginal = 0, -1
    for one in sorted(demands, key=lambda one: (-one.limit_price, one.task_id)):
        if plain > slots and one.limit_price != marginal:
            break
        found.append(one)
        if not one.jobs[0].excluded:
            plain += 1
            marginal = one.limit_price if plain == slots + 1 else marginal
    return found


@settings(deadline=None)
@given(tasks, provers, st.integers(5, 40), st.binary(min_size=32, max_size=32))
def test_bids_below_as_many_as_there_are_slots_change_no_sale_and_no_price(
    bids: list[tuple[int, int, int, frozenset[str]]],
    asks: list[tuple[int, int]],
    reference: int,
    beacon: bytes,
) -> None:
    demands = [
        TaskDemand(
            task_id=f"t{number:02}",
            jobs=tuple(JobDemand(job_id=f"t{number:02}.{job}", units=10, excluded=barred) for job in range(jobs)),
            limit_price=limit,
            program_digest="p",
            share=share,
        )
        for number, (limit, jobs, share, barred) in enumerate(bids)
    ]
    supplies = [
        ProverSupply(
            prover_id=f"p{number}", operator=f"o{number}", ask_price=ask, free_slots=slots, reputation_bucket=0
        )
        for number, (ask, slots) in enumerate(asks)
    ]
    some_can = [one for one in demands if any(one.jobs[0].excluded != {supply.prover_id} for supply in supplies)]

    whole = a_round(some_can, supplies, reference, beacon)
    short = a_round(cut(some_can, sum(slots for _, slots in asks)), supplies, reference, beacon)

    # Who sits out for a job with exclusions is drawn among all that are looked at.
    assume(not whole.transcript["absent"] and not short.transcript["absent"])
    assert short.placements == whole.placements
    assert (short.buy_price, short.sell_price, short.unsold) == (whole.buy_price, whole.sell_price, whole.unsold)
    assert short.next_reference == whole.next_reference
