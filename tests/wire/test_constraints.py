"""Constraints on the wire: as they were given, absent when they demand nothing, refused when they are wrong."""

from __future__ import annotations

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.events import sentence
from proofgrid.wire.codec.requests import read_submit, write_constraints
from proofgrid.wire.v1 import client_pb2 as messages
from tests.makers import a_key, a_request

DEMANDING = Constraints(
    allowed_operators=frozenset({a_key(1).address}),
    denied_operators=frozenset({a_key(2).address}),
    min_stake=5_000_000,
    regions=frozenset({"eu", "ch"}),
)


def a_submit(constraints: messages.Constraints | None) -> messages.SubmitRequest:
    return messages.SubmitRequest(program_digest=digest_of(b"p"), inputs_json="[1]", constraints=constraints)


def test_constraints_are_read_as_they_were_written() -> None:
    for constraints in (NO_CONSTRAINTS, DEMANDING):
        assert read_submit(a_submit(write_constraints(constraints)), bytes_max=99).constraints == constraints


def test_constraints_are_part_of_what_a_key_stands_for_only_when_there_are_some() -> None:
    plain = a_request()
    assert a_request(constraints=Constraints()).content_digest == plain.content_digest
    assert a_request(constraints=DEMANDING).content_digest != plain.content_digest


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (messages.Constraints(allowed_operators=["bob"]), "constraints.allowed_operators"),
        (messages.Constraints(denied_operators=["0x12"]), "constraints.denied_operators"),
        (messages.Constraints(min_stake=-1), "constraints.min_stake"),
        (messages.Constraints(regions=[""]), "constraints.regions"),
    ],
)
def test_a_wrong_constraint_is_refused_by_name(message: messages.Constraints, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_submit(a_submit(message), bytes_max=99)
    assert refused.value.field == field


def test_the_timeline_says_what_was_demanded_and_that_nobody_meets_it() -> None:
    accepted = {"jobs": [{}], "units": 5, "limit_price": 9, "escrow": 45, "constraints": DEMANDING.to_json()}
    said = sentence("accepted", accepted, people={a_key(1).address: "alice", a_key(2).address: "bob"})
    assert "only provers of alice; none of bob; stake at least" in said
    assert said.endswith("only in ch, eu")
    nobody = {"lane": "n/toy/small/ab", "nobody": True, "limit_price": 9}
    assert "no connected prover meets the task's constraints" in sentence("no_sale", nobody, people={})
