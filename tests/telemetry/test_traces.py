"""Steps of a task are one trace, whoever takes them; nothing of OpenTelemetry is there where nobody asks for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from uuid import UUID

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.telemetry import traces
from proofgrid.telemetry.otlp import sent_to
from tests.collector import running_collector

TASK = UUID("0198c0de-0000-7000-8000-000000000001")
LEASE = UUID("0198c0de-0000-7000-8000-000000000002")
TRACE = TASK.hex


@pytest.fixture
def heard() -> Iterator[list[traces.Step]]:
    """What is told of, once a test lets it be sent."""
    yield []
    traces.send_steps(None)


def test_steps_of_all_processes_meet_in_one_trace_over_otlp() -> None:
    told = traces.read_context(str(traces.of_lease(TASK, LEASE)))
    assert told is not None
    with running_collector() as collector:
        with sent_to(collector.endpoint, service="gateway"):
            traces.note("submit", traces.of_task(TASK), 0.25, jobs=3)
            traces.note_lease(TASK, LEASE, 2.0)
            traces.note_task(TASK, 4.0)
        with sent_to(collector.endpoint + "/", service="prover"):
            prover = traces.step_of("prover", told)
            traces.note("child", prover, 1.0)
            traces.note("prover", told, 1.5)
        spans = collector.of_trace(TRACE)

    assert set(spans) == {"task", "submit", "lease", "prover", "child"}
    assert not spans["task"].parent_span_id
    assert spans["submit"].parent_span_id == spans["lease"].parent_span_id == spans["task"].span_id
    assert spans["prover"].parent_span_id == spans["lease"].span_id
    assert spans["child"].parent_span_id == spans["prover"].span_id
    assert spans["submit"].end_time_unix_nano - spans["submit"].start_time_unix_nano == 250_000_000
    assert {attribute.key: attribute.value.int_value for attribute in spans["submit"].attributes} == {"jobs": 3}
    assert {service for service, _ in collector.spans} == {"gateway", "prover"}


def test_where_nobody_hears_of_steps_nothing_is_made() -> None:
    assert not traces.are_sent()
    traces.note("submit", traces.of_task(TASK), 0.25)
    with sent_to("", service="gateway"):
        assert not traces.are_sent()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-" + "a" * 32 + "-" + "b" * 16 + "-00",  # not sampled
        "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "0" * 16 + "-01",
        "01-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "A" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "b" * 16 + "-01\n",
        "x" * 100_000,
    ],
)
def test_a_context_that_is_none_is_no_trouble(text: str) -> None:
    assert traces.read_context(text) is None


def test_a_collector_that_is_away_costs_nobody_anything() -> None:
    with sent_to("http://127.0.0.1:9", service="gateway"):
        traces.note("submit", traces.of_task(TASK), 0.25)
    assert not traces.are_sent()


def test_an_address_that_is_none_is_told_by_its_setting() -> None:
    with pytest.raises(InvalidField, match="like http") as refused, sent_to("localhost:4318", service="gateway"):
        pass
    assert refused.value.field == "traces"


def test_nothing_of_opentelemetry_is_imported_where_nobody_asks_for_it() -> None:
    code = (
        "import sys, proofgrid.bootstrap.gateway.running, proofgrid.bootstrap.prover\n"
        "from proofgrid.telemetry.otlp import sent_to\n"
        "with sent_to('', service='gateway'): pass\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("flags", ["01", "03", "ff"])
def test_a_context_that_is_sampled_is_read_whatever_else_its_flags_say(flags: str) -> None:
    told = traces.read_context(f"00-{'a' * 32}-{'b' * 16}-{flags}")
    assert told == traces.Context("a" * 32, "b" * 16)


def test_of_a_thousand_tasks_so_many_are_traced_and_every_process_says_which(heard: list[traces.Step]) -> None:
    tasks = [UUID(int=number) for number in range(1, 2_001)]
    told = {}
    for permille in (0, 100, 1_000):
        traces.send_steps(heard.append, permille=permille)
        told[permille] = {task for task in tasks if traces.is_told(task.hex)}
        heard.clear()
        for task in tasks:
            traces.note_submit(task, 1.0, asked=None)
            traces.note("normalise", traces.of_task(task), 1.0)
            traces.note_lease(task, LEASE, 1.0)
            traces.note_task(task, 1.0)
        assert {step.trace_id for step in heard} == {task.hex for task in told[permille]}
        assert len(heard) == 4 * len(told[permille])

    assert (len(told[0]), len(told[1_000])) == (0, 2_000)
    assert told[100] < told[1_000]
    assert 140 < len(told[100]) < 260


def test_a_caller_s_own_trace_and_the_task_s_name_each_other(heard: list[traces.Step]) -> None:
    traces.send_steps(heard.append)
    asked = traces.Context("a" * 32, "b" * 16)

    traces.note_submit(TASK, 0.5, asked=asked, jobs=2)

    own, theirs = heard
    assert (own.trace_id, own.parent_id, own.link) == (TRACE, traces.of_task(TASK).span_id, asked)
    assert (theirs.trace_id, theirs.parent_id) == (asked.trace_id, asked.span_id)
    assert theirs.link == traces.Context(own.trace_id, own.span_id)
    assert theirs.attributes == {"jobs": 2, "task_id": str(TASK)}


def test_links_reach_the_collector() -> None:
    asked = traces.Context("a" * 32, "b" * 16)
    with running_collector() as collector:
        with sent_to(collector.endpoint, service="gateway"):
            traces.note_submit(TASK, 0.5, asked=asked)
        [link] = collector.of_trace(TRACE)["submit"].links
        assert (link.trace_id.hex(), link.span_id.hex()) == (asked.trace_id, asked.span_id)
        assert set(collector.of_trace(asked.trace_id)) == {"submit"}
