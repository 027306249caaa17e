"""A server that notes of each call what came over the wire, before anything else looks at it: method and digest.

gRPC asks for a call's handler in the task of that call, so what is noted there is known to all that the call does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias, TypeVar, cast

import grpc

from proofgrid.primitives.digests import digest_of
from proofgrid.roles.intake.heard import Heard, hear

Message = TypeVar("Message")
Handler: TypeAlias = "grpc.RpcMethodHandler[Message, object]"


def hearing(server: grpc.aio.Server, names: Collection[str]) -> grpc.aio.Server:
    """Return what services are added to whose calls are to be heard.

    `names`: under which this gateway is spoken to; they may come to be known after the services were added.
    """
    return cast(grpc.aio.Server, _HearingServer(server, names))


class _HearingServer:
    """As much of a server as services are added to."""

    def __init__(self, server: grpc.aio.Server, names: Collection[str]) -> None:
        self._server = server
        self._names = names

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Add handlers whose calls are heard."""
        self._server.add_generic_rpc_handlers(tuple(_Hearing(handler, self._names) for handler in handlers))

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler[Message]]) -> None:
        """Nothing: what would be found by name here is found above, and only there it is heard."""


class _Hearing(grpc.GenericRpcHandler):
    def __init__(self, handler: grpc.GenericRpcHandler, names: Collection[str]) -> None:
        self._handler = handler
        self._names = names

    def service(self, details: grpc.HandlerCallDetails) -> Handler[object] | None:
        handler = self._handler.service(details)
        if handler is None:
            return None
        heard = Heard(details.method, self._names)
        hear(heard)
        read = _listening(handler.request_deserializer or bytes, heard)
        bound: Handler[object] = handler._replace(request_deserializer=read)  # type: ignore[attr-defined]  # a named tuple
        return bound


def _listening(read: Callable[[bytes], Message], heard: Heard) -> Callable[[bytes], Message]:
    def listen(content: bytes) -> Message:
        if heard.body is None:  # of a stream, only the first
            heard.body = digest_of(content)
        return read(content)

    return listen
