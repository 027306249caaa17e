"""A call may bring its caller's trace, over gRPC and HTTP alike; what is none is as if it were not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request

from proofgrid.doors.http.call import HttpCall
from proofgrid.doors.services.front_door import _act_of
from proofgrid.telemetry import traces
from proofgrid.wire.v1 import client_pb2

TOLD = f"00-{'a' * 32}-{'b' * 16}-01"


class GrpcCall:
    """A call of gRPC with this metadata."""

    def __init__(self, *metadata: tuple[str, str | bytes]) -> None:
        self._metadata = metadata

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self._metadata


def http_call(*headers: tuple[str, str]) -> HttpCall:
    spelled = [(name.encode(), text.encode("latin-1")) for name, text in headers]
    return HttpCall(Request({"type": "http", "method": "POST", "headers": spelled, "client": ("127.0.0.1", 1)}))


@pytest.fixture
def _heard() -> Iterator[None]:
    traces.send_steps(lambda step: None)
    yield
    traces.send_steps(None)


def asked_within(call: Any) -> traces.Context | None:
    return _act_of("Submit", client_pb2.SubmitRequest(), call).asked_within


@pytest.mark.usefixtures("_heard")
@pytest.mark.parametrize("of", [GrpcCall, http_call])
def test_a_call_says_of_which_trace_it_is(of: Any) -> None:
    assert asked_within(of(("traceparent", TOLD))) == traces.Context("a" * 32, "b" * 16)
    assert asked_within(of(("x-request-id", TOLD))) is None


@pytest.mark.usefixtures("_heard")
@pytest.mark.parametrize("text", ["", "00", "x" * 100_000, TOLD + "-more", TOLD[:-2] + "00", "\u00b2" * 55])
@pytest.mark.parametrize("of", [GrpcCall, http_call])
def test_what_is_no_trace_is_not_there(of: Any, text: str) -> None:
    assert asked_within(of(("traceparent", text))) is None


def test_where_nobody_hears_of_traces_nobody_looks() -> None:
    assert asked_within(GrpcCall(("traceparent", TOLD))) is None
