"""Messages to values and back; golden bytes, so that a change of the contract is seen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

import proofgrid
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.error_codes import every_error
from proofgrid.primitives.errors import InvalidRequest, MalformedMessage, ProofgridError, Unavailable
from proofgrid.primitives.ids import Address, JobId, LeaseId, ProverId
from proofgrid.rules.jobs.limits import SMALL_PROOF_BYTES
from proofgrid.rules.jobs.offers import (
    Acks,
    HeldLease,
    JobReport,
    JobTrouble,
    LeaseOffer,
    Leases,
    Notice,
    StageReport,
    Stop,
    ToProver,
    Verdict,
    Welcome,
)
from proofgrid.wire.codec import provers as codec
from proofgrid.wire.codec.requests import read_submit
from proofgrid.wire.codec.texts import read_manifests
from proofgrid.wire.errors import read_error, status_of, write_error
from proofgrid.wire.v1 import client_pb2, prover_pb2
from tests.makers import some_terms

HELD = HeldLease(lease_id=LeaseId(UUID(int=7)), fence=9)
DIGEST = digest_of(b"content")


def through_bytes(message: prover_pb2.FromProver) -> prover_pb2.FromProver:
    return prover_pb2.FromProver.FromString(message.SerializeToString())


def test_a_hello_comes_through() -> None:
    terms = some_terms(
        held=(HELD,), cached_programs=frozenset({DIGEST}), asks={"ezkl": 5, "toy": 7}, subnetworks=("acme", "x")
    )
    assert codec.read_hello(through_bytes(codec.write_hello(terms)).hello) == terms


@pytest.mark.parametrize("small_input", [None, b"", b"an input"])
def test_a_lease_comes_through(small_input: bytes | None) -> None:
    lease = LeaseOffer(
        held=HELD,
        job_id=JobId(UUID(int=3)),
        program_digest=DIGEST,
        slice_index=2,
        input_digest=DIGEST,
        small_input=small_input,
        units=10,
        memory_bytes=20,
        price=30,
        timeout_ms=40,
        trace_context=f"00-{'a' * 32}-{'b' * 16}-01",
    )
    said = Leases(leases=(lease,), manifests={DIGEST: '{"a":[1]}'})
    message = prover_pb2.ToProver.FromString(codec.write_to_prover(said).SerializeToString())
    assert codec.read_to_prover(message) == said
    assert read_manifests(said) == {DIGEST: {"a": [1]}}


@given(proof=st.binary(min_size=1, max_size=300), wall_ms=st.integers(0, 2**40))
def test_a_result_comes_through(proof: bytes, wall_ms: int) -> None:
    report = JobReport(
        held=HELD, proof=proof, proof_digest=None, public={"x": [1]}, wall_ms=wall_ms, memory_peak_bytes=0
    )
    assert codec.read_result(through_bytes(codec.write_results([report])).results.results[0]) == report


def test_progress_and_failure_come_through() -> None:
    progress = StageReport(held=HELD, stage="prove", permille=500)
    failure = JobTrouble(held=HELD, code="PG-320", detail="died")
    assert codec.read_progress(through_bytes(codec.write_progress(progress)).progress) == progress
    assert codec.read_failure(through_bytes(codec.write_failure(failure)).failure) == failure


@pytest.mark.parametrize(
    "message",
    [
        prover_pb2.JobResult(lease_id="no uuid", proof=b"x"),
        prover_pb2.JobResult(lease_id=str(UUID(int=1))),
        prover_pb2.JobResult(lease_id=str(UUID(int=1)), proof=b"x", public_json="[]"),
        prover_pb2.JobResult(lease_id=str(UUID(int=1)), proof=b"x", public_json="{"),
        prover_pb2.JobResult(lease_id=str(UUID(int=1)), proof_digest="abc"),
        prover_pb2.JobResult(lease_id=str(UUID(int=1)), proof=bytes(SMALL_PROOF_BYTES + 1)),
    ],
)
def test_a_malformed_result_gives_a_typed_error(message: prover_pb2.JobResult) -> None:
    with pytest.raises(InvalidRequest) as caught:
        codec.read_result(message)
    assert caught.value.field


@given(content=st.binary(max_size=200))
def test_random_bytes_never_crash_the_reader(content: bytes) -> None:
    try:
        message = client_pb2.SubmitRequest.FromString(content)
    except Exception:
        return  # protobuf's own refusal; gRPC answers it with a status
    with pytest.raises(InvalidRequest):
        read_submit(message, bytes_max=1_000)


def test_inputs_that_are_no_list_are_refused() -> None:
    with pytest.raises(MalformedMessage):
        read_submit(client_pb2.SubmitRequest(program_digest=DIGEST, inputs_json="{}"), bytes_max=100)


class _Failed(grpc.RpcError):
    def __init__(self, metadata: tuple[tuple[str, bytes], ...] = (), details: str = "details") -> None:
        self._metadata = metadata
        self._details = details

    def trailing_metadata(self) -> Any:
        return self._metadata

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.INTERNAL

    def details(self) -> str:
        return self._details


def test_a_refusal_that_the_writing_of_a_message_hid_is_no_error_of_the_gateway() -> None:
    """gRPC reports the failed writing in the refusal's place: who asks again hears the refusal."""
    assert isinstance(read_error(_Failed(details="Internal error from Core")), Unavailable)
    assert type(read_error(_Failed())) is ProofgridError


def test_every_error_comes_through_with_code_field_and_hint() -> None:
    for kind in every_error().values():
        sent = kind("what", field="where", hint="how")
        received = read_error(_Failed(write_error(sent)))
        assert (type(received), str(received)) == (kind, str(sent))
        assert status_of(sent) is not grpc.StatusCode.OK


def test_every_code_names_one_error() -> None:
    """In the sources: what a process has not imported has a code too."""
    package = Path(proofgrid.__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in package.rglob("*.py")]
    codes = [code for text in sources for code in re.findall(r'^    code = "(PG-\d{3})"', text, re.MULTILINE)]
    assert len(codes) > 70
    assert sorted(codes) == sorted(set(codes))


def test_the_bytes_of_version_one_are_these() -> None:
    """Old provers and clients send these bytes; if this test fails, the contract was broken, not extended."""
    progress = codec.write_progress(StageReport(held=HELD, stage="prove", permille=500))
    assert progress.SerializeToString().hex() == (
        "1a320a2430303030303030302d303030302d303030302d303030302d30303030303030303030303710091a0570726f766520f403"
    )
    submit = client_pb2.SubmitRequest(program_digest="ab", inputs_json="[1]", limit_price=5, idempotency_key="k")
    assert submit.SerializeToString().hex() == "0a02616212035b315d180532016b"


@pytest.mark.parametrize(
    "said",
    [
        Welcome(
            session_id=str(UUID(int=1)),
            prover_id=ProverId("0xa/p"),
            network=Address("0xn"),
            heartbeat_ms=1_000,
            dropped=(LeaseId(UUID(int=2)),),
        ),
        Stop(lease_id=LeaseId(UUID(int=3)), reason="it is over"),
        Acks(verdicts=((LeaseId(UUID(int=4)), Verdict(accepted=False, code="PG-400", detail="no")),)),
        Acks(verdicts=((LeaseId(UUID(int=4)), Verdict(accepted=True, price=450)),)),
        Notice(code="move", detail="this gateway closes"),
    ],
)
def test_what_a_gateway_says_to_a_prover_comes_back(said: ToProver) -> None:
    message = codec.write_to_prover(said)
    assert codec.read_to_prover(prover_pb2.ToProver.FromString(message.SerializeToString())) == said


def test_what_a_prover_does_not_know_yet_is_a_notice_without_content() -> None:
    assert codec.read_to_prover(prover_pb2.ToProver()) == Notice(code="", detail="")
