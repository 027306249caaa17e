"""A channel whose calls are signed: what is sent is written once, and the token of the call is for those bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import grpc

from proofgrid.sdk.tokens import Sign
from proofgrid.wire.uploads import GO_ON

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Call = TypeVar("Call")


GO_ON_SECONDS = 60.0  #: until a gateway takes the first message of a call that says many things
CONNECT_PATH = "/proofgrid.v1.ProverService/Connect"  #: the prover's stream, which begins with its hello


class SigningChannel:
    """As much of a channel as stubs take to make their calls, for calls that begin with what their caller says.

    `sign` is asked for the metadata of each call when it is made.
    """

    def __init__(self, channel: grpc.aio.Channel, sign: Sign) -> None:
        self._channel = channel
        self._sign = sign

    def unary_unary(
        self,
        path: str,
        request_serializer: Callable[[Request], bytes],
        response_deserializer: Callable[[bytes], Answer],
        **_: object,
    ) -> Callable[..., grpc.aio.UnaryUnaryCall[bytes, Answer]]:
        """Return a method that asks once and is answered once."""
        send: grpc.aio.UnaryUnaryMultiCallable[bytes, Answer] = self._channel.unary_unary(
            path, response_deserializer=response_deserializer
        )
        return self._signed(send, path, request_serializer)

    def unary_stream(
        self,
        path: str,
        request_serializer: Callable[[Request], bytes],
        response_deserializer: Callable[[bytes], Answer],
        **_: object,
    ) -> Callable[..., grpc.aio.UnaryStreamCall[bytes, Answer]]:
        """Return a method that asks once and is answered by a stream."""
        send: grpc.aio.UnaryStreamMultiCallable[bytes, Answer] = self._channel.unary_stream(
            path, response_deserializer=response_deserializer
        )
        return self._signed(send, path, request_serializer)

    def stream_unary(
        self,
        path: str,
        request_serializer: Callable[[Request], bytes],
        response_deserializer: Callable[[bytes], Answer],
        **_: object,
    ) -> Callable[..., Awaitable[Answer]]:
        """Return a method that says many things; its token is for the first of them.

        It says no more before the gateway took the first (wire/uploads.py). Raises TimeoutError when the gateway
        neither takes nor refuses it.
        """
        send: grpc.aio.StreamUnaryMultiCallable[bytes, Answer] = self._channel.stream_unary(
            path, response_deserializer=response_deserializer
        )

        async def signed(parts: AsyncIterator[Request]) -> Answer:
            first = request_serializer(await anext(parts))
            call = send(metadata=self._sign(path, first))
            try:
                with suppress(asyncio.InvalidStateError):  # the call is over: awaiting it says how
                    async with asyncio.timeout(GO_ON_SECONDS):
                        await call.write(first)
                        taken = GO_ON in tuple(await call.initial_metadata())
                    if taken:
                        async for part in parts:
                            await call.write(request_serializer(part))
                        await call.done_writing()
                answer: Answer = await call
                return answer
            finally:
                call.cancel()

        return signed

    def _signed(self, send: Callable[..., Call], path: str, write: Callable[[Request], bytes]) -> Callable[..., Call]:
        def signed(request: Request, *, timeout: float | None = None) -> Call:
            body = write(request)
            return send(body, metadata=self._sign(path, body), timeout=timeout)

        return signed
