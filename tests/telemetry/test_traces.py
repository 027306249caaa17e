"""Steps of a task are one trace, whoever takes them; nothing of OpenTelemetry is there where nobody asks for it."""

from __future__ import annotations

import subprocess
import sys
from uuid import UUID

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.telemetry import traces
from proofgrid.telemetry.otlp import sent_to
from tests.collector import running_collector

TASK = UUID("0198c0de-0000-7000-8000-000000000001")
LEASE = UUID("0198c0de-0000-7000-8000-000000000002")
TRACE = TASK.hex


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
