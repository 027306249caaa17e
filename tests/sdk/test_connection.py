"""What a client does with gateways that do not do their part."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.errors import Unavailable
from proofgrid.sdk import connection as connection_module
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import client_pb2 as messages
from tests.makers import a_key
from tests.silent_gateways import gateway_of, saying, silent

EVENT = messages.TaskEvent(cursor=1, kind="accepted", data_json="{}")


async def test_a_stream_that_no_gateway_hears_is_opened_at_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "HEARD_SECONDS", 0.3)
    called = asyncio.Event()
    async with (
        gateway_of("ClientService", WatchTask=silent(called)) as first,
        gateway_of("ClientService", WatchTask=saying(EVENT.SerializeToString())) as second,
        Connection([first, second], a_key(), network=a_key().address) as connection,
        asyncio.timeout(60),
    ):
        request = messages.WatchTaskRequest(task_id="t")
        with pytest.raises(Unavailable):
            await anext(connection.stream(lambda services: services.client.WatchTask, request))
        assert await anext(connection.stream(lambda services: services.client.WatchTask, request)) == EVENT
    assert called.is_set()
