"""Who is calling, may they, and not too often: what every door asks first, whatever protocol it speaks.

Access roles that were read are held for a second at most, and forgotten when the database tells that they changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import BadToken, RateLimited, TokenReplayed, UnknownKey
from proofgrid.primitives.ids import Address, SessionId
from proofgrid.primitives.signatures import signer_of
from proofgrid.roles.intake.abuse import Abuse
from proofgrid.roles.intake.api_key_callers import ApiKeyCallers
from proofgrid.roles.intake.heard import Heard
from proofgrid.roles.intake.known_roles import KnownRoles
from proofgrid.roles.intake.open_calls import OpenCalls
from proofgrid.roles.intake.rates import Rates
from proofgrid.roles.intake.signing_in import Sessions
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.access.api_keys import ApiKey, Scope, check_from, check_scope, is_api_key
from proofgrid.rules.access.roles import Caller, Role, SignedIn, check_role
from proofgrid.rules.access.sign_in import SESSION_PREFIX
from proofgrid.rules.access.tokens import Claims, check_claims, read_token
from proofgrid.rules.jobs.limits import JSON_WEIGHT, Limits, Rate
from proofgrid.store.access import FORGET_SPENT_TOKENS, SPEND_TOKEN
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.acting import is_called_by

FORGET_SECONDS = 60.0
#: Of one prover's stream: proofs of 256 KiB by the dozen in a second, or eight hundred words.
STREAM_RATE = Rate(per_second=4 << 20, burst=32 << 20)
OPERATOR_RATE = Rate(per_second=32 << 20, burst=128 << 20)  #: of all streams of an operator
ONLY_ADMIN = frozenset({Role.ADMIN})

ReadFirst: TypeAlias = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallsLeft:
    """How many calls somebody may make."""

    at_once: int  #: after having made none for a while
    per_second: int
    now: int


@dataclass(frozen=True, slots=True)
class _Shown:
    """Whose a credential is, and what kind it is of: one of the three."""

    address: Address
    claims: Claims | None = None
    api_key: ApiKey | None = None
    session: SignedIn | None = None


class Callers:
    """Authenticates tokens, limits rates, authorises access roles."""

    def __init__(self, database: Database, *, audience: Address, limits: Limits, clock: Clock) -> None:
        self._database = database
        self._audience = audience
        self._limits = limits
        self._clock = clock
        self._calls: Rates[Address] = Rates(
            Rate(per_second=limits.requests_per_second, burst=limits.requests_burst), clock
        )
        self._bytes: Rates[Address] = Rates(Rate(per_second=limits.bytes_per_second, burst=limits.bytes_burst), clock)
        self._strangers: Rates[str] = Rates(
            Rate(per_second=limits.stranger_requests_per_second, burst=limits.stranger_requests_burst), clock
        )
        self._streams: Rates[SessionId] = Rates(STREAM_RATE, clock)
        self._operators: Rates[Address] = Rates(OPERATOR_RATE, clock)
        self.sessions = Sessions(database, clock)
        self.abuse = Abuse(database, clock)
        self.api_keys = ApiKeyCallers(database, clock)
        self.calls = OpenCalls(self, at_once=limits.calls_at_once)
        self.known_roles = KnownRoles(database, clock=clock)

    async def admit(
        self,
        token: str,
        needed: frozenset[Role],
        *,
        heard: Heard,
        scopes: frozenset[Scope] = frozenset(),
        is_private: bool = False,
        once: bool = False,
        host: str = "",
        first: ReadFirst | None = None,
    ) -> Caller:
        """Return who signed the token, or whose API key it is.

        `needed`: one of them is enough, as of `scopes`, of which an API key needs one. `is_private`: the call came over
        TLS, or from this machine. `heard`: what the token must be for. `once`: it is used up by this call. `host`:
        where it comes from; whoever calls from there with tokens that are good for nothing is looked at only so often.
        `first`: of a call that says many things, hears the first: not before its caller is known. Raises a Refused
        error for a wrong, strange or replayed token, access role, scope or rate.
        """
        try:
            shown = await self._shown(token, heard, is_private=is_private, host=host)
            is_called_by(shown.address, api_key="" if shown.api_key is None else shown.api_key.key_id)
            self._limit_rate(shown.address)
            roles = await self._roles_for(shown, needed, once=once)
            check_role(roles, needed=needed)
            if shown.api_key is not None:
                check_scope(shown.api_key, scopes)
        except (BadToken, UnknownKey):
            self._strangers.charge(host)
            self.abuse.note(host)
            raise
        if first is not None:
            await first()
        if shown.claims is not None:
            heard.check_body(shown.claims.purpose)
            if once:
                await self._use_up(shown.claims)
        return Caller(shown.address, roles, shown.api_key, shown.session)

    async def _shown(self, token: str, heard: Heard, *, is_private: bool, host: str) -> _Shown:
        """Return whose a credential is, whatever its kind."""
        if token.startswith(SESSION_PREFIX):
            # What changes something was asked by a page of that session, or its door lied.
            session = await self.sessions.of(token.removeprefix(SESSION_PREFIX))
            return _Shown(session.address, session=session.signed_in)
        if is_api_key(token):
            if not self.api_keys.has(token):
                self.abuse.check(host)
                self._look_at_stranger(host)
            key = await self.api_keys.authenticate(token, is_private=is_private)
            check_from(key, host)
            return _Shown(key.owner, api_key=key)
        claims = await self._authenticate(token, heard, host)
        return _Shown(claims.subject, claims=claims)

    async def _roles_for(self, shown: _Shown, needed: frozenset[Role], *, once: bool) -> frozenset[Role]:
        """Return the access roles that a credential is good for: an API key is its owner as a client, nothing else."""
        # What only administrators may do, and what a token is spent for, is rare and looks at the list itself.
        anew = needed == ONLY_ADMIN or (once and shown.claims is not None)
        roles = await self.roles_of(shown.address, anew=anew)
        return roles if shown.api_key is None else roles & {Role.CLIENT}

    async def _use_up(self, claims: Claims) -> None:
        if not await self._database.write(
            Transaction.SPEND_TOKEN, SPEND_TOKEN, token_id=claims.token_id, expires_ms=claims.expires_ms
        ):
            raise TokenReplayed()

    async def roles_of(self, address: Address, *, anew: bool) -> frozenset[Role]:
        """Return the access roles of a key. `anew`: as they are now, not as they were a second ago at most."""
        roles = await (self.known_roles.read(address) if anew else self.known_roles.of(address))
        # The network's own key administers it, so that a fresh network is never locked.
        return roles | {Role.ADMIN} if address == self._audience else roles

    async def check_api_key(self, key_id: str) -> None:
        """Raise a Refused error for an API key that is not good any more."""
        await self.api_keys.check(key_id)

    async def check_session(self, session: SignedIn) -> None:
        """Raise a Refused error for a browser's session that was signed out of, or has expired."""
        await self.sessions.check(session)

    def now_ms(self) -> int:
        """Return what time it is here."""
        return self._clock.now_ms()

    def api_key_changed(self, told: str) -> None:
        """An API key was revoked. `told`: its name and its owner; empty: any, perhaps."""
        key_id, _, owner = told.partition(" ")
        if key_id:
            self.api_keys.known.forget(key_id)
        self.calls.look_again(Address(owner))

    def hear(self) -> None:
        """From now on the database tells of every change of roles and API keys."""
        self.known_roles.hear()
        self.api_keys.known.hear()

    def deafen(self) -> None:
        """Notifications may be lost."""
        self.known_roles.deafen()
        self.api_keys.known.deafen()

    def roles_changed(self, address: str) -> None:
        """Roles of a key were given or taken; empty: of any key, perhaps."""
        if address:
            self.known_roles.forget(Address(address))
        self.calls.look_again(Address(address))

    def left_of(self, address: Address) -> CallsLeft:
        """Return how many calls a caller has left."""
        return CallsLeft(self._limits.requests_burst, self._limits.requests_per_second, self._calls.left(address))

    def bytes_left_of(self, address: Address) -> CallsLeft:
        """Return how many bytes a caller may send: the same for what counts bytes."""
        return CallsLeft(self._limits.bytes_burst, self._limits.bytes_per_second, self._bytes.left(address))

    def admit_stranger(self, host: str) -> None:
        """Let somebody ask what everybody may; raise RateLimited where too many from that address do."""
        _refuse(self._strangers.take(host), "too many calls from your address without a token")

    def weigh_json(self, caller: Address, text: str) -> None:
        """Count a text of JSON before it is read; raise RateLimited where its caller sent too much of it lately."""
        _refuse(self._bytes.take(caller, JSON_WEIGHT * len(text)), "too many bytes of JSON")

    async def pace_stream(self, session_id: SessionId, operator: Address, weight: int) -> None:
        """Count what came on a prover's stream, in bytes of results, and wait where it is ahead of its rate."""
        await self._streams.pace(session_id, weight)
        await self._operators.pace(operator, weight)

    async def pace_bytes(self, caller: Address, number: int) -> None:
        """Count bytes that came, and wait where their sender is ahead of its rate."""
        await self._bytes.pace(caller, number)

    async def forget_spent_tokens(self) -> None:
        """Forget single-use tokens that have expired anyway, every minute, until cancelled."""
        await Loop("spent_tokens", every(FORGET_SECONDS, self._forget), retry_seconds=FORGET_SECONDS).run()

    async def _forget(self) -> None:
        await self._database.write(Transaction.FORGET_TOKENS, FORGET_SPENT_TOKENS)

    async def _authenticate(self, token: str, heard: Heard, host: str) -> Claims:
        claims, signed, signature = read_token(token)
        check_claims(claims, audience=self._audience, now_ms=self._clock.now_ms())
        heard.check_call(claims.purpose)
        # Looking at signatures is what costs; who is known here already is not shut out by others at its address.
        if not self.known_roles.has(claims.subject):
            self._look_at_stranger(host)
            if self.abuse.is_blocked(host) and not await self.roles_of(claims.subject, anew=False):
                self.abuse.check(host)
        if signer_of(signed.encode(), signature) != claims.subject:
            raise BadToken("the token is not signed by the key it names")
        return claims

    def _look_at_stranger(self, host: str) -> None:
        _refuse(self._strangers.wait_ms(host), "too many calls from your address with keys that nobody knows")

    def _limit_rate(self, address: Address) -> None:
        _refuse(self._calls.take(address), f"more than {self._limits.requests_per_second} requests per second")


def _refuse(wait_ms: int, what: str) -> None:
    if wait_ms:
        raise RateLimited(what, hint="wait a moment, or use one stream", wait_ms=wait_ms)
