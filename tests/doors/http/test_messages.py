"""Messages as JSON: nothing is lost on the way, and what does not fit is told by its name."""

from __future__ import annotations

import json

import pytest
from google.protobuf.descriptor import Descriptor

from proofgrid.doors.http.messages import read_message, write_message
from proofgrid.primitives.errors import ProofgridError
from proofgrid.wire.v1 import client_pb2, market_pb2, quotes_pb2, stake_pb2, subnetworks_pb2

SUBMIT: Descriptor = client_pb2.SubmitRequest.DESCRIPTOR


def test_what_was_written_is_read_as_it_was() -> None:
    asked = client_pb2.SubmitRequest(
        program_digest="d",
        inputs_json="[[0.1,2,340282366920938463463374607431768211456]]",
        limit_price=-(2**63),
        allow_cached=True,
        constraints=client_pb2.Constraints(regions=["eu", "us"]),
    )
    shown = write_message(asked)
    assert shown["inputs"] == [[0.1, 2, 2**128]]
    assert shown["ladder"] is None
    assert read_message(json.loads(json.dumps(shown)), SUBMIT) == asked


def test_what_may_be_absent_stays_so() -> None:
    kind = subnetworks_pb2.SubnetworkChange.DESCRIPTOR
    assert read_message({"name": "n", "open": None}, kind) == subnetworks_pb2.SubnetworkChange(name="n")
    assert read_message({"open": False}, kind) == subnetworks_pb2.SubnetworkChange(open=False)


def test_bytes_maps_and_signed_texts_travel_too() -> None:
    sealed = stake_pb2.SealedEvidence(record_json=b"{}", proof=b"\0\xff")
    assert write_message(sealed)["proof"] == "AP8="
    assert read_message({"proof": "AP8="}, stake_pb2.SealedEvidence.DESCRIPTOR).proof == b"\0\xff"  # type: ignore[attr-defined]
    assert write_message(quotes_pb2.Quote(prices={50: 3}))["prices"] == {"50": 3}
    assert write_message(client_pb2.Round(transcript_json="{}"))["transcript_json"] == "{}"  # hashed as it is spelled
    assert write_message(client_pb2.TaskEvent(data_json='{"a":1}'))["data"] == {"a": 1}
    assert write_message(market_pb2.ListSizesResponse()) == {"sizes": []}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "PG-160 [body] a JSON object"),
        ({"programme": 1}, "PG-101 [programme] there is no such field"),
        ({"inputs_json": "[]"}, "PG-101 [inputs_json] there is no such field"),
        ({"limit_price": "5"}, "[limit_price] an integer from"),
        ({"limit_price": True}, "[limit_price] an integer from"),
        ({"limit_price": 2**63}, "[limit_price] an integer from"),
        ({"limit_price": 1.0}, "[limit_price] an integer from"),
        ({"limit_price": None}, "[limit_price] an integer from"),
        ({"allow_cached": 1}, "[allow_cached] true or false"),
        ({"program_digest": 5}, "[program_digest] a text"),
        ({"constraints": []}, "[constraints] a JSON object"),
        ({"constraints": {"regions": "eu"}}, "[constraints.regions] a list"),
        ({"constraints": {"regions": [1]}}, "[constraints.regions[0]] a text"),
        ({"constraints": {"regio": 1}}, "[constraints.regio] there is no such field"),
    ],
)
def test_what_does_not_fit_is_told_by_its_name(value: object, told: str) -> None:
    with pytest.raises(ProofgridError) as error:
        read_message(value, SUBMIT)  # type: ignore[arg-type]
    assert told in str(error.value)
