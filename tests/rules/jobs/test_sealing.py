"""Certificates of keys to seal for, what seals are bound to, and what a gateway takes as a sealed request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.hpke import PRIVATE_BYTES, SEALED_BYTES, SealingKey
from proofgrid.primitives.ids import ProverId, prover_id
from proofgrid.primitives.sealing_errors import CannotSeal, NobodyOpens, SealBroken
from proofgrid.rules.jobs.retry import FOREVER_MS, opens_no_more
from proofgrid.rules.jobs.sealing import (
    HOUR_MS,
    KEY_LIVES_MS,
    PROVERS_MAX,
    Certificate,
    Recipient,
    SealContext,
    SealedFor,
    SealedJob,
    SealedRequest,
    certificate_statement,
    check_certificate,
    check_jobs,
    check_sealed,
    commitment_to,
    lock_input,
    open_seal,
    parse_prover,
    seal_for,
    unlock_input,
)
from tests.makers import a_key

NOW_MS = 1_700_000_000_000
OPERATOR, NETWORK, CLIENT = a_key(1), a_key(2).address, a_key(3).address
PROVER = prover_id(OPERATOR.address, "p")
KEY = SealingKey(bytes(range(PRIVATE_BYTES)))
SECRET = bytes(range(32))
CONTEXT = SealContext(network=NETWORK, client=CLIENT, request=digest_of(b"key"), program=digest_of(b"program"))


def a_certificate(*, until_ms: int = NOW_MS + KEY_LIVES_MS, **changes: Any) -> Certificate:
    said: dict[str, Any] = {"network": NETWORK, "prover": PROVER, "key": KEY.public, "until_ms": until_ms, **changes}
    return Certificate(key=KEY.public, until_ms=until_ms, signature=OPERATOR.sign(certificate_statement(**said)))


def test_a_certificate_of_the_operator_is_taken() -> None:
    check_certificate(a_certificate(), network=NETWORK, prover=PROVER, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("certificate", "prover"),
    [
        (a_certificate(network=CLIENT), PROVER),  # of another network
        (a_certificate(prover=f"{OPERATOR.address}/q"), PROVER),  # of another prover
        (a_certificate(), prover_id(a_key(4).address, "p")),  # shown by another operator
        (a_certificate(key=b"other"), PROVER),  # of another key
        (replace(a_certificate(), until_ms=NOW_MS + KEY_LIVES_MS - 1), PROVER),  # another time than was signed
        (a_certificate(until_ms=NOW_MS), PROVER),  # over
        (a_certificate(until_ms=NOW_MS + KEY_LIVES_MS + 2 * HOUR_MS), PROVER),  # too long
        (replace(a_certificate(), signature="0x"), PROVER),
        (replace(a_certificate(), key=b"no key"), PROVER),
    ],
)
def test_any_other_certificate_is_refused(certificate: Certificate, prover: ProverId) -> None:
    with pytest.raises(InvalidField):
        check_certificate(certificate, network=NETWORK, prover=prover, now_ms=NOW_MS)


def sealed_for(context: SealContext = CONTEXT) -> SealedFor:
    (one,) = seal_for(SECRET, [Recipient(prover=PROVER, certificate=a_certificate())], context)
    return one


@pytest.mark.parametrize(
    "context",
    [
        replace(CONTEXT, network=CLIENT),
        replace(CONTEXT, client=NETWORK),
        replace(CONTEXT, request=digest_of(b"another")),
        replace(CONTEXT, program=digest_of(b"another")),
    ],
)
def test_a_seal_opens_for_its_network_client_request_and_program_only(context: SealContext) -> None:
    sealed = sealed_for().sealed
    commitment = commitment_to(SECRET)
    assert open_seal(sealed, KEY, CONTEXT, prover=PROVER, commitment=commitment) == SECRET
    with pytest.raises(SealBroken):
        open_seal(sealed, KEY, context, prover=PROVER, commitment=commitment)
    locked = lock_input(SECRET, b"input", CONTEXT, slice_index=0, input_index=1)
    assert unlock_input(SECRET, locked, CONTEXT, slice_index=0, input_index=1) == b"input"
    for wrong, places in ((context, (0, 1)), (CONTEXT, (1, 1)), (CONTEXT, (0, 0))):
        with pytest.raises(SealBroken):
            unlock_input(SECRET, locked, wrong, slice_index=places[0], input_index=places[1])


def test_a_seal_opens_for_its_prover_only_and_with_everybodys_secret_only() -> None:
    sealed = sealed_for().sealed
    with pytest.raises(SealBroken):
        open_seal(sealed, KEY, CONTEXT, prover=f"{OPERATOR.address}/q", commitment=commitment_to(SECRET))
    with pytest.raises(SealBroken, match="all provers"):
        open_seal(sealed, KEY, CONTEXT, prover=PROVER, commitment=commitment_to(bytes(32)))


def a_request(**changes: Any) -> SealedRequest:
    whole: dict[str, Any] = {
        "statement": {},
        "jobs": (SealedJob(locked=b"x" * 40, facts={}),),
        "seals": (SealedFor(prover=PROVER, key_id="0" * 64, sealed=bytes(SEALED_BYTES)),),
        "commitment": "0" * 64,
        "until_ms": NOW_MS + 2 * HOUR_MS,
        "inputs": 1,
        **changes,
    }
    return SealedRequest(**whole)


def check(request: SealedRequest, *, deadline_ms: int = NOW_MS + HOUR_MS) -> None:
    check_sealed(request, deadline_ms=deadline_ms, now_ms=NOW_MS, input_bytes_max=100)


def test_a_sealed_request_of_the_right_form_is_taken() -> None:
    check(a_request())
    check_jobs(a_request(), slices=1)


ONE = a_request().seals[0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"inputs": 0}, "sealed.inputs"),
        ({"seals": ()}, "sealed.seals"),
        ({"seals": (ONE, ONE)}, "sealed.seals"),
        (
            {"seals": tuple(replace(ONE, prover=ProverId(f"{PROVER}{i}")) for i in range(PROVERS_MAX + 1))},
            "sealed.seals",
        ),
        ({"seals": (replace(ONE, sealed=b"short"),)}, "sealed.seals"),
        ({"seals": (replace(ONE, key_id="0x"),)}, "sealed.seals"),
        ({"commitment": "0" * 63}, "sealed.commitment"),
        ({"jobs": (SealedJob(locked=b"x" * 16, facts={}),)}, "sealed.jobs"),
        ({"jobs": (SealedJob(locked=b"x" * 101, facts={}),)}, "sealed.jobs"),
        ({"until_ms": NOW_MS}, "sealed"),
    ],
)
def test_a_sealed_request_of_another_form_is_refused_by_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check(a_request(**changes))
    assert refused.value.field == field


def test_a_request_that_outlives_its_keys_cannot_be_sealed() -> None:
    with pytest.raises(CannotSeal):
        check(a_request(), deadline_ms=NOW_MS + 3 * HOUR_MS)


def test_there_is_a_job_for_each_slice_of_each_input() -> None:
    for inputs, slices in ((1, 2), (2, 1)):
        with pytest.raises(InvalidField):
            check_jobs(a_request(inputs=inputs), slices=slices)


@pytest.mark.parametrize("text", ["", "p", "0x12/p", f"{OPERATOR.address}/", f"{OPERATOR.address}/a b"])
def test_what_is_no_prover_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        parse_prover(text, field="sealed.seals")


def test_a_task_ends_when_nobody_is_left_that_opens_its_inputs() -> None:
    both = ("a/p", "b/p")
    assert opens_no_more((), {"a/p": FOREVER_MS}) is None  # not sealed
    assert opens_no_more(both, {"a/p": FOREVER_MS, "b/p": 1}) is None
    assert opens_no_more(both, {"a/p": FOREVER_MS}, without="") is None
    for excluded, without in (({"a/p": FOREVER_MS}, "b/p"), ({"a": FOREVER_MS, "b/p": FOREVER_MS}, "")):
        end = opens_no_more(both, excluded, without=without)
        assert end is not None
        assert end.code == NobodyOpens.code
        assert not end.charged
