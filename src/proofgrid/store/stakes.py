"""What several roles do with bonds inside their transactions: slash a lease, reward whoever proved its job after all.

Accounts are locked before they are read, all of them, in the order of their names; after that a transaction locks
nothing that others may hold while they wait for accounts. A task's jobs and leases belong to whoever holds its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, LeaseId, ProverId, TaskId
from proofgrid.rules.jobs.event_kinds import Event
from proofgrid.rules.jobs.events import Rescued, Slashed
from proofgrid.rules.jobs.lifecycle import JobState, TaskState
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.ledger.accounts import (
    MINT,
    Transfer,
    client_account,
    rescue_account,
    stake_account,
    unbonding_account,
)
from proofgrid.rules.ledger.stakes import compensate, reward_rescuer, take, take_back_unbonding
from proofgrid.rules.staking.results import claim_from_text, claim_of, contradict, is_signed, public_text
from proofgrid.rules.staking.slashing import Slash, SlashReason, may_be_slashed, slash, slash_reason
from proofgrid.store.connection import Connection
from proofgrid.store.ledger import lock_accounts
from proofgrid.store.queries import query
from proofgrid.store.tasks import LOCK_TASK, append_event
from proofgrid.store.transfers import post_transfers

DETAIL_CHARS_MAX = 600
GATEWAY_HEARD_MS = 2_500  #: it says every second that it lives; its leases run out later than this after its death

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SlashableLease:
    """A lease with all that a slash of it needs to know."""

    lease_id: UUID
    fence: int
    job_id: UUID
    task_id: UUID
    prover_id: ProverId
    operator: Address
    units: int
    sell_price: int  #: base units per PU
    reported_ms: int
    slice: int
    input: int
    facts: Mapping[str, Any]
    job_state: JobState
    program_digest: Digest
    client: Address
    task_state: TaskState
    network: Address
    gateway_lives: bool  #: the one that it was handed out by


@dataclass(frozen=True, slots=True)
class SignedEvidence:
    """The first signed result of a lease that was slashed for it."""

    operator: Address
    task_id: UUID
    claim: str
    signature: str
    amount: int  #: base units
    known: bool  #: a second one was found already


@dataclass(frozen=True, slots=True)
class RescueOfJob:
    """What slashes left for whoever proves a job after all."""

    job_id: UUID
    task_id: UUID
    balance: int  #: base units
    operators: tuple[Address, ...]  #: that were slashed for it
    client: Address
    slice: int
    input: int


SLASHABLE_LEASE = query("slashable_lease", SlashableLease)
SLASH_UNBONDINGS = query("slash_unbondings", None)
INSERT_EVIDENCE = query("insert_evidence", UUID)
CHAIN_BOND_OF = query("chain_bond_of", int)
OWE_ON_CHAIN = query("owe_on_chain", None)
TAKEN_FOR_LEASE = query("taken_for_lease", int)
SIGNED_EVIDENCE_OF_LEASE = query("signed_evidence_of_lease", SignedEvidence)
RESCUES_OF_JOBS = query("rescues_of_jobs", RescueOfJob)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the evidence of a slash shows, beside the lease."""

    claim: str = ""
    signature: str = ""
    public: str = ""
    proof_digest: Digest | None = None
    proof: bytes | None = None
    other_claim: str = ""
    other_signature: str = ""


async def slash_lease(
    connection: Connection, lease_id: LeaseId, reason: ReturnReason, *, detail: str, report: JobReport | None = None
) -> Slash | None:
    """Take a part of the bond for a lease that has just ended, its task's row locked; None when it costs nothing.

    `report` is the result that was refused, if there was one.
    """
    if not may_be_slashed(reason):
        return None
    lease = await connection.value(SLASHABLE_LEASE, lease_id=lease_id, gateway_silent_ms=GATEWAY_HEARD_MS)
    shown = _signed_result(lease, report) if report is not None else None
    # What was reported waits for the gateway: a prover that goes away meanwhile has done its part.
    at_fault = not lease.gateway_lives or lease.reported_ms > 0
    why = slash_reason(reason, signed=shown is not None, gateway_at_fault=at_fault)
    if why is None:
        return None
    return await _slash(
        connection, lease, why, f"slash:{lease_id}", shown=shown or _Shown(), detail=detail, can_be_rescued=True
    )


async def slash_late_lie(connection: Connection, lease_id: LeaseId, *, detail: str, report: JobReport) -> Slash | None:
    """Take a part of the bond for a result that is no proof and came after its lease was taken back.

    Its task's row is locked. What the lease's end cost already counts; None when this costs nothing more.
    """
    lease = await connection.value(SLASHABLE_LEASE, lease_id=lease_id, gateway_silent_ms=GATEWAY_HEARD_MS)
    shown = _signed_result(lease, report)
    taken = await connection.value(TAKEN_FOR_LEASE, lease_id=lease_id)
    why = slash_reason(ReturnReason.BAD_PROOF, signed=shown is not None, gateway_at_fault=False)
    if why is None or (taken and why is SlashReason.MISSED_DEADLINE):
        return None
    return await _slash(
        connection,
        lease,
        why,
        f"late:{lease_id}",
        shown=shown or _Shown(),
        detail=detail,
        taken=taken,
        can_be_rescued=lease.job_state in (JobState.READY, JobState.LEASED),
        tell=lease.task_state in (TaskState.OPEN, TaskState.COMBINING),
    )


async def slash_equivocation(connection: Connection, report: JobReport, operator: Address) -> Slash | None:
    """Take the bond for a second signed result of a lease whose first one was invalid, and which contradicts it.

    None when it is none: other bytes that say the same are no second lie.

    The lease's task must be locked by `lock_task` before, or nothing but this may be done in the transaction.
    """
    first = await connection.first(SIGNED_EVIDENCE_OF_LEASE, lease_id=report.held.lease_id)
    if first is None or first.known or first.operator != operator:
        return None
    await connection.run(LOCK_TASK, task_id=first.task_id)
    lease = await connection.value(SLASHABLE_LEASE, lease_id=report.held.lease_id, gateway_silent_ms=GATEWAY_HEARD_MS)
    second = _signed_result(lease, report)
    if second is None or not contradict(claim_from_text(first.claim), claim_from_text(second.claim)):
        return None
    # Somebody else may have been faster before the task was locked.
    first = await connection.value(SIGNED_EVIDENCE_OF_LEASE, lease_id=report.held.lease_id)
    if first.known:
        return None
    shown = _Shown(
        claim=first.claim,
        signature=first.signature,
        other_claim=second.claim,
        other_signature=second.signature,
    )
    open_job = lease.task_state == TaskState.OPEN and lease.job_state in (JobState.READY, JobState.LEASED)
    return await _slash(
        connection,
        lease,
        SlashReason.EQUIVOCATION,
        f"equivocation:{lease.lease_id}",
        shown=shown,
        detail="two signed results with different public values for one lease",
        taken=await connection.value(TAKEN_FOR_LEASE, lease_id=report.held.lease_id),
        can_be_rescued=open_job,
        tell=lease.task_state in (TaskState.OPEN, TaskState.COMBINING),
    )


async def rescue_transfers(
    connection: Connection, proofs: Sequence[tuple[UUID, Address]]
) -> tuple[list[Transfer], list[tuple[TaskId, Event]]]:
    """Return who gets what slashes left for these jobs, proven now by these operators after somebody had failed.

    Who was slashed for a job gets nothing back by proving it: then the client gets it.
    """
    provers = dict(proofs)
    transfers: list[Transfer] = []
    events: list[tuple[TaskId, Event]] = []
    for row in await connection.fetch(RESCUES_OF_JOBS, jobs=list(provers)):
        operator = provers[row.job_id]
        task_id, job_id, amount = str(row.task_id), str(row.job_id), row.balance
        if operator in row.operators:
            client = row.client
            transfers += compensate(task_id=task_id, job_id=job_id, client=client, amount=amount)
            to = "client"
        else:
            transfers += reward_rescuer(task_id=task_id, job_id=job_id, operator=operator, amount=amount)
            to = operator
        event = Rescued(slice=row.slice, input=row.input, amount=amount, to=to)
        events.append((TaskId(row.task_id), event))
    return transfers, events


def _signed_result(lease: SlashableLease, report: JobReport) -> _Shown | None:
    """Return a result as evidence, if its operator's signature is on it."""
    claim = claim_of(
        report,
        network=lease.network,
        fence=lease.fence,
        job_id=str(lease.job_id),
        program=lease.program_digest,
        slice_index=lease.slice,
    )
    if not is_signed(claim, report.signature, lease.operator):
        return None
    return _Shown(
        claim=claim.text,
        signature=report.signature,
        public=public_text(report.public),
        proof_digest=Digest(claim.proof),
        proof=None if report.proof_digest else report.proof,
    )


async def _slash(
    connection: Connection,
    lease: SlashableLease,
    reason: SlashReason,
    case: str,
    *,
    shown: _Shown,
    detail: str,
    can_be_rescued: bool,
    taken: int = 0,
    tell: bool = True,
) -> Slash | None:
    operator, client, job_id = lease.operator, lease.client, str(lease.job_id)
    stake, unbonding = stake_account(operator), unbonding_account(operator)
    balances = await lock_accounts(connection, [stake, unbonding, MINT, client_account(client), rescue_account(job_id)])
    bond = balances.get(stake, 0) + balances.get(unbonding, 0)
    value = lease.units * lease.sell_price
    slashed = slash(reason, value=value, bond=bond, taken=taken, can_be_rescued=can_be_rescued)
    on_chain = min(slashed.short, await connection.value(CHAIN_BOND_OF, operator=operator)) if slashed.short else 0
    if not slashed.amount and not on_chain:
        return None
    short = max(0, slashed.amount - balances.get(stake, 0))
    if short:
        await connection.run(SLASH_UNBONDINGS, operator=operator, amount=short)
    transfers = take_back_unbonding(case=case, operator=operator, amount=short)
    transfers += take(
        case=case, operator=operator, client=client, task_id=str(lease.task_id), job_id=job_id, slashed=slashed
    )
    await post_transfers(connection, transfers)
    evidence_id = await _write_evidence(connection, lease, slashed, shown, detail)
    if on_chain:
        await connection.run(OWE_ON_CHAIN, evidence_id=evidence_id, operator=operator, amount=on_chain)
    if tell:
        await append_event(
            connection,
            TaskId(lease.task_id),
            Slashed(
                slice=lease.slice,
                input=lease.input,
                prover=lease.prover_id,
                operator=operator,
                reason=reason.value,
                amount=slashed.amount,
                burnt=slashed.burnt,
                to_client=slashed.client,
                to_rescuer=slashed.rescuer,
                evidence=str(evidence_id),
                owed=on_chain or None,
            ),
        )
    log.info(
        "slashed",
        lease_id=str(lease.lease_id),
        operator=operator,
        reason=reason.value,
        amount=slashed.amount,
        on_chain=on_chain,
    )
    return slashed


async def _write_evidence(
    connection: Connection, lease: SlashableLease, slashed: Slash, shown: _Shown, detail: str
) -> UUID:
    return await connection.value(
        INSERT_EVIDENCE,
        kind=slashed.reason.value,
        lease_id=lease.lease_id,
        task_id=lease.task_id,
        job_id=lease.job_id,
        operator=lease.operator,
        prover_id=lease.prover_id,
        client=lease.client,
        program_digest=lease.program_digest,
        slice=lease.slice,
        detail=detail[:DETAIL_CHARS_MAX],
        facts=public_text(lease.facts),
        claim=shown.claim,
        signature=shown.signature,
        public=shown.public,
        proof_digest=shown.proof_digest,
        proof=shown.proof,
        other_claim=shown.other_claim,
        other_signature=shown.other_signature,
        amount=slashed.amount,
        burnt=slashed.burnt,
        to_client=slashed.client,
        to_rescuer=slashed.rescuer,
    )
