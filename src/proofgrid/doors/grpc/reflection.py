"""Server reflection of gRPC (`grpc.reflection.v1alpha`): which services and messages there are, for such as grpcurl.

It takes no token, as `GetNetwork` takes none: what it tells is in the published protos. Each question counts against
its address, as strangers' calls do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import cast

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from proofgrid.doors.services.front_door import CallContext, FrontDoor, streaming

_PACKAGE = "proofgrid.v1."


class ReflectionService:
    """Answers from the descriptors that are compiled in."""

    def __init__(self, door: FrontDoor, names: Iterable[str]) -> None:
        self._answers = reflection.aio.ReflectionServicer(service_names=names)
        self._door = door

    @streaming
    async def ServerReflectionInfo(  # noqa: N802
        self, request_iterator: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: CallContext
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        answers = self._answers.ServerReflectionInfo(self._admitted(request_iterator, context), context)
        # Its stub forgets that it is a generator.
        async for answer in cast("AsyncIterator[reflection_pb2.ServerReflectionResponse]", answers):
            yield answer

    async def _admitted(
        self, questions: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: CallContext
    ) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        async for question in questions:
            self._door.admit_stranger(context)
            yield question


def add_reflection_service(server: grpc.aio.Server, door: FrontDoor, services: Iterable[str]) -> None:
    """Let anybody ask what there is: `services` of ours, by their names in the protos, health and reflection itself."""
    names = [*(f"{_PACKAGE}{one}" for one in services), health.SERVICE_NAME, reflection.SERVICE_NAME]
    add = cast("Callable[..., None]", reflection_pb2_grpc.add_ServerReflectionServicer_to_server)
    add(ReflectionService(door, names), server)
