"""What clients may ask: programs, tasks, results, accounts, prices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

import proofgrid
from proofgrid.doors.grpc.front_door import FrontDoor, answering, streaming
from proofgrid.primitives.digests import Digest, parse_digest
from proofgrid.primitives.errors import (
    InvalidField,
    MalformedMessage,
    NotAllowed,
    NotFinished,
    TaskCancelled,
    UnknownProgram,
    UnknownTask,
)
from proofgrid.primitives.ids import Address, TaskId, parse_uuid
from proofgrid.primitives.signatures import parse_address
from proofgrid.proofs.registry import installed_names, proof_system
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.registration import Registration
from proofgrid.roles.intake.watching import TaskWatch
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.lifecycle import TaskEvent, TaskState
from proofgrid.rules.jobs.limits import LIST_MAX, Limits, list_limit
from proofgrid.rules.ledger.accounts import client_account, operator_account
from proofgrid.store.database import Database
from proofgrid.store.gateways import COUNT_STATES
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.ledger import ESCROWED_OF_CLIENT, TRANSFERS_OF_ACCOUNT, PostedTransfer, balance_of
from proofgrid.store.queries import QUERIES
from proofgrid.store.stored_artifacts import ARTIFACT_SIZE
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction
from proofgrid.wire.codec import tasks as codec
from proofgrid.wire.codec.requests import read_submit
from proofgrid.wire.codec.texts import read_json
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services

SETTINGS_BYTES_MAX = 64 << 10
ANYBODY = (Role.CLIENT, Role.OPERATOR, Role.ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """What the gateway says of the network to anybody."""

    address: Address
    setup_files: Mapping[str, Digest]  #: file of a trust root, such as kzg15.srs -> artifact
    setup_for_development: bool


class ClientService(services.ClientServiceServicer):
    """What `ClientService` of proto/proofgrid/wire/v1/client.proto promises."""

    def __init__(
        self,
        door: FrontDoor,
        database: Database,
        admission: Admission,
        registration: Registration,
        watch: TaskWatch,
        *,
        facts: NetworkFacts,
        limits: Limits,
        silent_ms: int,
    ) -> None:
        self._door = door
        self._database = database
        self._admission = admission
        self._registration = registration
        self._watch = watch
        self._facts = facts
        self._limits = limits
        self._silent_ms = silent_ms

    @answering
    async def GetNetwork(self, request: messages.GetNetworkRequest, context: Any) -> messages.Network:  # noqa: N802
        described = [proof_system(name).describe() for name in installed_names()]
        return messages.Network(
            address=self._facts.address,
            version=proofgrid.__version__,
            proof_systems=[
                messages.ProofSystem(name=d.name, engine=d.engine, program_format=d.program_format) for d in described
            ],
            srs_files=dict(self._facts.setup_files),
            srs_for_development=self._facts.setup_for_development,
            upload_bytes_max=self._limits.upload_bytes,
        )

    # --- programs --------------------------------------------------------------------------------

    @streaming
    async def RegisterProgram(  # noqa: N802
        self, request: messages.RegisterProgramRequest, context: Any
    ) -> AsyncIterator[messages.RegisterProgramEvent]:
        caller = await self._door.admit(context, Role.CLIENT, Role.ADMIN)
        settings = read_json(request.settings_json or "{}", field="settings", bytes_max=SETTINGS_BYTES_MAX)
        if not isinstance(settings, dict):
            raise MalformedMessage("a JSON object", field="settings")
        source = {name: parse_digest(text, field=f"source[{name}]") for name, text in request.source.items()}
        steps = self._registration.register(caller.address, request.proof_system, source, settings, request.label)
        async for step in steps:
            if isinstance(step, str):
                yield messages.RegisterProgramEvent(program=await self._program(step))
            else:
                yield messages.RegisterProgramEvent(progress=messages.Progress(stage=step[0], permille=step[1]))

    @answering
    async def GetProgram(self, request: messages.GetProgramRequest, context: Any) -> messages.Program:  # noqa: N802
        await self._door.admit(context, *ANYBODY)
        return await self._program(parse_digest(request.digest))

    @answering
    async def ListPrograms(  # noqa: N802
        self, request: messages.ListProgramsRequest, context: Any
    ) -> messages.ListProgramsResponse:
        await self._door.admit(context, *ANYBODY)
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["list_programs"], list_limit(request.limit))
        return messages.ListProgramsResponse(programs=[codec.write_program(row) for row in rows])

    async def _program(self, digest: Digest) -> messages.Program:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["get_program"], digest)
        if row is None:
            raise UnknownProgram(field="digest")
        return codec.write_program(row)

    # --- tasks -----------------------------------------------------------------------------------

    @answering
    async def Submit(self, request: messages.SubmitRequest, context: Any) -> messages.Task:  # noqa: N802
        caller = await self._door.admit(context, Role.CLIENT)
        wanted = read_submit(request, bytes_max=self._limits.inputs_json_bytes)
        task_id = await self._admission.submit(caller.address, wanted)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["get_task"], task_id)
        return codec.write_task(row, [])

    @answering
    async def GetTask(self, request: messages.GetTaskRequest, context: Any) -> messages.Task:  # noqa: N802
        task_id = await self._own_task(context, request.task_id)
        return await self._task(task_id)

    @answering
    async def ListTasks(self, request: messages.ListTasksRequest, context: Any) -> messages.ListTasksResponse:  # noqa: N802
        caller = await self._door.admit(context, Role.CLIENT)
        if request.state and request.state not in list(TaskState):
            raise InvalidField(f"no state {request.state!r}", field="state", hint=", ".join(TaskState))
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                QUERIES["list_tasks"], caller.address, request.state, list_limit(request.limit)
            )
        return messages.ListTasksResponse(tasks=[codec.write_task(row, []) for row in rows])

    @answering
    async def CancelTask(self, request: messages.CancelTaskRequest, context: Any) -> messages.Task:  # noqa: N802
        task_id = await self._own_task(context, request.task_id)
        async with self._database.transaction(Transaction.END_TASK) as connection:
            await end_task(
                connection, task_id, TaskEvent.CANCELLED, code=TaskCancelled.code, detail="cancelled by the client"
            )
        return await self._task(task_id)

    @streaming
    async def WatchTask(  # noqa: N802
        self, request: messages.WatchTaskRequest, context: Any
    ) -> AsyncIterator[messages.TaskEvent]:
        task_id = await self._own_task(context, request.task_id)
        async for row in self._watch.follow(task_id, request.cursor):
            yield codec.write_event(row)

    @answering
    async def FetchResult(self, request: messages.FetchResultRequest, context: Any) -> messages.Result:  # noqa: N802
        task_id = await self._own_task(context, request.task_id)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["get_task"], task_id)
            if row["bundle_digest"] is None:
                why = f": {row['failure_code']} {row['failure_detail']}" if row["failure_code"] else ""
                raise NotFinished(f"the task is {row['state']}{why}", hint="proofgrid watch TASK follows it")
            size_bytes = await connection.value(ARTIFACT_SIZE, digest=row["bundle_digest"]) or 0
        return messages.Result(task_id=str(task_id), bundle=codec.write_artifact(row["bundle_digest"], size_bytes))

    async def _own_task(self, context: Any, text: str) -> TaskId:
        caller = await self._door.admit(context, Role.CLIENT, Role.ADMIN)
        task_id = TaskId(parse_uuid(text, field="task_id"))
        async with self._database.connection() as connection:
            row: asyncpg.Record | None = await connection.fetchrow(QUERIES["get_task"], task_id)
        # Another client's task is as unknown as one that does not exist.
        if row is None or (row["client"] != caller.address and Role.ADMIN not in caller.roles):
            raise UnknownTask(field="task_id")
        return task_id

    async def _task(self, task_id: TaskId) -> messages.Task:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["get_task"], task_id)
            jobs = await connection.fetch(QUERIES["jobs_of_task"], task_id)
        return codec.write_task(row, jobs)

    # --- money and market ------------------------------------------------------------------------

    @answering
    async def GetAccount(self, request: messages.GetAccountRequest, context: Any) -> messages.Account:  # noqa: N802
        caller = await self._door.admit(context, *ANYBODY)
        address = parse_address(request.address) if request.address else caller.address
        if address != caller.address and Role.ADMIN not in caller.roles:
            raise NotAllowed("you may see your own account only", field="address")
        return await read_account(self._database, address, transfers_limit=min(request.transfers_limit, LIST_MAX))

    @answering
    async def ListRounds(self, request: messages.ListRoundsRequest, context: Any) -> messages.ListRoundsResponse:  # noqa: N802
        caller: Caller = await self._door.admit(context, *ANYBODY)
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["list_rounds"], request.lane, list_limit(request.limit))
        # Rounds from before their orders were blinded name people: those are for administrators.
        return messages.ListRoundsResponse(
            rounds=[
                codec.write_round(row, with_transcript=row["secret"] is not None or Role.ADMIN in caller.roles)
                for row in rows
            ]
        )

    @answering
    async def GetStatus(self, request: messages.GetStatusRequest, context: Any) -> messages.NetworkStatus:  # noqa: N802
        await self._door.admit(context, *ANYBODY)
        async with self._database.connection() as connection:
            provers = await connection.fetch(QUERIES["list_provers"], GATEWAY_SILENT_MS, self._silent_ms)
            states = await connection.fetch(COUNT_STATES)
            lanes = await connection.fetch(QUERIES["lane_statuses"])
        return messages.NetworkStatus(
            provers=[_prover_status(row) for row in provers],
            tasks_by_state={row.state: row.number for row in states if row.what == "task"},
            jobs_by_state={row.state: row.number for row in states if row.what == "job"},
            lanes=[
                messages.LaneStatus(
                    lane=row["lane"],
                    rounds=row["rounds"],
                    reference_price=row["next_reference"] or 0,
                    ready_units=row["ready_units"],
                )
                for row in lanes
            ],
        )


async def read_account(database: Database, address: Address, *, transfers_limit: int) -> messages.Account:
    """Return what an address owns as a client and has earned as an operator."""
    async with database.connection() as connection:
        mine, earned = client_account(address), operator_account(address)
        transfers = await connection.fetch(TRANSFERS_OF_ACCOUNT, client=mine, operator=earned, limit=transfers_limit)
        return messages.Account(
            address=address,
            balance=await balance_of(connection, mine),
            escrowed=await connection.value(ESCROWED_OF_CLIENT, client=address),
            earned=await balance_of(connection, earned),
            transfers=[_transfer(row) for row in transfers],
        )


def _transfer(row: PostedTransfer) -> messages.Transfer:
    return messages.Transfer(
        transfer_id=row.transfer_id,
        debit=row.debit,
        credit=row.credit,
        amount=row.amount,
        reason=row.reason,
        task_id=str(row.task_id or ""),
        job_id=str(row.job_id or ""),
        at_ms=row.at_ms,
    )


def _prover_status(row: asyncpg.Record) -> messages.ProverStatus:
    return messages.ProverStatus(
        prover_id=row["prover_id"],
        operator=row["operator"],
        region=row["region"],
        proof_systems=sorted(row["asks"]),
        slots=row["slots"],
        busy=row["busy"],
        ask_price=min(row["asks"].values()),
        seen_ms=row["seen_ms"],
        jobs_proven=row["jobs_proven"],
        jobs_failed=row["jobs_failed"],
        state=row["state"],
    )
