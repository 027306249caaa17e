"""Results for leases that do not exist, progress without end, streams that say nothing: a prover's stream is bounded.

Pins down: leases are looked up before large payloads are read; a lease tells so many events and no more, whatever its
prover says; a stream without heartbeats ends; what a stream sends is weighed before it is handled.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.doors.grpc import prover as prover_module
from proofgrid.doors.grpc.prover import ProverService
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.primitives.ids import Address, LeaseId, SessionId
from proofgrid.rules.jobs.offers import Acks, StageReport, Verdict
from proofgrid.rules.jobs.told import EVENTS_MAX, STEP_PERMILLE, Told, after_telling
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.v1 import prover_pb2 as messages
from tests.roles.lanes import LaneUnderTest, held

MINE = LeaseId(uuid4())


class Desk:
    """Knows one lease."""

    def __init__(self) -> None:
        self.looked_up = 0
        self.judged: list[LeaseId] = []

    async def own_leases(self, session: Any, leases: Any) -> set[LeaseId]:
        self.looked_up += 1
        return {one.lease_id for one in leases} & {MINE}

    async def results(self, session: Any, reports: Any) -> list[Verdict]:
        self.judged += [report.held.lease_id for report in reports]
        return [Verdict(accepted=True, price=1) for _ in reports]


def a_result(lease_id: Any, *, chars: int) -> messages.JobResult:
    return messages.JobResult(lease_id=str(lease_id), fence=1, proof=b"p", public_json=json.dumps({"a": "x" * chars}))


async def judged(results: list[messages.JobResult], monkeypatch: pytest.MonkeyPatch) -> tuple[Desk, Acks, int]:
    desk, outgoing, read = Desk(), asyncio.Queue[Any](), 0
    read_result = codec.read_result

    def counting(message: messages.JobResult) -> Any:
        nonlocal read
        read += 1
        return read_result(message)

    monkeypatch.setattr(codec, "read_result", counting)
    service = ProverService(cast(Any, None), cast(Any, desk), network=Address("0xn"), heartbeat_ms=1)
    session = cast(Any, SimpleNamespace(outgoing=outgoing))
    await service._judge_all(session, messages.JobResults(results=results))
    return desk, outgoing.get_nowait(), read


async def test_large_results_for_leases_that_do_not_exist_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms = [a_result(uuid4(), chars=50_000) for _ in range(200)]
    desk, acks, read = await judged([*phantoms, a_result(MINE, chars=50_000)], monkeypatch)
    assert read == 1
    assert desk.looked_up == 1
    assert desk.judged == [MINE]
    assert len(acks.verdicts) == 201
    refused = [verdict for _, verdict in acks.verdicts if not verdict.accepted]
    assert {verdict.code for verdict in refused} == {"PG-330"}
    assert len(refused) == 200


async def test_small_results_cost_no_look_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, acks, read = await judged([a_result(uuid4(), chars=10), a_result(MINE, chars=10)], monkeypatch)
    assert (desk.looked_up, read, len(acks.verdicts)) == (0, 2, 2)


async def test_only_the_operator_s_own_leases_are_found(lane: LaneUnderTest) -> None:
    sessions = [await lane.add_prover(operator) for operator in ("0xalice", "0xbob")]
    for _ in range(2):
        await lane.add_task()
        await lane.sell()
    await lane.offer(*sessions)
    leases = await lane.leases()
    alice = next(lease for lease in leases if lease["operator"] == "0xalice")
    session = cast(Any, SimpleNamespace(operator=Address("0xalice")))
    asked = [held(lease) for lease in leases]
    assert await lane.desk.own_leases(session, asked) == {alice["lease_id"]}


# --- progress ------------------------------------------------------------------------------------------


@given(said=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1_000)), max_size=600))
def test_a_lease_tells_what_is_new_and_so_much_of_it(said: list[tuple[str, int]]) -> None:
    told = [Told()]
    for stage, permille in said:
        after = after_telling(told[-1], stage, permille)
        if after is not None:
            told.append(after)
    assert len(told) - 1 <= EVENTS_MAX
    for before, after in pairwise(told[1:]):
        assert after.stage != before.stage or after.permille >= before.permille + STEP_PERMILLE
    if said:
        assert told[1] == Told(said[0][0], said[0][1], 1)


async def test_a_prover_that_says_the_same_again_and_again_writes_one_event(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("0xalice")
    task = await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    [lease] = await lane.leases()
    async with lane.running_desk() as desk:
        speaking = cast(Any, SimpleNamespace(session_id=SessionId(session)))
        for permille in (0, 1, 2, 3, 9, 10, 11, 500):
            await desk.progress(speaking, StageReport(held=held(lease), stage="prove", permille=permille))
    events = await lane.fetch("SELECT data FROM task_events WHERE task_id = $1 AND kind = 'stage' ORDER BY seq", task)
    assert [event["data"]["permille"] for event in events] == [0, 10, 500]
    assert [row["permille"] for row in await lane.leases()] == [500]  # the timers know of all


# --- streams -------------------------------------------------------------------------------------------


class Stream:
    """What a prover sends; then it is silent, or ends."""

    def __init__(self, *sent: messages.FromProver, ends: bool) -> None:
        self._sent = list(sent)
        self._ends = ends

    async def read(self) -> Any:
        if self._sent:
            return self._sent.pop(0)
        if not self._ends:
            await asyncio.Event().wait()
        return grpc.aio.EOF


async def test_a_stream_that_says_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prover_module, "SILENT_SECONDS", 0.05)
    with pytest.raises(MalformedMessage, match="no heartbeat"):
        await prover_module._read(cast(Any, Stream(ends=False)))
    assert await prover_module._read(cast(Any, Stream(ends=True))) is None


async def test_what_a_stream_sends_is_weighed_before_the_next_is_read() -> None:
    weights: list[int] = []

    class Door:
        async def pace_stream(self, session: Any, weight: int) -> None:
            weights.append(weight)

    class Quiet(Desk):
        async def heartbeat(self, session: Any, leases: Any) -> list[LeaseId]:
            return []

        def unread(self, session: Any) -> Any:
            return nullcontext()

    beat = messages.FromProver(heartbeat=messages.Heartbeat(held=[messages.HeldLease(lease_id=str(MINE))]))
    proofs = messages.FromProver(results=messages.JobResults(results=[a_result(MINE, chars=1)]))
    service = ProverService(cast(Any, Door()), cast(Any, Quiet()), network=Address("0xn"), heartbeat_ms=1)
    session = cast(Any, SimpleNamespace(session_id=SessionId(uuid4()), outgoing=asyncio.Queue()))
    await service._listen(session, cast(Any, Stream(beat, proofs, ends=True)))
    assert weights == [
        prover_module.WORDS_WEIGHT * (beat.ByteSize() + prover_module.MESSAGE_BYTES),
        proofs.ByteSize() + prover_module.MESSAGE_BYTES,
    ]


async def test_an_id_that_is_nobody_s_is_answered_but_so_many_of_a_heartbeat() -> None:
    class Forgetful(Desk):
        async def heartbeat(self, session: Any, leases: Any) -> list[LeaseId]:
            return [one.lease_id for one in leases]

    held = [messages.HeldLease(lease_id=str(uuid4())) for _ in range(4_000)]
    beat = messages.FromProver(heartbeat=messages.Heartbeat(held=held))
    service = ProverService(cast(Any, None), cast(Any, Forgetful()), network=Address("0xn"), heartbeat_ms=1)
    outgoing: asyncio.Queue[Any] = asyncio.Queue()
    await service._hear(cast(Any, SimpleNamespace(outgoing=outgoing)), "heartbeat", beat)
    assert outgoing.qsize() == prover_module.STOPS_PER_HEARTBEAT
