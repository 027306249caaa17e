"""Bonds and evidence, over gRPC."""

from __future__ import annotations

from uuid import UUID

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.ids import Address, parse_uuid
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.bond_moves import Stake
from proofgrid.roles.intake.bonds import Bonds
from proofgrid.roles.intake.evidence import EvidenceDesk, SealedEvidence
from proofgrid.store.evidence import Evidence
from proofgrid.wire.v1 import stake_pb2 as messages
from proofgrid.wire.v1 import stake_pb2_grpc as services


class StakeService(services.StakeServiceServicer):
    """What `StakeService` of proto/proofgrid/wire/v1/stake.proto promises."""

    def __init__(self, door: FrontDoor, bonds: Bonds, evidence: EvidenceDesk) -> None:
        self._door = door
        self._bonds = bonds
        self._evidence = evidence

    @answering
    async def GetStake(self, request: messages.GetStakeRequest, context: CallContext) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, self._bonds.get)
        return write_stake(await self._bonds.get(caller, _operator(request.operator)))

    @answering
    async def DepositStake(self, request: messages.DepositStakeRequest, context: CallContext) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, self._bonds.deposit)
        stake = await self._bonds.deposit(
            caller,
            _operator(request.operator),
            request.amount,
            deposit_id=request.deposit_id,
            from_outside=request.from_outside,
        )
        return write_stake(stake)

    @answering
    async def Unbond(self, request: messages.UnbondRequest, context: CallContext) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, self._bonds.unbond)
        return write_stake(await self._bonds.unbond(caller, request.amount, unbonding_id=request.unbonding_id))

    @answering
    async def WithdrawStake(self, request: messages.WithdrawStakeRequest, context: CallContext) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, self._bonds.withdraw)
        return write_stake(await self._bonds.withdraw(caller))

    # --- evidence --------------------------------------------------------------------------------

    @answering
    async def ListEvidence(  # noqa: N802
        self, request: messages.ListEvidenceRequest, context: CallContext
    ) -> messages.ListEvidenceResponse:
        caller = await self._door.admit(context, self._evidence.list_for)
        found = await self._evidence.list_for(
            caller, _operator(request.operator), state=request.state, limit=request.limit, cursor=request.cursor
        )
        return messages.ListEvidenceResponse(
            evidence=[write_evidence(one) for one in found], next_cursor=found.next_cursor
        )

    @answering
    async def GetEvidence(  # noqa: N802
        self, request: messages.GetEvidenceRequest, context: CallContext
    ) -> messages.SealedEvidence:
        caller = await self._door.admit(context, self._evidence.get)
        return write_sealed_evidence(await self._evidence.get(caller, _evidence_id(request.evidence_id)))

    @answering
    async def Appeal(self, request: messages.AppealRequest, context: CallContext) -> messages.Evidence:  # noqa: N802
        caller = await self._door.admit(context, self._evidence.appeal)
        return write_evidence(await self._evidence.appeal(caller, _evidence_id(request.evidence_id), request.text))

    @answering
    async def ResolveAppeal(  # noqa: N802
        self, request: messages.ResolveAppealRequest, context: CallContext
    ) -> messages.Evidence:
        caller = await self._door.admit(context, self._evidence.resolve)
        resolved = await self._evidence.resolve(
            caller, _evidence_id(request.evidence_id), overturned=request.overturn, answer=request.answer
        )
        return write_evidence(resolved)


def _operator(text: str) -> Address | None:
    return parse_address(text, field="operator") if text else None


def _evidence_id(text: str) -> UUID:
    return parse_uuid(text, field="evidence_id")


def write_stake(stake: Stake) -> messages.Stake:
    return messages.Stake(
        operator=stake.operator,
        bond=stake.bond,
        bound=stake.bound,
        removable=stake.removable,
        unbonding=stake.unbonding,
        ready=stake.ready,
        unbondings=[
            messages.Unbonding(unbonding_id=one.unbonding_id.partition(":")[2], amount=one.rest, ready_ms=one.ready_ms)
            for one in stake.unbondings
        ],
        earned=stake.earned,
        stake_permille=stake.policy.stake_permille,
        overcommit=stake.policy.overcommit,
        staked=stake.staked,
        debts=[
            messages.ChainDebt(
                evidence_id=one.evidence_id,
                amount=one.amount,
                state=one.state.value,
                taken=one.taken,
                number=-1 if one.number is None else one.number,
                executable_at=one.executable_at or 0,
            )
            for one in stake.debts
        ],
    )


def write_sealed_evidence(sealed: SealedEvidence) -> messages.SealedEvidence:
    return messages.SealedEvidence(
        evidence=write_evidence(sealed.evidence),
        record_json=sealed.record,
        signature=sealed.signature,
        keys=sealed.keys,
        proof=sealed.proof,
    )


def write_evidence(evidence: Evidence) -> messages.Evidence:
    return messages.Evidence(
        evidence_id=str(evidence.evidence_id),
        kind=evidence.kind,
        operator=evidence.operator,
        prover=evidence.prover_id,
        lease_id=str(evidence.lease_id),
        task_id=str(evidence.task_id),
        job_id=str(evidence.job_id),
        program_digest=evidence.program_digest,
        slice=evidence.slice,
        detail=evidence.detail,
        amount=evidence.amount,
        burnt=evidence.burnt,
        to_client=evidence.to_client,
        to_rescuer=evidence.to_rescuer,
        at_ms=evidence.at_ms,
        state=evidence.state,
        appeal=evidence.appeal,
        answer=evidence.answer,
        given_back=evidence.given_back,
        can_be_verified=evidence.can_be_verified,
    )
