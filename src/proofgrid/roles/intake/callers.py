"""Who is calling, may they, and not too often: what every door asks first, whatever protocol it speaks.

Access roles that were read are held for a second at most, and forgotten when the database tells that they changed.
"""

from __future__ import annotations

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import BadToken, RateLimited, TokenReplayed
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import signer_of
from proofgrid.roles.intake.known_roles import KnownRoles
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.access.roles import Caller, Role, check_role
from proofgrid.rules.access.tokens import Claims, check_claims, read_token
from proofgrid.rules.jobs.limits import Bucket, Limits, take
from proofgrid.store.access import FORGET_SPENT_TOKENS, SPEND_TOKEN
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction

KNOWN_TOKENS_MAX = 10_000
BUCKETS_MAX = 100_000
FORGET_SECONDS = 60.0
ONLY_ADMIN = frozenset({Role.ADMIN})

log = structlog.get_logger(__name__)


class Callers:
    """Authenticates tokens, limits rates, authorises access roles."""

    def __init__(self, database: Database, *, audience: Address, limits: Limits, clock: Clock) -> None:
        self._database = database
        self._audience = audience
        self._limits = limits
        self._clock = clock
        self._known_tokens: dict[str, Claims] = {}
        self._buckets: dict[Address, Bucket] = {}
        self.known_roles = KnownRoles(database, clock=clock)

    async def admit(self, token: str, needed: frozenset[Role], *, single_use: bool = False) -> Caller:
        """Return who signed the token; raise a Refused error for a wrong or replayed one, access role or rate.

        `needed`: one of them is enough. `single_use`: the token is spent by this call.
        """
        claims = self._authenticate(token)
        self._limit_rate(claims.subject)
        # What only administrators may do, and what a token is spent for, is rare and looks at the list itself.
        anew = single_use or needed == ONLY_ADMIN
        roles = await (self.known_roles.read(claims.subject) if anew else self.known_roles.of(claims.subject))
        # The network's own key administers it, so that a fresh network is never locked.
        if claims.subject == self._audience:
            roles |= {Role.ADMIN}
        check_role(roles, needed=needed)
        if single_use and not await self._database.write(
            Transaction.SPEND_TOKEN, SPEND_TOKEN, token_id=claims.token_id, expires_ms=claims.expires_ms
        ):
            raise TokenReplayed()
        return Caller(claims.subject, roles)

    async def forget_spent_tokens(self) -> None:
        """Forget single-use tokens that have expired anyway, every minute, until cancelled."""
        await Loop("spent_tokens", every(FORGET_SECONDS, self._forget), retry_seconds=FORGET_SECONDS).run()

    async def _forget(self) -> None:
        await self._database.write(Transaction.FORGET_TOKENS, FORGET_SPENT_TOKENS)

    def _authenticate(self, token: str) -> Claims:
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
