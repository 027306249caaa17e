"""A gateway that answers every method of every service, and addresses at which nobody answers."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from proofgrid.wire.uploads import GO_ON
from tests.silent_gateways import serving


class _EveryMethod(grpc.GenericRpcHandler):
    """Answers a method with what `answers` has for its name, else with an empty message of its type."""

    def __init__(self, answers: Mapping[str, Message], heard: list[str]) -> None:
        self._answers = answers
        self._heard = heard

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        _, service, name = details.method.split("/")
        described = Default().FindServiceByName(service).methods_by_name[name]
        answer = self._answers.get(name) or GetMessageClass(described.output_type)()

        async def method(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            self._heard.append(name)
            await context.send_initial_metadata((GO_ON,))
            async for _ in requests:
                pass
            yield answer.SerializeToString()

        return grpc.stream_stream_rpc_method_handler(method)


@asynccontextmanager
async def answering_gateway(answers: Mapping[str, Message], heard: list[str]) -> AsyncIterator[str]:
    """Serve every method of the services that are imported; yield the address. `heard` gets their names as called."""
    async with serving(_EveryMethod(answers, heard)) as address:
        yield address


@contextmanager
def dead_gateway() -> Iterator[str]:
    """Yield an address at which nobody listens, kept from others meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"
