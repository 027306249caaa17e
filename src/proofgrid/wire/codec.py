"""The one place where bytes of the wire and values of the rules meet. Malformed messages give MalformedMessage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from proofgrid.primitives.digests import Digest, digest_of, parse_digest
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.primitives.ids import JobId, LeaseId, parse_uuid
from proofgrid.rules.jobs.classes import parse_class
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints, parse_constraints
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.rules.jobs.offers import HeldLease, JobReport, JobTrouble, LeaseOffer, ProverTerms, StageReport, Verdict
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.wire.v1 import client_pb2 as client
from proofgrid.wire.v1 import common_pb2 as common
from proofgrid.wire.v1 import prover_pb2 as prover
from proofgrid.wire.v1 import quotes_pb2 as quotes

JSON_DEPTH_MAX = 32
MOVE = "move"  #: code of the notice that asks a prover to go to another gateway, with all its leases
RESULTS_PER_MESSAGE_MAX = 256
SMALL_PROOF_BYTES = 256 << 10  #: up to here a proof travels inside its JobResult


def read_json(text: str, *, field: str, bytes_max: int) -> Any:
    """Return the JSON value of `text`; NaN and Infinity are not JSON, and neither is a text nested too deep."""
    if len(text) > bytes_max or len(text.encode(errors="surrogatepass")) > bytes_max:
        raise MalformedMessage(f"more than {bytes_max} bytes", field=field)
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise MalformedMessage("nested too deep", field=field) from None
    except ValueError as error:
        raise MalformedMessage(f"not JSON: {error}", field=field) from None
    _check_depth(value, field=field, left=JSON_DEPTH_MAX)
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


def _check_depth(value: Any, *, field: str, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise MalformedMessage(f"nested more than {JSON_DEPTH_MAX} deep", field=field)
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, field=field, left=left - 1)


# --- requests ------------------------------------------------------------------------------------


def read_submit(message: client.SubmitRequest, *, bytes_max: int) -> ProofRequest:
    """Return the proof request of a message; the rules judge it later."""
    inputs = read_json(message.inputs_json, field="inputs", bytes_max=bytes_max)
    if not isinstance(inputs, list):
        raise MalformedMessage("a list with one element per input", field="inputs")
    return ProofRequest(
        program_digest=parse_digest(message.program_digest, field="program_digest"),
        inputs=tuple(inputs),
        inputs_digest=digest_of(message.inputs_json.encode()),
        limit_price=message.limit_price,
        budget=message.budget,
        deadline_ms=message.deadline_ms,
        idempotency_key=message.idempotency_key,
        allow_cached=message.allow_cached,
        hedging=message.hedging,
        ladder=_read_ladder(message.ladder) if message.HasField("ladder") else None,
        constraints=_read_constraints(message.constraints) if message.HasField("constraints") else NO_CONSTRAINTS,
        subnetwork=message.subnetwork,
        quote_id=str(parse_uuid(message.quote_id, field="quote_id")) if message.quote_id else "",
    )


def read_quote_request(message: quotes.QuoteRequest, *, bytes_max: int) -> ProofRequest:
    """Return a request that is priced only: its own terms do not matter."""
    return read_submit(
        client.SubmitRequest(
            program_digest=message.program_digest,
            inputs_json=message.inputs_json,
            limit_price=1,
            idempotency_key="quote",
            constraints=message.constraints if message.HasField("constraints") else None,
            subnetwork=message.subnetwork,
        ),
        bytes_max=bytes_max,
    )


def _read_ladder(message: client.Ladder) -> Ladder:
    return Ladder(permille=message.permille, every_ms=message.every_ms, price_max=message.price_max)


def _read_constraints(message: client.Constraints) -> Constraints:
    return parse_constraints(
        allowed_operators=list(message.allowed_operators),
        denied_operators=list(message.denied_operators),
        min_stake=message.min_stake,
        regions=list(message.regions),
    )


def write_constraints(constraints: Constraints) -> client.Constraints | None:
    """Return the message of constraints; of empty ones none."""
    return None if constraints.is_empty else client.Constraints(**constraints.to_json())


def write_ladder(ladder: Ladder | None) -> client.Ladder | None:
    """Return a ladder's message."""
    if ladder is None:
        return None
    return client.Ladder(permille=ladder.permille, every_ms=ladder.every_ms, price_max=ladder.price_max)


# --- provers -------------------------------------------------------------------------------------


def read_held(message: prover.HeldLease | prover.JobProgress | prover.JobResult | prover.JobFailure) -> HeldLease:
    return HeldLease(lease_id=LeaseId(parse_uuid(message.lease_id, field="lease_id")), fence=message.fence)


def write_held(held: HeldLease) -> prover.HeldLease:
    return prover.HeldLease(lease_id=str(held.lease_id), fence=held.fence)


def read_hello(message: prover.Hello) -> ProverTerms:
    return ProverTerms(
        name=message.name,
        asks={ask.proof_system: ask.price for ask in message.asks},
        classes=tuple(parse_class(text) for text in message.classes),
        slots=message.slots,
        cores=message.cores,
        memory_bytes=message.memory_bytes,
        region=message.region,
        version=message.version,
        held=tuple(read_held(held) for held in message.held),
        cached_programs=frozenset(parse_digest(text, field="cached_programs") for text in message.cached_programs),
        class_asks={
            ask.proof_system: {parse_class(name, field="class_asks"): price for name, price in ask.class_prices.items()}
            for ask in message.asks
            if ask.class_prices
        },
        units_min=message.units_min,
        subnetworks=tuple(message.subnetworks),
    )


def write_hello(terms: ProverTerms) -> prover.FromProver:
    return prover.FromProver(
        hello=prover.Hello(
            name=terms.name,
            asks=[
                prover.Ask(proof_system=system, price=price, class_prices=_class_prices(terms, system))
                for system, price in sorted(terms.asks.items())
            ],
            classes=[job_class.value for job_class in terms.classes],
            slots=terms.slots,
            cores=terms.cores,
            memory_bytes=terms.memory_bytes,
            region=terms.region,
            version=terms.version,
            held=[write_held(held) for held in terms.held],
            cached_programs=sorted(terms.cached_programs),
            units_min=terms.units_min,
            subnetworks=terms.subnetworks,
        )
    )


def _class_prices(terms: ProverTerms, system: str) -> dict[str, int]:
    return {job_class.value: price for job_class, price in terms.class_asks.get(system, {}).items()}


def read_leases(message: prover.Leases) -> tuple[list[LeaseOffer], dict[Digest, Mapping[str, Any]]]:
    """Return the leases, and the manifests of their programs by digest."""
    manifests = {
        parse_digest(digest, field="manifests"): _object(text, field="manifests")
        for digest, text in message.manifests.items()
    }
    return [_read_lease(lease) for lease in message.leases], manifests


def _read_lease(message: prover.Lease) -> LeaseOffer:
    return LeaseOffer(
        held=HeldLease(lease_id=LeaseId(parse_uuid(message.lease_id, field="lease_id")), fence=message.fence),
        job_id=JobId(parse_uuid(message.job_id, field="job_id")),
        program_digest=parse_digest(message.program_digest, field="program_digest"),
        slice_index=message.slice,
        input_digest=parse_digest(message.input_digest, field="input_digest"),
        small_input=message.small_input if message.HasField("small_input") else None,
        units=message.units,
        memory_bytes=message.memory_bytes,
        price=message.price,
        timeout_ms=message.timeout_ms,
    )


def write_leases(leases: Sequence[LeaseOffer], manifests: Mapping[str, str]) -> prover.ToProver:
    return prover.ToProver(
        leases=prover.Leases(leases=[_write_lease(lease) for lease in leases], manifests=dict(manifests))
    )


def _write_lease(lease: LeaseOffer) -> prover.Lease:
    return prover.Lease(
        lease_id=str(lease.held.lease_id),
        fence=lease.held.fence,
        job_id=str(lease.job_id),
        program_digest=lease.program_digest,
        slice=lease.slice_index,
        input_digest=lease.input_digest,
        small_input=lease.small_input,
        units=lease.units,
        memory_bytes=lease.memory_bytes,
        price=lease.price,
        timeout_ms=lease.timeout_ms,
    )


def read_progress(message: prover.JobProgress) -> StageReport:
    stage = message.stage
    if not (1 <= len(stage) <= 32 and stage.isascii() and stage.isprintable()):
        raise MalformedMessage("1 to 32 printable characters", field="stage")
    return StageReport(held=read_held(message), stage=stage, permille=min(message.permille, 1000))


def write_progress(report: StageReport) -> prover.FromProver:
    return prover.FromProver(
        progress=prover.JobProgress(
            lease_id=str(report.held.lease_id),
            fence=report.held.fence,
            stage=report.stage,
            permille=report.permille,
        )
    )


def read_result(message: prover.JobResult) -> JobReport:
    if len(message.proof) > SMALL_PROOF_BYTES:
        raise MalformedMessage(f"a proof over {SMALL_PROOF_BYTES} bytes is uploaded first", field="proof")
    digest: Digest | None = parse_digest(message.proof_digest, field="proof_digest") if message.proof_digest else None
    if digest is None and not message.proof:
        raise MalformedMessage("a proof or the digest of an uploaded one", field="proof")
    return JobReport(
        held=read_held(message),
        proof=message.proof,
        proof_digest=digest,
        public=_object(message.public_json, field="public_json"),
        wall_ms=message.wall_ms,
        memory_peak_bytes=message.memory_peak_bytes,
        signature=message.signature,
    )


def write_results(reports: Sequence[JobReport]) -> prover.FromProver:
    return prover.FromProver(results=prover.JobResults(results=[_write_result(report) for report in reports]))


def _write_result(report: JobReport) -> prover.JobResult:
    return prover.JobResult(
        lease_id=str(report.held.lease_id),
        fence=report.held.fence,
        proof=report.proof,
        proof_digest=report.proof_digest or "",
        public_json=json.dumps(report.public, separators=(",", ":")),
        wall_ms=report.wall_ms,
        memory_peak_bytes=report.memory_peak_bytes,
        signature=report.signature,
    )


def read_failure(message: prover.JobFailure) -> JobTrouble:
    return JobTrouble(held=read_held(message), code=message.code[:16], detail=message.detail[:2_000])


def write_failure(trouble: JobTrouble) -> prover.FromProver:
    return prover.FromProver(
        failure=prover.JobFailure(
            lease_id=str(trouble.held.lease_id),
            fence=trouble.held.fence,
            code=trouble.code,
            detail=trouble.detail[:2_000],
        )
    )


def write_acks(verdicts: Sequence[tuple[LeaseId, Verdict]]) -> prover.ToProver:
    return prover.ToProver(acks=prover.ResultAcks(acks=[_write_ack(*verdict) for verdict in verdicts]))


def _write_ack(lease_id: LeaseId, verdict: Verdict) -> prover.ResultAck:
    return prover.ResultAck(lease_id=str(lease_id), accepted=verdict.accepted, code=verdict.code, detail=verdict.detail)


def _object(text: str, *, field: str) -> Mapping[str, Any]:
    value = read_json(text or "{}", field=field, bytes_max=4 << 20)
    if not isinstance(value, dict):
        raise MalformedMessage("a JSON object", field=field)
    return value


# --- rows to messages ----------------------------------------------------------------------------


def write_task(row: asyncpg.Record, jobs: list[asyncpg.Record]) -> client.Task:
    return client.Task(
        task_id=str(row["task_id"]),
        state=row["state"],
        program_digest=row["program_digest"],
        limit_price=row["limit_price"],
        escrow=row["escrow"],
        spent=row["spent"],
        units=row["units"],
        deadline_ms=row["deadline_ms"],
        created_ms=row["created_ms"],
        finished_ms=row["finished_ms"] or 0,
        failure_code=row["failure_code"],
        failure_detail=row["failure_detail"],
        bundle_digest=row["bundle_digest"] or "",
        inputs=row["inputs"],
        quote_id=str(row["quote_id"] or ""),
        jobs=[_write_job(job) for job in jobs],
    )


def _write_job(row: asyncpg.Record) -> client.Job:
    return client.Job(
        job_id=str(row["job_id"]),
        slice=row["slice"],
        input=row["input"],
        state=row["state"],
        units=row["units"],
        attempts=row["attempts"],
        operator=row["operator"] or "",
        prover=row["prover_id"] or "",
        price=row["buy_price"] or 0,
        stage=row["stage"],
        permille=row["permille"],
        **{"class": row["class"]},
    )


def write_event(row: asyncpg.Record) -> client.TaskEvent:
    return client.TaskEvent(
        cursor=row["seq"],
        kind=row["kind"],
        at_ms=row["at_ms"],
        data_json=json.dumps(row["data"], separators=(",", ":")),
    )


def write_program(row: asyncpg.Record) -> client.Program:
    return client.Program(
        digest=row["digest"],
        proof_system=row["proof_system"],
        label=row["label"],
        manifest_json=json.dumps(row["manifest"], separators=(",", ":")),
        slices=row["slices"],
        units=row["units"],
        created_ms=row["created_ms"],
    )


def write_round(row: asyncpg.Record, *, with_transcript: bool) -> client.Round:
    return client.Round(
        lane=row["lane"],
        number=row["number"],
        buy_price=row["buy_price"],
        sell_price=row["sell_price"],
        units=row["units"],
        bids=row["bids"],
        asks=row["asks"],
        transcript_hash=row["transcript_hash"],
        signature=row["signature"],
        transcript_json=row["transcript"] if with_transcript else "",
        at_ms=row["at_ms"],
        next_reference=row["next_reference"] or 0,
    )


def write_artifact(digest: Digest, size_bytes: int) -> common.ArtifactRef:
    return common.ArtifactRef(digest=digest, size_bytes=size_bytes)
