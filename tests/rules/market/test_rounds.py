"""Rounds by example: covering, exclusions, decoys, one-sided rounds, and lanes that always come to an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.rounds import (
    JobDemand,
    ProverSupply,
    RoundInputs,
    RoundOutcome,
    TaskDemand,
    TranscriptMismatch,
    replay,
    run_round,
    transcript_hash,
)


def a_job(job_id: str, units: int = 10, *, excluded: tuple[str, ...] = ()) -> JobDemand:
    return JobDemand(job_id=job_id, units=units, excluded=frozenset(excluded))


def a_task(task_id: str, *jobs: JobDemand, limit_price: int = 100) -> TaskDemand:
    return TaskDemand(task_id=task_id, jobs=jobs, limit_price=limit_price, program_digest="program")


def a_prover(prover_id: str, *, ask_price: int = 50, free_slots: int = 1, bucket: int = 0) -> ProverSupply:
    return ProverSupply(
        prover_id=prover_id,
        operator=f"operator of {prover_id}",
        ask_price=ask_price,
        free_slots=free_slots,
        reputation_bucket=bucket,
    )


def a_round(
    demands: list[TaskDemand],
    supplies: list[ProverSupply],
    *,
    reference: int | None = 60,
    beacon: bytes = b"beacon",
    number: int = 1,
    previous: Digest | None = None,
    anchor: int | None = None,
) -> RoundInputs:
    return RoundInputs(
        lane="main/ezkl/small",
        number=number,
        previous=previous,
        beacon=beacon,
        reference=reference,
        demands=demands,
        supplies=supplies,
        anchor=anchor,
    )


def provers_of(outcome: RoundOutcome) -> dict[str, str]:
    return {placement.job_id: placement.prover_id for placement in outcome.placements}


def test_a_task_bids_for_half_of_the_capacity_and_for_the_rest_later() -> None:
    jobs = [a_job(f"j{i}") for i in range(6)]
    supplies = [a_prover(f"p{i}", free_slots=2) for i in range(3)]

    covered = {len(run_round(a_round([a_task("t", *jobs)], supplies, beacon=bytes([i]))).placements) for i in range(40)}

    assert covered == {3, 1}  # half of six slots; by lot, now and then, a single job


def test_a_slot_takes_one_job_whatever_its_size() -> None:
    supplies = [a_prover("p", free_slots=2), a_prover("q", ask_price=55)]

    outcome = run_round(a_round([a_task("t", a_job("small", 3)), a_task("u", a_job("large", 70_000))], supplies))

    assert dict(outcome.clearing.bought) == {"t": 1, "u": 1}
    assert {(placed.job_id, placed.units) for placed in outcome.placements} == {("small", 3), ("large", 70_000)}
    assert sum(slots for _, slots in outcome.clearing.sold) == 2


@pytest.mark.parametrize("limit_price", [1, 15])  # below the floor, and at it
def test_a_large_job_that_hardly_pays_does_not_inflate_the_slots(limit_price: int) -> None:
    junk = a_task("junk", a_job("huge", 10**6), limit_price=limit_price)
    tasks = [a_task(f"t{i}", a_job(f"j{i}")) for i in range(4)]

    outcome = run_round(a_round([junk, *tasks], [a_prover(f"p{i}", free_slots=2) for i in range(4)]))

    assert len(set(provers_of(outcome).values())) >= 2
    assert provers_of(outcome).keys() == {"j0", "j1", "j2", "j3"}


def test_slots_that_no_admitted_job_may_use_are_no_supply() -> None:
    tasks = [a_task(f"t{i}", a_job(f"j{i}", excluded=("phantom",)), limit_price=70 + i) for i in range(3)]
    junk = a_task("junk", a_job("j"), limit_price=1)
    honest = [a_prover("p", free_slots=2), a_prover("q", ask_price=55)]
    phantom = a_prover("phantom", ask_price=0, free_slots=1_000)

    with_phantom, without = run_round(a_round([*tasks, junk], [*honest, phantom])), run_round(a_round(tasks, honest))

    assert with_phantom.clearing == without.clearing
    assert [ask["prover_id"] for ask in with_phantom.transcript["idle_asks"]] == ["phantom"]
    assert [bid["task_id"] for bid in with_phantom.transcript["idle_bids"]] == ["junk"]


def test_two_provers_of_one_operator_are_no_competition() -> None:
    """Its dearer name would set the price for the cheaper one."""
    task = a_task("t", a_job("j"), limit_price=100)
    names = [replace(a_prover("a", ask_price=50), operator="o"), replace(a_prover("b", ask_price=90), operator="o")]
    rivals = [replace(name, operator=name.prover_id) for name in names]

    for beacon in range(20):
        assert run_round(a_round([task], names, beacon=bytes([beacon]))).buy_price == 60  # the reference
    assert {run_round(a_round([task], rivals, beacon=bytes([beacon]))).buy_price for beacon in range(20)} != {60}


def test_asks_above_the_ceiling_do_not_block_the_round() -> None:
    honest = [a_prover(f"p{i}") for i in range(4)]
    decoys = [a_prover(f"decoy{i}", ask_price=10_000, free_slots=1000) for i in range(4)]
    task = a_task("t", *[a_job(f"j{i}") for i in range(8)])

    with_decoys = run_round(a_round([task], honest + decoys))
    without = run_round(a_round([task], honest))

    assert 1 <= len(without.placements) <= 2
    assert with_decoys.placements == without.placements
    assert with_decoys.buy_price == without.buy_price


def test_a_job_moves_from_an_excluded_prover_to_the_next_one_still_in() -> None:
    supplies = [a_prover("best", ask_price=40), a_prover("next", ask_price=40, free_slots=4, bucket=1)]

    def placed(beacon: int, *excluded: str) -> RoundOutcome:
        tasks = [a_task("t", a_job("j", excluded=excluded)), a_task("u", a_job("k"))]
        return run_round(a_round(tasks, supplies, beacon=bytes([beacon])))

    moves = 0
    for beacon in range(20):
        free, moved = placed(beacon), placed(beacon, "best")
        if not moved.transcript["absent"]:
            assert moved.clearing == free.clearing
            assert provers_of(moved) == {**provers_of(free), "j": "next"}
            moves += provers_of(free)["j"] == "best"
    assert moves > 0


def test_a_job_whose_only_prover_left_stays_unsold_and_unpaid() -> None:
    supplies = [a_prover("cheap", free_slots=3), a_prover("dear", ask_price=99)]
    tasks = [a_task("t", a_job("j", excluded=("cheap",))), a_task("u", a_job("k"), limit_price=90)]

    outcomes = [run_round(a_round(tasks, supplies, beacon=bytes([i]))) for i in range(40)]
    unsold = [outcome for outcome in outcomes if outcome.unsold]

    assert unsold
    for outcome in unsold:
        assert (outcome.placements, outcome.unsold, outcome.surplus) == ((), ("j",), 0)


def test_a_job_that_the_cheapest_prover_failed_is_sold_to_a_dearer_one_soon() -> None:
    supplies = [a_prover("cheap", free_slots=2), a_prover("dear", ask_price=58)]
    task, other = a_task("t", a_job("j", excluded=("cheap",))), a_task("u", a_job("k"))

    alone = run_round(a_round([task], supplies))
    outcomes = [run_round(a_round([task, other], supplies, beacon=bytes([i]))) for i in range(60)]

    assert provers_of(alone) == {"j": "dear"}  # nobody else is needed for it, so nobody else is there
    assert "dear" in [provers_of(outcome).get("j") for outcome in outcomes]
    for outcome in outcomes:
        replay(outcome.transcript)


def test_a_quiet_lane_comes_back_to_its_anchor_and_nothing_else_moves_it() -> None:
    no_slot = [a_prover("p", free_slots=0)]
    task = a_task("t", a_job("j"))
    nobody_may = a_task("t", a_job("j", excluded=("p",)))
    low = a_task("low", a_job("low"), limit_price=15)

    for quiet in (a_round([task], no_slot), a_round([], [a_prover("p")]), a_round([nobody_may], [a_prover("p")])):
        assert run_round(quiet).next_reference == 60  # there is no anchor
        assert run_round(replace(quiet, anchor=100)).next_reference == 67
        assert run_round(replace(quiet, anchor=50)).next_reference == 53
        assert run_round(replace(quiet, anchor=100, backed=True)).next_reference == 60
    # Orders that could trade with each other move it, between their limits; those that could not do not.
    assert run_round(a_round([task], [a_prover("p", ask_price=63)])).next_reference == 63
    assert run_round(a_round([task], [a_prover("p", ask_price=99)])).next_reference == 67
    assert run_round(a_round([low], [a_prover("p", ask_price=63)], anchor=100)).next_reference == 60


@pytest.mark.parametrize("twice", ["task", "job", "prover"])
def test_an_id_that_enters_twice_is_refused(twice: str) -> None:
    tasks = [a_task("t", a_job("j")), a_task("t" if twice == "task" else "u", a_job("j" if twice == "job" else "k"))]
    provers = [a_prover("p"), a_prover("p" if twice == "prover" else "q")]

    with pytest.raises(InvalidField) as caught:
        a_round(tasks, provers)

    assert twice in caught.value.field


def test_the_transcript_chains_to_the_round_before() -> None:
    first = run_round(a_round([a_task("t", a_job("j"))], [a_prover("p")]))
    name = transcript_hash(first.transcript)
    second = run_round(a_round([a_task("t", a_job("j"))], [a_prover("p")], number=2, previous=name))

    assert second.transcript["previous"] == name
    replay(second.transcript)
    with pytest.raises(TranscriptMismatch) as caught:
        replay({**second.transcript, "previous": digest_of(b"another")})
    assert caught.value.field == "input_digest"


def test_a_tampered_price_is_named_by_its_path() -> None:
    transcript = run_round(a_round([a_task("t", a_job("j"))], [a_prover("p")])).transcript
    result = transcript["result"]

    with pytest.raises(TranscriptMismatch) as caught:
        replay({**transcript, "result": {**result, "sell_price": result["sell_price"] + 1}})

    assert caught.value.field == "result.sell_price"
    assert caught.value.code == "PG-420"


def test_what_is_no_transcript_is_refused() -> None:
    nonsense: list[object] = [None, [], "text", {}, {"format": "proofgrid/round", "version": 2}]
    for thing in nonsense:
        with pytest.raises(TranscriptMismatch):
            replay(thing)


def test_no_client_and_no_operator_gains_by_another_price() -> None:
    """The round adds covering, lots and moves to the clearing; none of them may reward a lie."""
    random = Random(7)
    traded = 0
    for _ in range(150):
        inputs = a_random_round(random)
        traded += bool(run_round(inputs).placements)
        honest = gains(run_round(inputs), inputs)
        for name in honest:
            for price in range(0, 13, 2):
                assert gains(run_round(reporting(inputs, name, price)), inputs)[name] <= honest[name]
    assert traded > 50


def a_random_round(random: Random) -> RoundInputs:
    provers = [f"p{i}" for i in range(random.randint(1, 4))]
    return a_round(
        [
            a_task(
                f"t{task}",
                *[
                    a_job(f"t{task}/{job}", random.randint(1, 3), excluded=tuple(random.sample(provers, k=1)))
                    if random.random() < 0.3
                    else a_job(f"t{task}/{job}", random.randint(1, 3))
                    for job in range(random.randint(1, 3))
                ],
                limit_price=random.randint(0, 12),
            )
            for task in range(random.randint(1, 3))
        ],
        [a_prover(p, ask_price=random.randint(0, 12), free_slots=random.randint(1, 2)) for p in provers],
        reference=random.choice([None, 2, 6]),
        beacon=random.randbytes(4),
    )


def reporting(inputs: RoundInputs, name: str, price: int) -> RoundInputs:
    return replace(
        inputs,
        demands=[replace(d, limit_price=price) if d.task_id == name else d for d in inputs.demands],
        supplies=[replace(s, ask_price=price) if s.prover_id == name else s for s in inputs.supplies],
    )


def gains(outcome: RoundOutcome, truth: RoundInputs) -> Mapping[str, int]:
    found = {demand.task_id: 0 for demand in truth.demands} | {supply.prover_id: 0 for supply in truth.supplies}
    limits = {demand.task_id: demand.limit_price for demand in truth.demands}
    asks = {supply.prover_id: supply.ask_price for supply in truth.supplies}
    for placement in outcome.placements:
        found[placement.task_id] += (limits[placement.task_id] - outcome.buy_price) * placement.units
        found[placement.prover_id] += (outcome.sell_price - asks[placement.prover_id]) * placement.units
    return found


def avoided(random: Random, prover_ids: list[str]) -> tuple[str, ...]:
    """Return some provers to exclude, but never all."""
    return tuple(random.sample(prover_ids, k=random.randrange(len(prover_ids)))) if random.random() < 0.3 else ()


@pytest.mark.parametrize("seed", range(60))
def test_a_lane_whose_limits_cross_its_asks_always_comes_to_its_end(seed: int) -> None:
    """Whatever the reference starts from: no set of orders may meet again and again without a trade."""
    random = Random(seed)
    reference = random.choice([None, 1, 50, 100, 1000])
    supplies = [
        a_prover(f"p{i}", ask_price=random.randint(50, 100), free_slots=random.randint(1, 4))
        for i in range(random.randint(1, 5))
    ]
    waiting = {
        f"t{task}": [
            a_job(f"t{task}/{job}", random.randint(1, 20), excluded=avoided(random, [s.prover_id for s in supplies]))
            for job in range(random.randint(1, 6))
        ]
        for task in range(random.randint(1, 4))
    }
    limits = {task_id: random.randint(100, 150) for task_id in waiting}

    for number in range(300):
        demands = [a_task(task_id, *jobs, limit_price=limits[task_id]) for task_id, jobs in waiting.items() if jobs]
        if not demands:
            break
        beacon = f"{seed}/{number}".encode()
        outcome = run_round(a_round(demands, supplies, reference=reference, beacon=beacon, number=number, anchor=100))
        reference = outcome.next_reference
        placed = provers_of(outcome)
        waiting = {task_id: [job for job in jobs if job.job_id not in placed] for task_id, jobs in waiting.items()}

    assert not any(waiting.values())
