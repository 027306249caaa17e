"""What administrators may do: the access list, deposits, the ledger's health, dead letters."""

from __future__ import annotations

from collections.abc import Iterable

from proofgrid.doors.services.answers import write_account
from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.ids import parse_task_id
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.accounts import LedgerHealth
from proofgrid.roles.intake.intake import Intake
from proofgrid.rules.access.roles import parse_role
from proofgrid.store.access import Identity
from proofgrid.store.dead_letters import DeadLetter, FailedTry
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services


class AdminService(services.AdminServiceServicer):
    """What `AdminService` of proto/proofgrid/wire/v1/client.proto promises."""

    def __init__(self, door: FrontDoor, intake: Intake) -> None:
        self._door = door
        self._access = intake.access
        self._accounts = intake.accounts
        self._treasury = intake.treasury
        self._letters = intake.dead_letters

    @answering
    async def Grant(self, request: messages.GrantRequest, context: CallContext) -> messages.Identity:  # noqa: N802
        caller = await self._door.admit(context, self._access.grant)
        address, role = parse_address(request.address), parse_role(request.role)
        return write_identity(await self._access.grant(caller, address, role, label=request.label))

    @answering
    async def Revoke(self, request: messages.RevokeRequest, context: CallContext) -> messages.Identity:  # noqa: N802
        caller = await self._door.admit(context, self._access.revoke)
        address, role = parse_address(request.address), parse_role(request.role)
        return write_identity(await self._access.revoke(caller, address, role))

    @answering
    async def ListIdentities(  # noqa: N802
        self, request: messages.ListIdentitiesRequest, context: CallContext
    ) -> messages.ListIdentitiesResponse:
        await self._door.admit(context, self._access.list_all)
        known = await self._access.list_all()
        return messages.ListIdentitiesResponse(identities=[write_identity(one) for one in known])

    @answering
    async def Deposit(self, request: messages.DepositRequest, context: CallContext) -> messages.Account:  # noqa: N802
        caller = await self._door.admit(context, self._treasury.deposit)
        address = parse_address(request.address)
        await self._treasury.deposit(caller, address, request.amount, deposit_id=request.deposit_id)
        return write_account(await self._accounts.get(caller, address, transfers_limit=0))

    @answering
    async def CheckLedger(self, request: messages.CheckLedgerRequest, context: CallContext) -> messages.LedgerCheck:  # noqa: N802
        await self._door.admit(context, self._accounts.check_ledger)
        return write_ledger_health(await self._accounts.check_ledger())

    @answering
    async def ListDeadLetters(  # noqa: N802
        self, request: messages.ListDeadLettersRequest, context: CallContext
    ) -> messages.ListDeadLettersResponse:
        await self._door.admit(context, self._letters.list_all)
        letters = await self._letters.list_all(limit=request.limit, replayed=request.replayed, cursor=request.cursor)
        return messages.ListDeadLettersResponse(
            letters=[write_dead_letter(one) for one in letters], next_cursor=letters.next_cursor
        )

    @answering
    async def GetDeadLetter(  # noqa: N802
        self, request: messages.GetDeadLetterRequest, context: CallContext
    ) -> messages.DeadLetter:
        await self._door.admit(context, self._letters.get)
        return write_dead_letter(*await self._letters.get(parse_task_id(request.task_id)))

    @answering
    async def ReplayDeadLetter(  # noqa: N802
        self, request: messages.ReplayDeadLetterRequest, context: CallContext
    ) -> messages.DeadLetter:
        await self._door.admit(context, self._letters.replay)
        return write_dead_letter(*await self._letters.replay(parse_task_id(request.task_id)))


def write_identity(identity: Identity) -> messages.Identity:
    return messages.Identity(
        address=identity.address, roles=[role.value for role in identity.roles], label=identity.label
    )


def write_ledger_health(health: LedgerHealth) -> messages.LedgerCheck:
    return messages.LedgerCheck(
        balanced=health.is_balanced,
        sum=health.sums.sum,
        minted=health.sums.minted,
        held=health.sums.held,
        faults=health.faults,
    )


def write_dead_letter(letter: DeadLetter, tries: Iterable[FailedTry] = ()) -> messages.DeadLetter:
    return messages.DeadLetter(
        task_id=str(letter.task_id),
        client=letter.client,
        program_digest=letter.program_digest,
        code=letter.failure_code,
        detail=letter.failure_detail,
        failed_ms=letter.finished_ms,
        replay_of=str(letter.replay_of or ""),
        replayed_as=str(letter.replayed_as or ""),
        tries=[_write_try(one) for one in tries],
    )


def _write_try(one: FailedTry) -> messages.DeadLetterTry:
    return messages.DeadLetterTry(
        slice=one.slice,
        input=one.input,
        prover=one.prover_id,
        operator=one.operator,
        reason=one.reason,
        detail=one.detail,
        ended_ms=one.ended_ms or 0,
    )
