"""Who is calling, may they, and not too often: every call passes here first, and every error leaves here."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import BadToken, NoToken, ProofgridError, RateLimited, TokenReplayed
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import signer_of
from proofgrid.rules.access.roles import Role, check_role
from proofgrid.rules.access.tokens import Claims, check_claims, read_token
from proofgrid.rules.jobs.limits import Bucket, Limits, take
from proofgrid.store.database import PASSING_TROUBLE, Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction
from proofgrid.wire.errors import status_of, write_error

TOKEN_METADATA = "authorization"  # noqa: S105 - the name of a header
KNOWN_TOKENS_MAX = 10_000
LIST_DEFAULT = 100
LIST_MAX = 1_000
BUCKETS_MAX = 100_000
FORGET_SECONDS = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, after all checks."""

    address: Address
    roles: frozenset[Role]


class CallContext(Protocol):
    """The part of grpc.aio.ServicerContext that we use."""

    def invocation_metadata(self) -> Any: ...
    async def send_initial_metadata(self, initial_metadata: Any) -> None: ...
    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> Any: ...


class FrontDoor:
    """Authenticates tokens, authorises roles, limits rates."""

    def __init__(self, database: Database, *, audience: Address, limits: Limits, clock: Clock) -> None:
        self._database = database
        self._audience = audience
        self._limits = limits
        self._clock = clock
        self._known_tokens: dict[str, Claims] = {}
        self._buckets: dict[Address, Bucket] = {}

    async def admit(self, context: CallContext, *needed: Role, single_use: bool = False) -> Caller:
        """Return the caller; raise a Refused error for a missing, wrong or replayed token, role or rate."""
        claims = self._authenticate(context)
        self._limit_rate(claims.subject)
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["roles_of"], claims.subject)
        roles = frozenset(Role(row["role"]) for row in rows)
        # The network's own key administers it, so that a fresh network is never locked.
        if claims.subject == self._audience:
            roles |= {Role.ADMIN}
        check_role(roles, needed=frozenset(needed))
        if single_use and not await self._database.write(
            Transaction.SPEND_TOKEN, QUERIES["spend_token"], claims.token_id, claims.expires_ms
        ):
            raise TokenReplayed()
        return Caller(claims.subject, roles)

    async def forget_spent_tokens(self) -> None:
        """Forget single-use tokens that have expired anyway, every minute, until cancelled."""
        while True:
            try:
                await self._database.write(Transaction.FORGET_TOKENS, QUERIES["forget_spent_tokens"])
            except PASSING_TROUBLE as error:
                log.warning("database_away", reason=str(error))
            await asyncio.sleep(FORGET_SECONDS)

    def _authenticate(self, context: CallContext) -> Claims:
        token = _token_of(context)
        claims = self._known_tokens.get(token)
        if claims is None:
            claims, signed, signature = read_token(token)
            if signer_of(signed.encode(), signature) != claims.subject:
                raise BadToken("the token is not signed by the key it names")
            self._remember(token, claims)
        check_claims(claims, audience=self._audience, now_ms=self._clock.now_ms())
        return claims

    def _remember(self, token: str, claims: Claims) -> None:
        if len(self._known_tokens) >= KNOWN_TOKENS_MAX:
            self._known_tokens.pop(next(iter(self._known_tokens)))
        self._known_tokens[token] = claims

    def _limit_rate(self, address: Address) -> None:
        bucket, allowed = take(
            self._buckets.pop(address, None),
            now_ms=self._clock.now_ms(),
            per_second=self._limits.requests_per_second,
            burst=self._limits.requests_burst,
        )
        self._buckets[address] = bucket  # re-inserted, so that the first one is the longest unused
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.pop(next(iter(self._buckets)))
        if not allowed:
            raise RateLimited(
                f"more than {self._limits.requests_per_second} requests per second",
                hint="wait a moment, or use one stream",
            )


def _token_of(context: CallContext) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == TOKEN_METADATA:
            scheme, _, token = str(value).partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise BadToken("the authorization header is: Bearer <token>")
            return token
    raise NoToken(hint="sign in with a key: proofgrid keys new, then --key FILE")


async def _answer_with(context: CallContext, error: Exception, call: str) -> None:
    ours = _ours(error)
    if ours is None:
        log.error("call_failed", call=call, exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, "the gateway failed; its log says why")
    else:
        log.info("call_refused", call=call, code=ours.code, field=ours.field)
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


def list_limit(asked: int) -> int:
    """Return how many entries of a list are shown to who asked for so many; 0 asks for none in particular."""
    return min(asked or LIST_DEFAULT, LIST_MAX)


def answering(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Turn our errors into gRPC statuses, for calls that answer once (or write to the context themselves)."""

    @functools.wraps(method)
    async def call(self: Any, request: Any, context: Any) -> Any:
        try:
            return await method(self, request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            return await _answer_with(context, error, method.__name__)

    return call


def streaming(method: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    """The same for calls that answer with a stream."""

    @functools.wraps(method)
    async def call(self: Any, request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            await context.send_initial_metadata(())  # the caller learns at once that it was heard
            async for answer in method(self, request, context):
                yield answer
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await _answer_with(context, error, method.__name__)

    return call
