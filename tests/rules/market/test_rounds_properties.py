"""What holds for every round: whole jobs, fair payment, nobody excluded, any tampering found."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

quick = settings(deadline=None, derandomize=True, max_examples=120)
Path = tuple[str | int, ...]


@st.composite
def rounds(draw: st.DrawFn, *, with_exclusions: bool = True) -> RoundInputs:
    prover_ids = [f"p{i}" for i in range(draw(st.integers(0, 6)))]
    excluded = st.frozensets(st.sampled_from(prover_ids)) if with_exclusions and prover_ids else st.just(frozenset())
    programs = st.sampled_from(["x", "y", "z"])
    supplies = [
        ProverSupply(
            prover_id=prover_id,
            operator=draw(st.sampled_from(["o1", "o2", "o3"])),
            ask_price=draw(st.integers(0, 60)),
            free_slots=draw(st.integers(0, 4)),
            reputation_bucket=draw(st.integers(0, 2)),
            cached_programs=draw(st.frozensets(programs)),
        )
        for prover_id in prover_ids
    ]
    demands = [
        TaskDemand(
            task_id=f"t{task}",
            jobs=tuple(
                JobDemand(job_id=f"t{task}/{job}", units=draw(st.integers(1, 12)), excluded=draw(excluded))
                for job in range(draw(st.integers(1, 5)))
            ),
            limit_price=draw(st.integers(0, 90)),
            program_digest=draw(programs),
        )
        for task in range(draw(st.integers(0, 5)))
    ]
    return RoundInputs(
        lane="main/ezkl/small",
        number=draw(st.integers(0, 10**6)),
        previous=None,
        beacon=draw(st.binary(max_size=32)),
        reference=draw(st.none() | st.integers(1, 80)),
        demands=demands,
        supplies=supplies,
        anchor=draw(st.none() | st.integers(1, 80)),
        backed=draw(st.booleans()),
    )


def jobs_by_id(inputs: RoundInputs) -> dict[str, JobDemand]:
    return {job.job_id: job for demand in inputs.demands for job in demand.jobs}


def covered_by_task(outcome: RoundOutcome) -> dict[str, list[str]]:
    return {bid["task_id"]: bid["covered"] for bid in outcome.transcript["bids"]}


@quick
@given(rounds())
def test_every_job_of_a_winning_bid_is_placed_once_or_left_unsold(inputs: RoundInputs) -> None:
    outcome = run_round(inputs)

    covered = covered_by_task(outcome)
    due = sorted(job_id for task_id, _ in outcome.clearing.bought for job_id in covered[task_id])
    assert sorted([p.job_id for p in outcome.placements] + list(outcome.unsold)) == due
    jobs = jobs_by_id(inputs)
    assert all(p.units == jobs[p.job_id].units for p in outcome.placements)
    assert all(p.job_id in covered[p.task_id] for p in outcome.placements)


@quick
@given(rounds())
def test_no_job_is_placed_on_a_prover_that_is_excluded_or_gone(inputs: RoundInputs) -> None:
    outcome = run_round(inputs)

    jobs = jobs_by_id(inputs)
    still_in = dict(outcome.clearing.still_in)
    assert all(p.prover_id not in jobs[p.job_id].excluded for p in outcome.placements)
    assert all(p.prover_id in still_in for p in outcome.placements)


@quick
@given(rounds())
def test_clients_pay_at_most_their_limit_and_operators_get_at_least_their_ask(inputs: RoundInputs) -> None:
    outcome = run_round(inputs)

    limits = {demand.task_id: demand.limit_price for demand in inputs.demands}
    asks = {supply.prover_id: supply.ask_price for supply in inputs.supplies}
    for placement in outcome.placements:
        assert outcome.buy_price <= limits[placement.task_id]
        assert outcome.sell_price >= asks[placement.prover_id]
    assert outcome.surplus >= 0


@pytest.mark.thorough
@quick
@given(rounds(with_exclusions=False))
def test_without_exclusions_every_job_is_placed_and_provers_sell_what_they_cleared(inputs: RoundInputs) -> None:
    outcome = run_round(inputs)

    assert Counter(p.prover_id for p in outcome.placements) == dict(outcome.clearing.sold)
    assert outcome.unsold == ()


@quick
@given(rounds())
def test_there_are_never_more_jobs_than_slots(inputs: RoundInputs) -> None:
    outcome = run_round(inputs)

    slots = {supply.prover_id: supply.free_slots for supply in inputs.supplies}
    placed = Counter(p.prover_id for p in outcome.placements)
    assert all(count <= slots[prover_id] for prover_id, count in placed.items())


@quick
@given(rounds())
def test_a_bid_covers_the_first_jobs_that_may_run_and_at_most_half_of_the_slots(inputs: RoundInputs) -> None:
    transcript = run_round(inputs).transcript

    present = {ask["prover_id"] for ask in transcript["asks"]}
    slots = sum(ask["slots"] for ask in transcript["asks"])
    for bid in transcript["bids"]:
        able = [job["job_id"] for job in bid["jobs"] if present - set(job["excluded"])]
        assert bid["covered"] == able[: bid["slots"]] != []
        assert bid["slots"] == len(bid["covered"])
        assert bid["slots"] == 1 or bid["slots"] * 2 <= slots


@quick
@given(rounds())
def test_every_order_is_on_record_once_whether_it_could_trade_or_not(inputs: RoundInputs) -> None:
    transcript = run_round(inputs).transcript
    floor, ceil = transcript["parameters"]["floor"], transcript["parameters"]["ceil"]

    bids = [bid["task_id"] for group in ("bids", "idle_bids") for bid in transcript[group]]
    asks = [ask["prover_id"] for group in ("asks", "absent", "idle_asks") for ask in transcript[group]]
    assert sorted(bids) == sorted(demand.task_id for demand in inputs.demands)
    assert sorted(asks) == sorted(supply.prover_id for supply in inputs.supplies)
    assert all(bid["limit_price"] >= floor for bid in transcript["bids"])
    for ask in transcript["asks"]:
        assert ask["ask_price"] <= ceil
        may_run = [job for bid in transcript["bids"] for job in bid["jobs"] if ask["prover_id"] not in job["excluded"]]
        assert 1 <= ask["slots"] == min(ask["free_slots"], len(may_run))


@quick
@given(rounds(), st.randoms(use_true_random=False))
def test_the_order_of_the_inputs_does_not_matter(inputs: RoundInputs, random: Random) -> None:
    demands, supplies = list(inputs.demands), list(inputs.supplies)
    random.shuffle(demands)
    random.shuffle(supplies)

    shuffled = run_round(replace(inputs, demands=demands, supplies=supplies))

    assert shuffled == run_round(inputs)
    assert transcript_hash(shuffled.transcript) == transcript_hash(run_round(inputs).transcript)


@quick
@given(rounds())
def test_a_transcript_replays_after_a_trip_through_json(inputs: RoundInputs) -> None:
    transcript = run_round(inputs).transcript

    replay(json.loads(json.dumps(transcript)))


@quick
@given(rounds(), st.data())
def test_replay_finds_any_changed_field(inputs: RoundInputs, data: st.DataObject) -> None:
    transcript = run_round(inputs).transcript
    path = data.draw(st.sampled_from(list(paths_in(transcript))))
    tampered = copy.deepcopy(transcript)
    owner = follow(tampered, path[:-1])
    owner[path[-1]] = another_value(owner[path[-1]], data)

    with pytest.raises(TranscriptMismatch) as caught:
        replay(tampered)

    assert caught.value.field
    assert transcript_hash(tampered) != transcript_hash(transcript)


@pytest.mark.thorough
@quick
@given(rounds(), st.data())
def test_replay_finds_a_missing_and_an_added_field(inputs: RoundInputs, data: st.DataObject) -> None:
    transcript = run_round(inputs).transcript
    records = [path for path in [(), *paths_in(transcript)] if type(follow(transcript, path)) is dict]
    path = data.draw(st.sampled_from(records))

    missing, added = copy.deepcopy(transcript), copy.deepcopy(transcript)
    record = follow(missing, path)
    record.pop(data.draw(st.sampled_from(sorted(record))))
    follow(added, path)["also"] = 1

    for tampered in (missing, added):
        with pytest.raises(TranscriptMismatch):
            replay(tampered)


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every field below `value`, the branches too."""
    steps: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        steps = iter(value.items())
    elif isinstance(value, list):
        steps = iter(enumerate(value))
    for step, inner in steps:
        yield (*path, step)
        yield from paths_in(inner, (*path, step))


def follow(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def another_value(value: Any, data: st.DataObject) -> Any:
    """Return a value that is never equal to `value`: another type, or the same type with other content."""
    near: list[Any] = []
    if type(value) is int:
        near = [value + 1, value - 1, bool(value), str(value)]
    elif type(value) is str:
        near = [value + "0", value[:-1] if value else "1", value[:-1] + "~"]
    elif type(value) is list:
        near = [[*value, 0], [value], value[:-1] if value else None]
    return data.draw(st.sampled_from([*near, True, {"a": 1}, "" if value is None else None]))
