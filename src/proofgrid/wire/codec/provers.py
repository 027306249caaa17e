"""What provers and gateways say to each other on their stream."""

from __future__ import annotations

import json
from collections.abc import Sequence

from proofgrid.primitives.digests import Digest, parse_digest
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.primitives.ids import Address, JobId, LeaseId, ProverId, parse_uuid
from proofgrid.primitives.plain_text import escaped, one_line
from proofgrid.rules.access.sessions import SignedSession
from proofgrid.rules.jobs.classes import parse_class
from proofgrid.rules.jobs.confinement import told_confinement
from proofgrid.rules.jobs.limits import SMALL_PROOF_BYTES
from proofgrid.rules.jobs.offers import (
    Acks,
    Drain,
    FromProver,
    HeldLease,
    JobReport,
    JobTrouble,
    LeaseOffer,
    Leases,
    Notice,
    ProverTerms,
    StageReport,
    Stop,
    TakenProof,
    ToProver,
    Verdict,
    Welcome,
)
from proofgrid.rules.jobs.sealing import Certificate, LeaseSeal
from proofgrid.wire.codec.texts import read_object
from proofgrid.wire.v1 import prover_pb2 as prover

RESULTS_PER_MESSAGE_MAX = 256


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
        reserve_price=message.reserve_price,
        reserve_slots=message.reserve_slots,
        confinement=told_confinement(message.confinement),
        sealing=_read_certificate(message) if message.sealing_key else None,
    )


def _read_certificate(message: prover.Hello) -> Certificate:
    return Certificate(key=message.sealing_key, until_ms=message.sealing_until_ms, signature=message.sealing_signature)


def read_session(message: prover.Hello) -> SignedSession | None:
    if not message.session_key:
        return None
    return SignedSession(key=message.session_key, run=message.run, signature=message.session_signature)


def write_hello(terms: ProverTerms, session: SignedSession | None = None) -> prover.FromProver:
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
            reserve_price=terms.reserve_price,
            reserve_slots=terms.reserve_slots,
            confinement=terms.confinement.value,
            session_key=session.key if session else "",
            run=session.run if session else "",
            session_signature=session.signature if session else "",
            sealing_key=terms.sealing.key if terms.sealing else b"",
            sealing_until_ms=terms.sealing.until_ms if terms.sealing else 0,
            sealing_signature=terms.sealing.signature if terms.sealing else "",
        )
    )


def _class_prices(terms: ProverTerms, system: str) -> dict[str, int]:
    return {job_class.value: price for job_class, price in terms.class_asks.get(system, {}).items()}


def write_to_prover(said: ToProver) -> prover.ToProver:
    match said:
        case Welcome():
            return prover.ToProver(welcome=_write_welcome(said))
        case Leases():
            leases = [_write_lease(lease) for lease in said.leases]
            return prover.ToProver(leases=prover.Leases(leases=leases, manifests=dict(said.manifests)))
        case Stop():
            return prover.ToProver(stop=prover.Stop(lease_id=str(said.lease_id), reason=said.reason))
        case Acks():
            acks = [_write_ack(*verdict) for verdict in said.verdicts]
            return prover.ToProver(acks=prover.ResultAcks(acks=acks))
        case Notice():
            return prover.ToProver(notice=prover.Notice(code=said.code, detail=said.detail))


def read_to_prover(message: prover.ToProver) -> ToProver:
    """Return what a gateway says; what is not known is a notice without content, as of a gateway of another version."""
    match message.WhichOneof("message"):
        case "welcome":
            return _read_welcome(message.welcome)
        case "leases":
            leases = tuple(_read_lease(lease) for lease in message.leases.leases)
            return Leases(leases=leases, manifests=dict(message.leases.manifests))
        case "stop":
            return Stop(lease_id=_lease_id(message.stop.lease_id), reason=message.stop.reason)
        case "acks":
            return Acks(verdicts=tuple(_read_ack(ack) for ack in message.acks.acks))
    return Notice(code=message.notice.code, detail=message.notice.detail)


def _write_welcome(welcome: Welcome) -> prover.Welcome:
    return prover.Welcome(
        session_id=welcome.session_id,
        prover_id=welcome.prover_id,
        network=welcome.network,
        heartbeat_ms=welcome.heartbeat_ms,
        dropped_leases=[str(lease_id) for lease_id in welcome.dropped],
    )


def _read_welcome(message: prover.Welcome) -> Welcome:
    return Welcome(
        session_id=message.session_id,
        prover_id=ProverId(message.prover_id),
        network=Address(message.network),
        heartbeat_ms=message.heartbeat_ms,
        dropped=tuple(_lease_id(text, field="dropped_leases") for text in message.dropped_leases),
    )


def _lease_id(text: str, *, field: str = "lease_id") -> LeaseId:
    return LeaseId(parse_uuid(text, field=field))


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
        parts=tuple(_read_part(part) for part in message.parts),
        trace_context=message.trace_context,
        seal=_read_seal(message.seal) if message.HasField("seal") else None,
    )


def _read_seal(message: prover.LeaseSeal) -> LeaseSeal:
    return LeaseSeal(
        client=message.client,
        request=parse_digest(message.request, field="seal.request"),
        key_id=message.key_id,
        sealed=message.sealed,
        commitment=message.commitment,
        input_index=message.input,
        facts_json=message.facts_json,
    )


def _write_seal(seal: LeaseSeal) -> prover.LeaseSeal:
    return prover.LeaseSeal(
        client=seal.client,
        request=seal.request,
        key_id=seal.key_id,
        sealed=seal.sealed,
        commitment=seal.commitment,
        input=seal.input_index,
        facts_json=seal.facts_json,
    )


def _read_part(message: prover.TakenProof) -> TakenProof:
    return TakenProof(
        slice_index=message.slice,
        input_index=message.input,
        proof_digest=parse_digest(message.proof_digest, field="parts"),
        small_proof=message.small_proof if message.HasField("small_proof") else None,
        public=read_object(message.public_json, field="parts"),
    )


def _write_part(part: TakenProof) -> prover.TakenProof:
    return prover.TakenProof(
        slice=part.slice_index,
        input=part.input_index,
        proof_digest=part.proof_digest,
        small_proof=part.small_proof,
        public_json=json.dumps(part.public, separators=(",", ":")),
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
        parts=[_write_part(part) for part in lease.parts],
        trace_context=lease.trace_context,
        seal=None if lease.seal is None else _write_seal(lease.seal),
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
        public=read_object(message.public_json, field="public_json"),
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
    # Refused it would end the stream of a prover whose engine died with colours on its lips.
    return JobTrouble(
        held=read_held(message), code=one_line(message.code[:16])[:16], detail=escaped(message.detail[:2_000])[:2_000]
    )


def write_failure(trouble: JobTrouble) -> prover.FromProver:
    return prover.FromProver(
        failure=prover.JobFailure(
            lease_id=str(trouble.held.lease_id),
            fence=trouble.held.fence,
            code=trouble.code,
            detail=trouble.detail[:2_000],
        )
    )


def _write_ack(lease_id: LeaseId, verdict: Verdict) -> prover.ResultAck:
    return prover.ResultAck(
        lease_id=str(lease_id),
        accepted=verdict.accepted,
        code=verdict.code,
        detail=verdict.detail,
        price=verdict.price,
    )


def _read_ack(message: prover.ResultAck) -> tuple[LeaseId, Verdict]:
    verdict = Verdict(accepted=message.accepted, code=message.code, detail=message.detail, price=message.price)
    return _lease_id(message.lease_id), verdict


def write_from_prover(said: FromProver) -> prover.FromProver:
    match said:
        case StageReport():
            return write_progress(said)
        case JobReport():
            return write_results([said])
        case JobTrouble():
            return write_failure(said)
        case Drain():
            return prover.FromProver(drain=prover.Drain())
