"""Bonds and evidence over the wire: operators look after their own, administrators answer appeals."""

from __future__ import annotations

from typing import Any

import structlog

from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.errors import InvalidField, NotAllowed, UnknownEvidence
from proofgrid.primitives.ids import Address, parse_uuid
from proofgrid.primitives.money import check_amount
from proofgrid.primitives.signatures import SigningKey, parse_address
from proofgrid.proofs.bundles.evidence import evidence_record, seal_record
from proofgrid.roles.intake.bond_moves import (
    deposit_stake,
    read_stake,
    resolve_appeal,
    unbond_stake,
    withdraw_stake,
    write_appeal,
)
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.wire.v1 import stake_pb2 as messages
from proofgrid.wire.v1 import stake_pb2_grpc as services

TEXT_CHARS_MAX = 4_000
PROOF_BYTES_MAX = 12 << 20  #: of one answer
STATES = ("", "stands", "appealed", "upheld", "overturned")

log = structlog.get_logger(__name__)


class StakeService(services.StakeServiceServicer):
    """What `StakeService` of proto/proofgrid/wire/v1/stake.proto promises."""

    def __init__(
        self, door: FrontDoor, database: Database, artifacts: ArtifactStore, key: SigningKey, policy: BondPolicy
    ) -> None:
        self._door = door
        self._database = database
        self._artifacts = artifacts
        self._key = key
        self._policy = policy

    @answering
    async def GetStake(self, request: messages.GetStakeRequest, context: Any) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, Role.OPERATOR, Role.ADMIN)
        return await read_stake(self._database, _whose(caller, request.operator), self._policy)

    @answering
    async def DepositStake(self, request: messages.DepositStakeRequest, context: Any) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, Role.OPERATOR, Role.ADMIN)
        operator = _whose(caller, request.operator)
        if request.from_outside and Role.ADMIN not in caller.roles:
            raise NotAllowed("only administrators bring money from outside", field="from_outside")
        if not request.from_outside and operator != caller.address:
            raise NotAllowed("only an operator pays out of what he earned", field="operator")
        amount = check_amount(request.amount, field="amount", least=1)
        deposit_id = _key_of(request.deposit_id, field="deposit_id")
        # Ids are their owner's own: nobody can use up another's.
        owner = "outside" if request.from_outside else operator
        await deposit_stake(
            self._database, f"{owner}:{deposit_id}", operator, amount, from_outside=request.from_outside
        )
        log.info("bond_paid_in", operator=operator, amount=amount, by=caller.address)
        return await read_stake(self._database, operator, self._policy)

    @answering
    async def Unbond(self, request: messages.UnbondRequest, context: Any) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, Role.OPERATOR)
        amount = check_amount(request.amount, field="amount", least=1)
        unbonding_id = f"{caller.address}:{_key_of(request.unbonding_id, field='unbonding_id')}"
        await unbond_stake(self._database, unbonding_id, caller.address, amount, self._policy)
        log.info("unbonding", operator=caller.address, amount=amount)
        return await read_stake(self._database, caller.address, self._policy)

    @answering
    async def WithdrawStake(self, request: messages.WithdrawStakeRequest, context: Any) -> messages.Stake:  # noqa: N802
        caller = await self._door.admit(context, Role.OPERATOR)
        amount = await withdraw_stake(self._database, caller.address)
        log.info("unbonded", operator=caller.address, amount=amount)
        return await read_stake(self._database, caller.address, self._policy)

    # --- evidence --------------------------------------------------------------------------------

    @answering
    async def ListEvidence(  # noqa: N802
        self, request: messages.ListEvidenceRequest, context: Any
    ) -> messages.ListEvidenceResponse:
        caller = await self._door.admit(context, Role.OPERATOR, Role.ADMIN)
        if request.state not in STATES:
            raise InvalidField(f"no state {request.state!r}", field="state", hint=", ".join(STATES[1:]))
        whose = "" if Role.ADMIN in caller.roles and not request.operator else _whose(caller, request.operator)
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["list_evidence"], whose, request.state, list_limit(request.limit))
        return messages.ListEvidenceResponse(evidence=[_evidence(row) for row in rows])

    @answering
    async def GetEvidence(self, request: messages.GetEvidenceRequest, context: Any) -> messages.SealedEvidence:  # noqa: N802
        caller = await self._door.admit(context, Role.OPERATOR, Role.ADMIN)
        row = await self._read(caller, request.evidence_id)
        sealed = messages.SealedEvidence(evidence=_evidence(row))
        if row["claim"]:
            sealed.record_json = evidence_record(row)
            sealed.signature = seal_record(sealed.record_json, self._key)
        if row["proof"] is not None:
            sealed.proof = row["proof"]
        elif row["proof_digest"]:
            sealed.proof = await self._artifacts.read_bytes(row["proof_digest"], limit_bytes=PROOF_BYTES_MAX)
        return sealed

    @answering
    async def Appeal(self, request: messages.AppealRequest, context: Any) -> messages.Evidence:  # noqa: N802
        caller = await self._door.admit(context, Role.OPERATOR)
        row = await self._read(caller, request.evidence_id, only_own=True)
        text = _text_of(request.text, field="text")
        await write_appeal(self._database, row["evidence_id"], text)
        return _evidence(await self._read(caller, request.evidence_id))

    @answering
    async def ResolveAppeal(self, request: messages.ResolveAppealRequest, context: Any) -> messages.Evidence:  # noqa: N802
        caller = await self._door.admit(context, Role.ADMIN)
        row = await self._read(caller, request.evidence_id)
        answer = _text_of(request.answer, field="answer")
        await resolve_appeal(self._database, row["evidence_id"], overturned=request.overturn, answer=answer)
        log.info("appeal_resolved", evidence=request.evidence_id, overturned=request.overturn, by=caller.address)
        return _evidence(await self._read(caller, request.evidence_id))

    async def _read(self, caller: Caller, evidence_id: str, *, only_own: bool = False) -> Any:
        wanted = parse_uuid(evidence_id, field="evidence_id")
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["get_evidence"], wanted)
        may_see = Role.ADMIN in caller.roles and not only_own
        if row is None or (row["operator"] != caller.address and not may_see):
            raise UnknownEvidence(field="evidence_id")
        return row


def _whose(caller: Caller, operator: str) -> Address:
    """Return whose bond is meant; raise NotAllowed when it is not the caller's to see."""
    address = parse_address(operator, field="operator") if operator else caller.address
    if address != caller.address and Role.ADMIN not in caller.roles:
        raise NotAllowed("others' bonds are for administrators", field="operator")
    return address


def _key_of(text: str, *, field: str) -> str:
    if not 1 <= len(text) <= 128:
        raise InvalidField("1 to 128 characters", field=field)
    return text


def _text_of(text: str, *, field: str) -> str:
    if not text.strip() or len(text) > TEXT_CHARS_MAX:
        raise InvalidField(f"1 to {TEXT_CHARS_MAX} characters", field=field)
    return text


def _evidence(row: Any) -> messages.Evidence:
    return messages.Evidence(
        evidence_id=str(row["evidence_id"]),
        kind=row["kind"],
        operator=row["operator"],
        prover=row["prover_id"],
        lease_id=str(row["lease_id"]),
        task_id=str(row["task_id"]),
        job_id=str(row["job_id"]),
        program_digest=row["program_digest"],
        slice=row["slice"],
        detail=row["detail"],
        amount=row["amount"],
        burnt=row["burnt"],
        to_client=row["to_client"],
        to_rescuer=row["to_rescuer"],
        at_ms=row["at_ms"],
        state=row["state"],
        appeal=row["appeal"],
        answer=row["answer"],
        given_back=row["given_back"],
        can_be_verified=bool(row["claim"]),
    )
