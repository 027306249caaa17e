"""A task that passed every check, and how it is spelled for the one statement that writes it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, Lane, TaskId
from proofgrid.proofs.base import JobDraft
from proofgrid.roles.intake.sealing import seal_row
from proofgrid.roles.intake.sizing import PlacedJob
from proofgrid.rules.access.subnetworks import DEFAULT
from proofgrid.rules.jobs.classes import class_of_lane, stack_of
from proofgrid.rules.jobs.events import Accepted, AcceptedQuote
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.rules.jobs.limits import SMALL_ARTIFACT_BYTES
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.firm_quotes import redeem_quote
from proofgrid.rules.ledger.settlement import escrow
from proofgrid.store.admission import AdmittedTask
from proofgrid.store.firm_quotes import FirmQuote
from proofgrid.store.task_views import TaskView
from proofgrid.store.transfers import transfer_row

Spelled = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedJob:
    """A job with its id, its size, the lane it is sold in, and the digest of its input."""

    job_id: UUID
    input_digest: Digest
    placed: PlacedJob

    @property
    def lane(self) -> Lane:
        return self.placed.lane

    @property
    def content(self) -> JobDraft:
        return self.placed.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A task that only has to be written down."""

    task_id: TaskId
    client: Address
    request: ProofRequest
    subnetwork: str  #: whose lanes its jobs are sold in
    statement: Mapping[str, object]
    jobs: Sequence[DraftedJob]
    escrow: int  #: base units
    quote: FirmQuote | None  #: the firm quote that it redeems
    api_key: str = ""  #: the name of the API key by which it is paid for

    @property
    def units(self) -> int:
        return sum(job.content.units for job in self.jobs)


def task_row(draft: Draft) -> Spelled:
    """Spell the task with its first event and its escrow's transfer."""
    request = draft.request
    [transfer] = _escrow(draft)
    spelled: Spelled = {
        "task_id": str(draft.task_id),
        "client": draft.client,
        "program_digest": request.program_digest,
        "idempotency_key": request.idempotency_key,
        "request_digest": request.content_digest,
        "statement": draft.statement,
        "inputs": request.inputs_count,
        "limit_price": request.limit_price,
        "units": draft.units,
        "escrow": draft.escrow,
        "deadline_ms": request.deadline_ms,
        "jobs_open": len(draft.jobs),
        "inputs_digest": request.inputs_digest,
        "hedging": request.hedging,
        "transfer": transfer_row(transfer),
        "accepted": _accepted(draft).data(),
    }
    if request.ladder is not None:
        spelled["raise_permille"] = request.ladder.permille
        spelled["raise_every_ms"] = request.ladder.every_ms
        spelled["raise_max"] = request.ladder.price_max
    if request.quote_id:
        spelled["quote_id"] = request.quote_id  # paid for when it was bought
    elif draft.api_key:
        spelled["api_key"] = draft.api_key
    if draft.subnetwork != DEFAULT:
        spelled["subnetwork"] = draft.subnetwork
    if request.tags:
        spelled["tags"] = list(request.tags)
    if request.sealed is not None:
        spelled["seal"] = seal_row(request, request.sealed)
    return spelled


def task_view(draft: Draft, written: AdmittedTask) -> TaskView:
    """Return the task as its client sees it, just written down: what GET_TASK would read."""
    request = draft.request
    return TaskView(
        task_id=draft.task_id,
        client=draft.client,
        state=TaskState.OPEN,
        program_digest=request.program_digest,
        limit_price=request.limit_price,
        escrow=draft.escrow,
        spent=0,
        units=draft.units,
        deadline_ms=written.deadline_ms,
        created_ms=written.created_ms,
        finished_ms=None,
        failure_code="",
        failure_detail="",
        bundle_digest=None,
        inputs=request.inputs_count,
        quote_id=UUID(request.quote_id) if request.quote_id else None,
        subnetwork=draft.subnetwork,
        tags=request.tags,
        replay_of=None,
    )


def job_rows(draft: Draft) -> list[Spelled]:
    """Spell the task's jobs, in their order."""
    return [_job_row(draft, job, position) for position, job in enumerate(draft.jobs)]


def small_inputs(draft: Draft) -> list[bytes | None]:
    """Return the jobs' inputs that are written with them; None for one that is an artifact."""
    return [job.content.input if is_small(job.content.input) else None for job in draft.jobs]


def is_small(content: bytes) -> bool:
    """Tell whether an input is written with its job, and needs no artifact."""
    return len(content) <= SMALL_ARTIFACT_BYTES


def _job_row(draft: Draft, job: DraftedJob, position: int) -> Spelled:
    spelled: Spelled = {
        "job_id": str(job.job_id),
        "task_id": str(draft.task_id),
        "slice": job.content.slice_index,
        "input": job.content.input_index,
        "position": position,
        "lane": job.lane,
        "class": class_of_lane(job.lane).value,
        "units": job.content.units,
        "memory_bytes": job.content.memory_bytes,
        "depends_on": list(job.content.depends_on),
        "input_digest": job.input_digest,
        "input_bytes": len(job.content.input),
        "facts": dict(job.content.facts),
    }
    sized = job.placed.sized
    if sized.correction:
        spelled["sizes"] = sized.correction
    if sized.said is not sized.content:
        spelled |= {"said_units": sized.said.units, "said_memory_bytes": sized.said.memory_bytes}
    constraints = draft.request.constraints
    if not constraints.is_empty:
        spelled |= {"stack": stack_of(job.lane), "constraints": constraints.to_json()}
    return spelled


def _accepted(draft: Draft) -> Accepted:
    request = draft.request
    return Accepted(
        program=request.program_digest,
        jobs=[
            {"slice": job.content.slice_index, "input": job.content.input_index, "units": job.content.units}
            for job in draft.jobs
        ],
        units=draft.units,
        limit_price=request.limit_price,
        limit_price_max=request.price_max if request.ladder else None,
        estimate=request.estimate,
        escrow=draft.escrow,
        constraints=None if request.constraints.is_empty else request.constraints.to_json(),
        quote=None if draft.quote is None else _promised(draft.quote),
        subnetwork=None if draft.subnetwork == DEFAULT else draft.subnetwork,
        sizes=sorted({job.placed.sized.correction for job in draft.jobs} - {0}) or None,
    )


def _promised(quote: FirmQuote) -> AcceptedQuote:
    return {
        "quote_id": str(quote.quote_id),
        "cost": quote.cost,
        "penalty": quote.penalty,
        "within_ms": quote.within_ms,
    }


def _escrow(draft: Draft) -> list[Transfer]:
    task_id = str(draft.task_id)
    if draft.quote is not None:
        return redeem_quote(quote_id=str(draft.quote.quote_id), task_id=task_id, cost=draft.escrow)
    return escrow(task_id=task_id, client=draft.client, limit_price=draft.request.price_max, units=draft.units)
