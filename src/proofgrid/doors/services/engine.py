"""The engines of a network, over gRPC."""

from __future__ import annotations

from dataclasses import asdict

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.roles.intake.engines import Engines, ListedEngine
from proofgrid.store.engines import AcceptedProof, EngineStop
from proofgrid.wire.v1 import engines_pb2 as messages
from proofgrid.wire.v1 import engines_pb2_grpc as services


class EngineService(services.EngineServiceServicer):
    """What `EngineService` of proto/proofgrid/wire/v1/engines.proto promises."""

    def __init__(self, door: FrontDoor, engines: Engines) -> None:
        self._door = door
        self._engines = engines

    @answering
    async def ListEngines(  # noqa: N802
        self, request: messages.ListEnginesRequest, context: CallContext
    ) -> messages.ListEnginesResponse:
        caller = await self._door.admit(context, self._engines.list_all)
        return messages.ListEnginesResponse(engines=[_write_engine(e) for e in await self._engines.list_all(caller)])

    @answering
    async def StopEngine(self, request: messages.StopEngineRequest, context: CallContext) -> messages.Engine:  # noqa: N802
        caller = await self._door.admit(context, self._engines.stop)
        return _write_engine(await self._engines.stop(caller, request.engine, request.reason))

    @answering
    async def ResumeEngine(self, request: messages.ResumeEngineRequest, context: CallContext) -> messages.Engine:  # noqa: N802
        caller = await self._door.admit(context, self._engines.resume)
        return _write_engine(await self._engines.resume(caller, request.engine))

    @answering
    async def ListAccepted(  # noqa: N802
        self, request: messages.ListAcceptedRequest, context: CallContext
    ) -> messages.ListAcceptedResponse:
        await self._door.admit(context, self._engines.accepted)
        found = await self._engines.accepted(request.engine, limit=request.limit, below=request.below)
        return messages.ListAcceptedResponse(proofs=[_write_accepted(one) for one in found])


def _write_engine(listed: ListedEngine) -> messages.Engine:
    return messages.Engine(**asdict(listed.shown), stops=[_write_stop(stop) for stop in listed.stops])


def _write_stop(stop: EngineStop) -> messages.EngineStop:
    return messages.EngineStop(
        reason=stop.reason,
        stopped_by=stop.stopped_by,
        stopped_ms=stop.stopped_ms,
        resumed_by=stop.resumed_by,
        resumed_ms=stop.resumed_ms,
    )


def _write_accepted(one: AcceptedProof) -> messages.AcceptedProof:
    return messages.AcceptedProof(**{**asdict(one), "task_id": str(one.task_id)})
