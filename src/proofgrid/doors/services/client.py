"""What clients may ask, over gRPC: programs, tasks, results, accounts, rounds, the network's status."""

from __future__ import annotations

from collections.abc import AsyncIterator

from proofgrid.doors.services import answers
from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering, streaming
from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.ids import parse_task_id
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.bulk_acts import AskedAct
from proofgrid.roles.intake.intake import Intake
from proofgrid.rules.jobs.filters import TaskFilter, parse_filter
from proofgrid.wire.codec.requests import read_submit
from proofgrid.wire.codec.sealing import sealed_texts
from proofgrid.wire.codec.texts import read_object
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services

SETTINGS_BYTES_MAX = 64 << 10


class ClientService(services.ClientServiceServicer):
    """What `ClientService` of proto/proofgrid/wire/v1/client.proto promises."""

    def __init__(self, door: FrontDoor, intake: Intake) -> None:
        self._door = door
        self._intake = intake

    @answering
    async def GetNetwork(self, request: messages.GetNetworkRequest, context: CallContext) -> messages.Network:  # noqa: N802
        self._door.admit_stranger(context)  # for everybody, even without a key
        return answers.write_network(self._intake.status.facts)

    # --- programs --------------------------------------------------------------------------------

    @streaming
    async def RegisterProgram(  # noqa: N802
        self, request: messages.RegisterProgramRequest, context: CallContext
    ) -> AsyncIterator[messages.RegisterProgramEvent]:
        caller = await self._door.admit(context, self._intake.registration.register)
        settings = read_object(request.settings_json, field="settings", bytes_max=SETTINGS_BYTES_MAX)
        source = {name: parse_digest(text, field=f"source[{name}]") for name, text in request.source.items()}
        steps = self._intake.registration.register(
            caller.address, request.proof_system, source, settings, request.label
        )
        async for step in steps:
            if isinstance(step, str):
                program = answers.write_program(await self._intake.programs.get(caller, step))
                yield messages.RegisterProgramEvent(program=program)
            else:
                yield messages.RegisterProgramEvent(progress=messages.Progress(stage=step[0], permille=step[1]))

    @answering
    async def GetProgram(self, request: messages.GetProgramRequest, context: CallContext) -> messages.Program:  # noqa: N802
        caller = await self._door.admit(context, self._intake.programs.get)
        return answers.write_program(await self._intake.programs.get(caller, parse_digest(request.digest)))

    @answering
    async def ListPrograms(  # noqa: N802
        self, request: messages.ListProgramsRequest, context: CallContext
    ) -> messages.ListProgramsResponse:
        caller = await self._door.admit(context, self._intake.programs.list_for)
        programs = await self._intake.programs.list_for(
            caller, limit=request.limit, begins=request.begins, cursor=request.cursor
        )
        return messages.ListProgramsResponse(
            programs=[answers.write_program(one) for one in programs], next_cursor=programs.next_cursor
        )

    # --- tasks -----------------------------------------------------------------------------------

    @answering
    async def Submit(self, request: messages.SubmitRequest, context: CallContext) -> messages.Task:  # noqa: N802
        caller = await self._door.admit(context, self._intake.tasks.submit)
        self._door.weigh_json(caller, request.inputs_json, *sealed_texts(request.sealed))
        async with self._intake.gate.place(caller.address):
            wanted = read_submit(request, bytes_max=self._intake.limits.inputs_json_bytes)
            return answers.write_task(await self._intake.tasks.submit(caller, wanted))

    @answering
    async def GetTask(self, request: messages.GetTaskRequest, context: CallContext) -> messages.Task:  # noqa: N802
        caller = await self._door.admit(context, self._intake.tasks.get)
        return answers.write_task(*await self._intake.tasks.get(caller, parse_task_id(request.task_id)))

    @answering
    async def ListTasks(  # noqa: N802
        self, request: messages.ListTasksRequest, context: CallContext
    ) -> messages.ListTasksResponse:
        caller = await self._door.admit(context, self._intake.tasks.list_own)
        tasks = await self._intake.tasks.list_own(
            caller, _filter(request), limit=request.limit, begins=request.begins, cursor=request.cursor
        )
        return messages.ListTasksResponse(
            tasks=[answers.write_task(one) for one in tasks], next_cursor=tasks.next_cursor
        )

    @answering
    async def CancelTask(self, request: messages.CancelTaskRequest, context: CallContext) -> messages.Task:  # noqa: N802
        caller = await self._door.admit(context, self._intake.tasks.cancel)
        return answers.write_task(*await self._intake.tasks.cancel(caller, parse_task_id(request.task_id)))

    @answering
    async def CancelTasks(  # noqa: N802
        self, request: messages.CancelTasksRequest, context: CallContext
    ) -> messages.ActedOnTasks:
        caller = await self._door.admit(context, self._intake.bulk_acts.cancel)
        acted = await self._intake.bulk_acts.cancel(caller, _filter(request.filter), _asked_act(request))
        return answers.write_acted(acted)

    @answering
    async def ReplayTasks(  # noqa: N802
        self, request: messages.ReplayTasksRequest, context: CallContext
    ) -> messages.ActedOnTasks:
        caller = await self._door.admit(context, self._intake.bulk_acts.replay)
        async with self._intake.gate.place(caller.address):
            acted = await self._intake.bulk_acts.replay(
                caller, _filter(request.filter), _asked_act(request), limit_price=request.limit_price
            )
        return answers.write_acted(acted)

    @streaming
    async def WatchTask(  # noqa: N802
        self, request: messages.WatchTaskRequest, context: CallContext
    ) -> AsyncIterator[messages.TaskEvent]:
        caller = await self._door.admit(context, self._intake.tasks.follow)
        task_id, cursor = parse_task_id(request.task_id), request.cursor
        if request.says_where:
            cursor, is_over = await self._intake.tasks.begins_after(caller, task_id, cursor=cursor)
            kind = "over" if is_over else "begins" if cursor == request.cursor else "reset"
            yield messages.TaskEvent(cursor=cursor, kind=kind, data_json="{}")
        async for event in self._intake.tasks.follow(caller, task_id, cursor=cursor):
            yield answers.write_event(event)

    @answering
    async def FetchResult(self, request: messages.FetchResultRequest, context: CallContext) -> messages.Result:  # noqa: N802
        caller = await self._door.admit(context, self._intake.tasks.result)
        task_id = parse_task_id(request.task_id)
        bundle = answers.write_artifact(*await self._intake.tasks.result(caller, task_id))
        return messages.Result(task_id=str(task_id), bundle=bundle)

    # --- money and market ------------------------------------------------------------------------

    @answering
    async def GetAccount(self, request: messages.GetAccountRequest, context: CallContext) -> messages.Account:  # noqa: N802
        caller = await self._door.admit(context, self._intake.accounts.get)
        asked = parse_address(request.address) if request.address else None
        account = await self._intake.accounts.get(caller, asked, transfers_limit=request.transfers_limit)
        return answers.write_account(account)

    @answering
    async def ListRounds(  # noqa: N802
        self, request: messages.ListRoundsRequest, context: CallContext
    ) -> messages.ListRoundsResponse:
        caller = await self._door.admit(context, self._intake.records.list_rounds)
        rounds = await self._intake.records.list_rounds(
            caller, lane=request.lane, limit=request.limit, cursor=request.cursor
        )
        return messages.ListRoundsResponse(
            rounds=[answers.write_round(one) for one in rounds], next_cursor=rounds.next_cursor
        )

    @answering
    async def GetStatus(self, request: messages.GetStatusRequest, context: CallContext) -> messages.NetworkStatus:  # noqa: N802
        await self._door.admit(context, self._intake.status.now)
        return answers.write_status(await self._intake.status.now())


def _filter(asked: messages.ListTasksRequest | messages.TaskFilter) -> TaskFilter:
    return parse_filter(
        state=asked.state,
        program_digest=asked.program_digest,
        tag=asked.tag,
        since_ms=asked.since_ms,
        until_ms=asked.until_ms,
    )


def _asked_act(request: messages.CancelTasksRequest | messages.ReplayTasksRequest) -> AskedAct:
    return AskedAct(limit=request.limit, dry_run=request.dry_run, idempotency_key=request.idempotency_key)
