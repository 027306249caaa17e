"""Values of the intake as the messages of client.proto: tasks, programs, accounts, rounds, the network's status."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import JobId
from proofgrid.roles.intake.accounts import Account
from proofgrid.roles.intake.bulk_acts import Acted
from proofgrid.roles.intake.status import NetworkFacts, NetworkStatus
from proofgrid.rules.access.programs import visibility_of
from proofgrid.rules.jobs.waiting import Waits
from proofgrid.store.ledger import PostedTransfer
from proofgrid.store.programs import ShownProgram
from proofgrid.store.record import RoundView
from proofgrid.store.status import ConnectedProver, LaneStatus
from proofgrid.store.task_views import EventView, JobView, TaskView
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import common_pb2 as common


def write_network(facts: NetworkFacts) -> messages.Network:
    return messages.Network(
        address=facts.address,
        version=facts.version,
        proof_systems=[
            messages.ProofSystem(name=one.name, engine=one.engine, program_format=one.program_format)
            for one in facts.proof_systems
        ],
        srs_files=dict(facts.setup_files),
        srs_for_development=facts.setup_for_development,
        upload_bytes_max=facts.upload_bytes_max,
        operator_limits=messages.OperatorLimits(
            provers=facts.operator_limits.provers,
            slots=facts.operator_limits.slots,
            newcomer_slots=facts.newcomer_slots,
        ),
    )


def write_program(program: ShownProgram) -> messages.Program:
    return messages.Program(
        digest=program.digest,
        proof_system=program.proof_system,
        label=program.label,
        manifest_json=_spelled(program.manifest),
        slices=program.slices,
        units=program.units,
        created_ms=program.created_ms,
        visibility=visibility_of(program.shared_with if program.is_owner else program.audiences),
        is_yours=program.is_owner,
        shared_with=sorted(program.shared_with),
        stored_bytes=program.stored_bytes,
    )


def write_task(
    task: TaskView, jobs: Iterable[JobView] = (), waits: Mapping[JobId, Waits] | None = None
) -> messages.Task:
    return messages.Task(
        task_id=str(task.task_id),
        state=task.state,
        program_digest=task.program_digest,
        limit_price=task.limit_price,
        escrow=task.escrow,
        spent=task.spent,
        units=task.units,
        deadline_ms=task.deadline_ms,
        created_ms=task.created_ms,
        finished_ms=task.finished_ms or 0,
        failure_code=task.failure_code,
        failure_detail=task.failure_detail,
        bundle_digest=task.bundle_digest or "",
        inputs=task.inputs,
        quote_id=str(task.quote_id or ""),
        tags=task.tags,
        replay_of=str(task.replay_of or ""),
        jobs=[_write_job(one, (waits or {}).get(one.job_id)) for one in jobs],
    )


def write_acted(acted: Acted) -> messages.ActedOnTasks:
    return messages.ActedOnTasks(
        matching=acted.matching,
        tasks=[
            messages.ActedOnTask(
                task_id=str(one.task_id),
                outcome=one.outcome,
                replayed_as=str(one.replayed_as or ""),
                code=one.code,
                detail=one.detail,
            )
            for one in acted.outcomes
        ],
    )


def _write_job(job: JobView, waits: Waits | None) -> messages.Job:
    return messages.Job(
        job_id=str(job.job_id),
        slice=job.slice,
        input=job.input,
        state=job.state,
        units=job.units,
        attempts=job.attempts,
        operator=job.operator or "",
        prover=job.prover_id or "",
        price=job.buy_price or 0,
        stage=job.stage,
        permille=job.permille,
        waiting=None if waits is None else _write_waits(waits),
        **{"class": job.job_class},
    )


def _write_waits(waits: Waits) -> messages.Waiting:
    return messages.Waiting(
        reason=waits.reason,
        price=waits.price,
        price_max=waits.price_max,
        unmet=waits.unmet,
        after_ms=waits.after_ms,
        jobs=waits.jobs,
    )


def write_event(event: EventView) -> messages.TaskEvent:
    return messages.TaskEvent(cursor=event.seq, kind=event.kind, at_ms=event.at_ms, data_json=event.data)


def write_account(account: Account) -> messages.Account:
    return messages.Account(
        address=account.address,
        balance=account.balance,
        escrowed=account.escrowed,
        earned=account.earned,
        transfers=[_write_transfer(one) for one in account.transfers],
        low_balance=account.low_balance,
        is_low=account.is_low,
    )


def _write_transfer(transfer: PostedTransfer) -> messages.Transfer:
    return messages.Transfer(
        transfer_id=transfer.transfer_id,
        debit=transfer.debit,
        credit=transfer.credit,
        amount=transfer.amount,
        reason=transfer.reason,
        task_id=str(transfer.task_id or ""),
        job_id=str(transfer.job_id or ""),
        at_ms=transfer.at_ms,
    )


def write_round(one: RoundView) -> messages.Round:
    return messages.Round(
        lane=one.lane,
        number=one.number,
        buy_price=one.buy_price,
        sell_price=one.sell_price,
        units=one.units,
        bids=one.bids,
        asks=one.asks,
        transcript_hash=one.transcript_hash,
        signature=one.signature,
        transcript_json=one.transcript,
        at_ms=one.at_ms,
        next_reference=one.next_reference or 0,
    )


def write_status(status: NetworkStatus) -> messages.NetworkStatus:
    return messages.NetworkStatus(
        provers=[_write_prover(one) for one in status.provers],
        tasks_by_state=dict(status.tasks_by_state),
        jobs_by_state=dict(status.jobs_by_state),
        lanes=[_write_lane(one) for one in status.lanes],
    )


def _write_prover(prover: ConnectedProver) -> messages.ProverStatus:
    return messages.ProverStatus(
        prover_id=prover.prover_id,
        operator=prover.operator,
        region=prover.region,
        proof_systems=sorted(prover.asks),
        slots=prover.slots,
        busy=prover.busy,
        ask_price=min(prover.asks.values()),
        seen_ms=prover.seen_ms,
        jobs_proven=prover.jobs_proven,
        jobs_failed=prover.jobs_failed,
        state=prover.state,
        confinement=prover.confinement,
    )


def _write_lane(lane: LaneStatus) -> messages.LaneStatus:
    return messages.LaneStatus(
        lane=lane.lane, rounds=lane.rounds, reference_price=lane.next_reference or 0, ready_units=lane.ready_units
    )


def write_artifact(digest: Digest, size_bytes: int) -> common.ArtifactRef:
    return common.ArtifactRef(digest=digest, size_bytes=size_bytes)


def _spelled(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
