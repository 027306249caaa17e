"""The view of a task: what its events make of the board, and what is said about them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofgrid.cli.kit.task_board import TaskBoard, share_done
from proofgrid.cli.kit.task_screen import BARS_MAX, TaskScreen
from proofgrid.cli.kit.waiting import waiting_lines
from proofgrid.rules.jobs.events import sentence
from proofgrid.sdk.answers.work import Job, Waiting
from proofgrid.sdk.event import Event

ALICE = "0x52908400098527886E0F7030069857D2E4169EE7"


def _accepted(slices: int, inputs: int = 1) -> tuple[str, dict[str, Any]]:
    jobs = [{"slice": s, "input": i, "units": 10} for i in range(inputs) for s in range(slices)]
    return "accepted", {"jobs": jobs, "units": 10 * len(jobs), "limit_price": 1500, "escrow": 15_000 * len(jobs)}


def _sold(slice_index: int, input_index: int = 0, *, sell: int = 800) -> tuple[str, dict[str, Any]]:
    place = {"slice": slice_index, "input": input_index, "prover": f"{ALICE}/rack-7"}
    return "sold", {**place, "lane": "default/ezkl/small", "round": 3, "buy_price": 900, "sell_price": sell}


def _stage(slice_index: int, stage: str, permille: int) -> tuple[str, dict[str, Any]]:
    place = {"slice": slice_index, "input": 0, "prover": f"{ALICE}/rack-7"}
    return "stage", {**place, "stage": stage, "permille": permille}


def _proven(slice_index: int, input_index: int = 0) -> tuple[str, dict[str, Any]]:
    place = {"slice": slice_index, "input": input_index, "prover": f"{ALICE}/rack-7", "operator": ALICE, "units": 10}
    return "proven", {**place, "buy_price": 900, "sell_price": 800, "paid": 8000, "wall_ms": 4321}


def _returned(slice_index: int) -> tuple[str, dict[str, Any]]:
    place = {"slice": slice_index, "input": 0, "prover": f"{ALICE}/rack-7"}
    return "returned", {**place, "reason": "bad_proof", "detail": "PG-400 no", "attempts": 1, "again_in_ms": 500}


def _board(*events: tuple[str, dict[str, Any]]) -> TaskBoard:
    board = TaskBoard()
    for kind, data in events:
        board.apply(kind, data)
    return board


def test_a_job_goes_from_ready_over_leased_to_proven() -> None:
    board = _board(_accepted(2), _sold(1), _stage(1, "prove", 450))
    assert [job.state for job in board.jobs.values()] == ["ready", "leased"]
    assert share_done(board.jobs.values()) == 0.225
    board.apply(*_proven(1))
    assert (board.jobs[0, 1].state, board.jobs[0, 1].sell_price) == ("proven", 800)
    assert share_done(board.jobs.values()) == 0.5


def test_a_job_that_came_back_starts_again_and_is_counted() -> None:
    board = _board(_accepted(1), _sold(0), _stage(0, "prove", 900), _returned(0), _sold(0, sell=950))
    job = board.jobs[0, 0]
    assert (job.permille, job.returned, job.sell_price, job.state) == (0, 1, 950, "leased")


def test_a_bar_never_goes_back_while_a_prover_works() -> None:
    board = _board(_accepted(1), _sold(0), _stage(0, "prove", 450), _stage(0, "upload", 0))
    assert (board.jobs[0, 0].permille, board.jobs[0, 0].stage) == (450, "upload")


def test_a_stream_that_is_joined_in_the_middle_is_understood() -> None:
    board = _board(_stage(3, "prove", 450))
    assert board.by_slice()[3][0].state == "leased"


def test_a_task_that_failed_ends_its_open_jobs_but_not_the_proven_ones() -> None:
    failed = ("failed", {"code": "PG-141", "detail": "too late", "refunded": 7000})
    board = _board(_accepted(2), _proven(0), failed)
    assert [job.state for job in board.jobs.values()] == ["proven", "failed"]
    assert (board.state, board.refunded, board.failure) == ("failed", 7000, "PG-141 too late")


def test_an_event_of_a_newer_gateway_does_no_harm() -> None:
    board = _board(_accepted(1), ("overtaken", {"why": "slow"}))
    assert board.jobs[0, 0].state == "ready"


BOB = "0x27b1fdb04752bbc536007a920d24acb045561c26"


def _hedged(slice_index: int) -> tuple[str, dict[str, Any]]:
    place = {"slice": slice_index, "input": 0, "prover": f"{BOB}/fresh"}
    return "hedged", {**place, "lane": "default/ezkl/small", "round": 4, "buy_price": 950, "sell_price": 920}


def _slow(slice_index: int) -> tuple[str, dict[str, Any]]:
    place = {"slice": slice_index, "input": 0, "prover": f"{ALICE}/rack-7"}
    return "slow", {**place, "running_ms": 61_500, "usual_ms": 9_000}


def _carried_on(slice_index: int, prover: str) -> tuple[str, dict[str, Any]]:
    place = {"slice": slice_index, "input": 0, "prover": prover}
    return "carried_on", {**place, "reason": "prover_lost", "detail": "no heartbeat", "attempts": 1}


def test_a_slow_job_shows_both_provers_until_one_of_them_ends() -> None:
    board = _board(_accepted(1), _sold(0), _stage(0, "prove", 300), _slow(0), _hedged(0))
    kind, data = _stage(0, "fetch", 0)
    board.apply(kind, {**data, "prover": f"{BOB}/fresh"})
    job = board.jobs[0, 0]
    assert (job.slow, job.prover, job.second, job.stage) == (True, f"{ALICE}/rack-7", f"{BOB}/fresh", "prove")

    board.apply(*_carried_on(0, f"{ALICE}/rack-7"))
    assert (job.state, job.slow, job.prover, job.second) == ("leased", False, f"{BOB}/fresh", "")


def test_a_second_lease_that_ends_leaves_the_first_one_alone_and_slow() -> None:
    board = _board(_accepted(1), _sold(0), _slow(0), _hedged(0), _carried_on(0, f"{BOB}/fresh"))
    job = board.jobs[0, 0]
    assert (job.state, job.slow, job.prover, job.second) == ("leased", True, f"{ALICE}/rack-7", "")


def test_a_price_that_nobody_sells_at_is_known_until_something_is_sold() -> None:
    said = ("no_sale", {"lane": "default/ezkl/small", "cheapest_ask": 700, "limit_price": 650})
    board = _board(_accepted(1), said)
    assert board.cheapest_ask == 700
    board.apply(*_sold(0))
    assert board.cheapest_ask == 0


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (("no_sale", {"lane": "l", "cheapest_ask": 700, "limit_price": 650}), "the cheapest ask is 0.7 per million PU"),
        (
            ("overflowed", {"jobs": 3, "from": "acme/ezkl/small", "to": "default/ezkl/small", "waited_ms": 30_250}),
            "3 jobs waited 30.2 s in acme/ezkl/small and go on to default/ezkl/small",
        ),
        (_slow(0), "slice 0 is slow at alice/rack-7: 61.5 s so far, 9.0 s are usual"),
        (_hedged(0), "slice 0 sold a second time, to bob/fresh, the first proof wins; client pays 0.95,"),
        (_carried_on(0, f"{BOB}/fresh"), "slice 0 goes on without bob/fresh: prover_lost no heartbeat"),
        (
            ("hedge_lost", {"slice": 0, "input": 0, "prover": f"{ALICE}/rack-7", "shown": 305, "paid": 2_000}),
            "slice 0: alice/rack-7 was overtaken and stopped; paid 0.000002 for the 30.5% that it shows",
        ),
        (
            (
                "unprovable",
                {"slice": 0, "input": 0, "prover": f"{BOB}/fresh", "operators": 2, "needed": 3, "detail": "PG-510 no"},
            ),
            "bob/fresh says that slice 0 cannot be proven: PG-510 no; 2 of 3 operators agree",
        ),
        (
            ("failed", {"code": "PG-510", "detail": "no", "charged": 2_000, "refunded": 1_000}),
            "0.000002 charged for the work shown, 0.000001 given back",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence(event: tuple[str, dict[str, Any]], words: str) -> None:
    assert words in sentence(*event, people={ALICE: "alice", BOB: "bob"})


def test_sentences_name_people_prices_and_money() -> None:
    kind, data = _sold(2)
    said = sentence(kind, data, people={ALICE: "alice"})
    assert said == (
        "round 3 of default/ezkl/small: slice 2 sold to alice/rack-7; client pays 0.9, operator gets 0.8 per million PU"
    )
    kind, data = _proven(2)
    assert "0x5290…9EE7/rack-7 in 4.3 s" in sentence(kind, data, people={})
    assert "paid 0.000008 for 10 PU" in sentence(kind, data, people={})


def test_without_a_terminal_each_new_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    events = [_accepted(1), _sold(0), _stage(0, "key", 0), _stage(0, "key", 300), _stage(0, "prove", 450), _proven(0)]
    with TaskScreen() as screen:
        for cursor, (kind, data) in enumerate(events, 1):
            screen.show(Event(cursor, kind, 0, data))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[-1].split()[0] for line in lines[2:4]] == ["key", "prove"]
    assert len(lines) == 5


def test_many_jobs_are_told_by_the_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = 10 * BARS_MAX
    events = [_accepted(1, inputs), *(_sold(0, number) for number in range(inputs))]
    events += [_proven(0, number) for number in range(inputs)]
    with TaskScreen() as screen:
        for cursor, (kind, data) in enumerate(events, 1):
            screen.show(Event(cursor, kind, 0, data))
    assert len(capsys.readouterr().out.splitlines()) == 1 + 10


def _job(slice_index: int, waiting: Waiting | None) -> Job:
    return Job(slice=slice_index, state="ready", waiting=waiting)


BUSY, CHEAP = Waiting(reason="busy", after_ms=9_000), Waiting(reason="too_cheap", price=700)


def test_why_jobs_wait_is_told_when_the_reason_is_another_and_not_when_its_numbers_are() -> None:
    board = _board(_accepted(2))

    assert [(line.slice, why) for line, why in board.note([_job(0, CHEAP), _job(1, BUSY)])] == [(0, CHEAP), (1, BUSY)]
    assert board.note([_job(0, CHEAP), _job(1, Waiting(reason="busy", after_ms=4_000))]) == []
    assert [line.slice for line, _ in board.note([_job(0, BUSY), _job(1, BUSY)])] == [0]

    board.apply(*_sold(0))
    assert board.note([_job(0, BUSY)]) == []  # asked before it was sold
    assert board.jobs[0, 0].waiting is None


def test_jobs_with_one_reason_are_told_together_with_what_to_do() -> None:
    lines = waiting_lines([(0, BUSY), (1, CHEAP), (2, BUSY)])
    assert lines[0].startswith("2 jobs wait: every prover that may have it at your limit is busy; the next is free in")
    assert lines[1].startswith("slice 1 waits: no admitted ask below your limit: 0.7 per million PU")
    assert all("What you can do: " in line for line in lines)


def test_a_screen_without_bars_says_why_jobs_wait_in_words_or_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    with TaskScreen(board=_board(_accepted(1))) as words, TaskScreen(json=True, board=_board(_accepted(1))) as lines:
        words.waits([_job(0, CHEAP)])
        lines.waits([_job(0, CHEAP)])

    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("slice 0 waits: no admitted ask")
    told = json.loads(said[-1])
    assert (told["kind"], told["slice"], told["reason"], told["price"]) == ("waits", 0, "too_cheap", 700)
    assert "cursor" not in told
