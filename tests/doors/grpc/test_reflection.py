"""A tool that has none of our protos asks which calls and messages there are; who asks without end is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from proofgrid.doors.grpc.reflection import add_reflection_service
from proofgrid.doors.grpc.services import _ADDING
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import RateLimited
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.callers import Callers
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.database import Database
from proofgrid.wire.errors import said_error

SERVED = [*_ADDING, "ProverService"]


@asynccontextmanager
async def reflecting(limits: Limits) -> AsyncIterator[str]:
    callers = Callers(cast(Database, None), audience=Address("0x0"), limits=limits, clock=ManualClock())
    server = grpc.aio.server()
    add_reflection_service(server, FrontDoor(callers), SERVED)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def test_a_stranger_finds_every_service_and_what_it_takes() -> None:
    def ask(target: str) -> tuple[set[str], set[str], str]:
        with grpc.insecure_channel(target) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            pool = DescriptorPool(database)
            submit = pool.FindServiceByName("proofgrid.v1.ClientService").methods_by_name["Submit"]
            return (
                set(database.get_services()),
                {one.name for one in submit.input_type.fields},
                submit.output_type.full_name,
            )

    async with reflecting(Limits()) as target:
        services, asked, answered = await asyncio.to_thread(ask, target)

    assert services == {
        *(f"proofgrid.v1.{name}" for name in SERVED),
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert {"program_digest", "inputs_json", "idempotency_key"} <= asked
    assert answered == "proofgrid.v1.Task"


async def test_questions_count_against_their_address() -> None:
    limits = Limits(stranger_requests_per_second=1, stranger_requests_burst=3)
    async with reflecting(limits) as target, grpc.aio.insecure_channel(target) as channel:
        stream = cast(Any, ServerReflectionStub)(channel).ServerReflectionInfo()
        for _ in range(3):
            await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
            assert (await stream.read()).list_services_response.service
        await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()
        trailing = [
            (name, value) for name, value in refused.value.trailing_metadata() or () if isinstance(value, bytes)
        ]
    assert isinstance(said_error(trailing), RateLimited)
