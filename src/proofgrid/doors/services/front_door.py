"""The first and the last step of every gRPC call: the token in its metadata, and our errors as gRPC statuses."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

import grpc
from google.protobuf.message import Message

from proofgrid.primitives.errors import BadToken, Busy, NoToken, ProofgridError
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.intake.callers import Callers, CallsLeft, ReadFirst
from proofgrid.roles.intake.heard import heard_now
from proofgrid.roles.intake.open_calls import OpenCall
from proofgrid.rules.access.rights import is_once, roles_needed, scopes_taken
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.access.sessions import CallId
from proofgrid.rules.access.tokens import read_token
from proofgrid.telemetry.acting import Act, acting, current_act
from proofgrid.telemetry.seam import Level, Span, span
from proofgrid.telemetry.traces import Context, are_sent, read_context
from proofgrid.wire.addresses import is_loopback, peer_address, peer_host
from proofgrid.wire.errors import status_of, write_error
from proofgrid.wire.fields import check_message

TOKEN_METADATA = "authorization"  # noqa: S105 - the name of a header
TRACE_METADATA = "traceparent"

CallContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
UseCase: TypeAlias = "Callable[..., object]"
Service = TypeVar("Service")
Request = TypeVar("Request")
Answer = TypeVar("Answer")
First = TypeVar("First")


@runtime_checkable
class TellsOfLimits(Protocol):
    """A call whose answer says how much its caller may still ask."""

    def admitted(self, left: CallsLeft) -> None:
        """Its caller may call, and so often."""
        ...


class FrontDoor:
    """Reads the token of a call and asks the intake who that is."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def admit(self, context: CallContext, use_case: UseCase) -> Caller:
        """Return who calls for a use case of the intake; what it `needs` says who may, and whether a token is used up.

        Raises a Refused error for a missing, wrong or replayed token, one for something else, access role or rate.
        """
        return await self._admit(context, use_case, None)

    async def admit_stream(
        self, context: CallContext, use_case: UseCase, read: Callable[[], Awaitable[First]]
    ) -> tuple[Caller, First]:
        """The same for a call that says many things: `read` hears the first, which its token is for; return it too."""
        read_so_far: list[First] = []

        async def first() -> None:
            read_so_far.append(await read())

        caller = await self._admit(context, use_case, first)
        return caller, read_so_far[0]

    async def _admit(self, context: CallContext, use_case: UseCase, first: ReadFirst | None) -> Caller:
        host = peer_host(context.peer())
        try:
            token = token_of(context)
        except (BadToken, NoToken):
            self._callers.admit_stranger(host)
            raise
        needed = roles_needed(use_case)
        caller = await self._callers.admit(
            token,
            needed,
            scopes=scopes_taken(use_case),
            is_private=_is_private(context),
            heard=heard_now(),
            once=is_once(use_case),
            host=host,
            first=first,
        )
        act = current_act()
        call = OpenCall(caller, needed, None if act is None else act.end)
        self._callers.calls.begin(call)
        context.add_done_callback(lambda _: self._callers.calls.over(call))  # type: ignore[arg-type]  # a wrong stub
        if isinstance(context, TellsOfLimits):
            context.admitted(self._callers.left_of(caller.address))
        return caller

    def admit_stranger(self, context: CallContext) -> None:
        """Let anybody in, so many of one address. Raises RateLimited."""
        self._callers.admit_stranger(peer_host(context.peer()))

    def weigh_json(self, caller: Caller, *texts: str) -> None:
        """Count texts of JSON before they are read. Raises RateLimited."""
        for text in texts:
            self._callers.weigh_json(caller.address, text)

    async def pace_stream(self, session: Session, weight: int) -> None:
        """Count what came on a prover's stream, and wait where it is ahead of its rate."""
        await self._callers.pace_stream(session.session_id, session.operator, weight)

    async def pace_bytes(self, caller: Caller, number: int) -> None:
        """Count bytes that came, and wait where their sender is ahead of its rate."""
        await self._callers.pace_bytes(caller.address, number)


def _is_private(context: CallContext) -> bool:
    """Tell whether nobody on the way could read the call."""
    host = peer_address(context.peer()).rpartition(":")[0]
    return is_loopback(host) or b"ssl" in context.auth_context().get("transport_security_type", ())


def token_of(context: CallContext) -> str:
    """Return the token that a call carries. Raises NoToken or BadToken."""
    for key, value in context.invocation_metadata() or ():
        if key == TOKEN_METADATA:
            scheme, _, token = str(value).partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise BadToken("the authorization header is: Bearer <token>")
            return token
    raise NoToken(hint="sign in with a key: proofgrid keys new, then --key FILE")


def call_id_of(context: CallContext) -> CallId:
    """Return which call this is, by the token of a caller that was admitted."""
    claims, _, _ = read_token(token_of(context))
    return CallId(
        operator=claims.subject, network=claims.audience, gateway=claims.purpose.gateway, nonce=claims.token_id
    )


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


class _Ending:
    """Ends the call of this task with an error, when somebody else says so."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._error: Exception | None = None

    def __call__(self, error: Exception) -> None:
        if self._error is None and self._task is not None:
            self._error = error
            self._task.cancel()

    def error(self) -> Exception:
        """Return the error that this task was ended with; raise CancelledError again if it was cancelled otherwise."""
        if self._error is None or self._task is None:
            raise
        self._task.uncancel()
        return self._error


def _act_of(call: str, request: object, context: CallContext) -> Act:
    def fields() -> Mapping[str, object]:
        return _fields_of(request) if isinstance(request, Message) else {}

    # Asked now: gRPC crashes the process when it is asked of a call that is over.
    return Act(call, str(context.peer()), fields, asked_within=_traced(context))


def _traced(context: CallContext) -> Context | None:
    """Return the span that the caller says it is in (W3C Trace Context); None: it says none, or nobody would hear."""
    if not are_sent():
        return None
    told = (value for key, value in context.invocation_metadata() or () if key == TRACE_METADATA)
    return read_context(str(next(told, "")))


def _fields_of(message: Message) -> dict[str, object]:
    return {one.name: _value_of(value) for one, value in message.ListFields()}


def _value_of(value: object) -> object:
    if isinstance(value, Message):
        return _fields_of(value)
    if isinstance(value, str | bytes | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _value_of(one) for name, one in value.items()}
    return [_value_of(one) for one in value] if isinstance(value, Sequence) else repr(value)


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
        act, ending = _act_of(method.__name__, request, context), _Ending()
        # Calls that send a stream last as long as their callers like.
        act.end = None if isinstance(request, Message) else ending
        with acting(act), span("call", method.__name__) as current:
            try:
                _check(request)
                return await method(self, request, context)
            except grpc.aio.AbortError:
                raise
            except asyncio.CancelledError:
                await _answer_with(context, ending.error(), current)
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
        act, ending = _act_of(method.__name__, request, context), _Ending()
        act.end = ending
        with acting(act), span("call", method.__name__) as current:
            try:
                _check(request)
                await context.send_initial_metadata(())  # the caller learns at once that it was heard
                async for answer in method(self, request, context):
                    yield answer
            except grpc.aio.AbortError:
                raise
            except asyncio.CancelledError:
                await _answer_with(context, ending.error(), current)
            except Exception as error:
                await _answer_with(context, error, current)

    return call
