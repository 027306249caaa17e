"""A channel whose calls are signed: what is sent is written once, and the token of the call is for those bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import grpc

from proofgrid.sdk.tokens import Sign

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Call = TypeVar("Call")


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
        """Return a method that says many things; its token is for the first of them."""
        send: grpc.aio.StreamUnaryMultiCallable[bytes, Answer] = self._channel.stream_unary(
            path, response_deserializer=response_deserializer
        )

        async def signed(parts: AsyncIterator[Request], *, timeout: float | None = None) -> Answer:
            first = request_serializer(await anext(parts))

            async def written() -> AsyncIterator[bytes]:
                yield first
                async for part in parts:
                    yield request_serializer(part)

            answer: Answer = await send(written(), metadata=self._sign(path, first), timeout=timeout)
            return answer

        return signed

    def _signed(self, send: Callable[..., Call], path: str, write: Callable[[Request], bytes]) -> Callable[..., Call]:
        def signed(request: Request, *, timeout: float | None = None) -> Call:
            body = write(request)
            return send(body, metadata=self._sign(path, body), timeout=timeout)

        return signed
