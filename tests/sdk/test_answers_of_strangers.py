"""A gateway that answers nonsense is told so: its words are read as a stranger's."""

from __future__ import annotations

import pytest

from proofgrid.primitives.errors import MalformedMessage
from proofgrid.sdk.answers.reading import parsed, read
from proofgrid.sdk.answers.work import Program
from proofgrid.wire.v1 import client_pb2


@pytest.mark.parametrize("text", ["{", "[" * 100_000, b"\xff", "9" * 5_000])
def test_an_answer_that_is_no_json_is_the_gateway_s_mistake(text: str | bytes) -> None:
    with pytest.raises(MalformedMessage, match="the gateway answers"):
        parsed(text)


def test_so_is_a_field_of_one() -> None:
    with pytest.raises(MalformedMessage):
        read(Program, client_pb2.Program(manifest_json="{"))
