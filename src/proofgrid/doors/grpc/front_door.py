"""The first and the last step of every gRPC call: the token in its metadata, and our errors as gRPC statuses."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message

from proofgrid.primitives.errors import BadToken, Busy, NoToken, ProofgridError
from proofgrid.roles.intake.callers import Callers
from proofgrid.rules.access.rights import roles_needed
from proofgrid.rules.access.roles import Caller
from proofgrid.telemetry.seam import Level, Span, span
from proofgrid.wire.errors import status_of, write_error
from proofgrid.wire.fields import check_message

TOKEN_METADATA = "authorization"  # noqa: S105 - the name of a header

CallContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
UseCase: TypeAlias = "Callable[..., object]"
Service = TypeVar("Service")
Request = TypeVar("Request")
Answer = TypeVar("Answer")


class FrontDoor:
    """Reads the token of a call and asks the intake who that is."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def admit(self, context: CallContext, use_case: UseCase, *, single_use: bool = False) -> Caller:
        """Return who calls for a use case of the intake; its `needs` say which access roles a caller must have.

        Raises a Refused error for a missing, wrong or replayed token, access role or rate.
        """
        return await self._callers.admit(token_of(context), roles_needed(use_case), single_use=single_use)


def token_of(context: CallContext) -> str:
    """Return the token that a call carries. Raises NoToken or BadToken."""
    for key, value in context.invocation_metadata() or ():
        if key == TOKEN_METADATA:
            scheme, _, token = str(value).partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise BadToken("the authorization header is: Bearer <token>")
            return token
    raise NoToken(hint="sign in with a key: proofgrid keys new, then --key FILE")


async def _answer_with(context: CallContext, error: Exception, call: Span) -> None:
    ours = _ours(error)
    if ours is None:
        call.failed(error, "error", "call_failed", call=call.name, exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, "the gateway failed; its log says why")
    else:
        # Hundreds a second are told that the gateway is busy, and the gate's own line counts them: a line of each would
        # cost as much as the rest of the refusal.
        level: Level = "debug" if isinstance(ours, Busy) else "info"
        call.failed(error, level, "call_refused", call=call.name, code=ours.code, field=ours.field)
        await context.abort(status_of(ours), str(ours), write_error(ours))


def _ours(error: Exception) -> ProofgridError | None:
    """Return the error that the caller is told, or None for one of our mistakes."""
    if isinstance(error, ProofgridError):
        return error
    if isinstance(error, ExceptionGroup):
        # Of work that was done side by side: what was refused once is refused, unless a mistake came with it.
        told = [_ours(inner) for inner in error.exceptions]
        return None if None in told else told[0]
    return None


def _check(request: object) -> None:
    # Where callers send a stream, who reads it checks each message.
    if isinstance(request, Message):
        check_message(request)


def answering(
    method: Callable[[Service, Request, CallContext], Awaitable[Answer]],
) -> Callable[[Service, Request, CallContext], Awaitable[Answer]]:
    """Turn our errors into gRPC statuses, for calls that answer once (or write to the context themselves)."""

    @functools.wraps(method)
    async def call(self: Service, request: Request, context: CallContext) -> Answer:
        with span("call", method.__name__) as current:
            try:
                _check(request)
                return await method(self, request, context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:
                await _answer_with(context, error, current)
                raise  # never reached: aborting ends the call

    return call


def streaming(
    method: Callable[[Service, Request, CallContext], AsyncIterator[Answer]],
) -> Callable[[Service, Request, CallContext], AsyncIterator[Answer]]:
    """The same for calls that answer with a stream."""

    @functools.wraps(method)
    async def call(self: Service, request: Request, context: CallContext) -> AsyncIterator[Answer]:
        with span("call", method.__name__) as current:
            try:
                _check(request)
                await context.send_initial_metadata(())  # the caller learns at once that it was heard
                async for answer in method(self, request, context):
                    yield answer
            except grpc.aio.AbortError:
                raise
            except Exception as error:
                await _answer_with(context, error, current)

    return call
