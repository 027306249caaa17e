"""Gateways that take a connection and never say anything on it, like one that closes at the wrong moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc


@asynccontextmanager
async def gateway_of(service: str, **methods: Callable[[Any, Any], AsyncIterator[bytes]]) -> AsyncIterator[str]:
    """Serve some streams of one service on a port of its own, bytes in and out; yield the address."""
    handlers: dict[str, Any] = {name: grpc.stream_stream_rpc_method_handler(method) for name, method in methods.items()}
    async with serving(grpc.method_handlers_generic_handler(f"proofgrid.v1.{service}", handlers)) as address:
        yield address


@asynccontextmanager
async def serving(handler: grpc.GenericRpcHandler) -> AsyncIterator[str]:
    """Serve what a handler knows on a port of its own; yield the address."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def silent(called: asyncio.Event) -> Callable[[Any, Any], AsyncIterator[bytes]]:
    """Return a method that never answers, and says when it was called."""

    async def method(_requests: Any, _context: Any) -> AsyncIterator[bytes]:
        called.set()
        await asyncio.Event().wait()
        yield b""

    return method


def saying(*answers: bytes) -> Callable[[Any, Any], AsyncIterator[bytes]]:
    """Return a method that answers at once and then keeps the stream open."""

    async def method(_requests: Any, _context: Any) -> AsyncIterator[bytes]:
        for answer in answers:
            yield answer
        await asyncio.Event().wait()

    return method
