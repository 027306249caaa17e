"""Sessions of browsers: a wallet signs a message with a nonce of ours, and gets a cookie that is good for an hour.

Nonces and cookies are signed with a secret that lies in the database: every gateway of the network knows its own, and
nothing is stored for them. A nonce is spent by signing in, a session by signing out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import partial

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import BadToken, TokenExpired, TokenReplayed
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import signer_of
from proofgrid.rules.access.roles import SignedIn
from proofgrid.rules.access.sign_in import (
    NONCE_MS,
    SESSION_MS,
    check_sign_in,
    csrf_of,
    read_session,
    read_sign_in,
    session_text,
)
from proofgrid.store.access import END_SESSION, IS_SPENT, SECRET_OF, SPEND_TOKEN
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who signed in."""

    cookie: str
    address: Address
    expires_ms: int
    session_id: str

    @property
    def signed_in(self) -> SignedIn:
        """What of it a call keeps."""
        return SignedIn(self.session_id, self.expires_ms)

    @property
    def csrf(self) -> str:
        """What its requests that change something bring along."""
        return csrf_of(self.cookie)


class Sessions:
    """Anybody may sign in; what it is good for is said by the access roles of the key, at every call."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._secret = b""

    def now_ms(self) -> int:
        """Return what time it is here."""
        return self._clock.now_ms()

    async def nonce(self) -> str:
        """Return a nonce for one message."""
        text = f"{self._clock.now_ms() + NONCE_MS:016x}{secrets.token_hex(8)}"
        return text + await self._mac(f"nonce {text}")

    async def sign_in(self, message: str, signature: str, *, domain: str) -> Session:
        """Return the session of who signed a message. `domain`: under which it speaks to us, which is ours.

        Raises MalformedMessage, BadToken, WrongAudience, TokenExpired, TokenReplayed.
        """
        said = read_sign_in(message)
        now_ms = self._clock.now_ms()
        check_sign_in(said, domain=domain, now_ms=now_ms)
        text = said.nonce[:32]
        if not hmac.compare_digest(said.nonce, text + await self._mac(f"nonce {text}")):
            raise BadToken("the nonce is none of this network", field="message.nonce", hint="POST /v1/sign-in/nonce")
        ends_ms = int(text[:16], 16)
        if now_ms >= ends_ms:
            raise TokenExpired("the nonce has expired", field="message.nonce", hint="POST /v1/sign-in/nonce")
        if signer_of(message.encode(), signature) != said.address:
            raise BadToken("the message is not signed by the key it names", field="signature")
        await self._spend(f"nonce {text}", ends_ms)
        expires_ms = now_ms + SESSION_MS
        session_id = secrets.token_hex(16)
        session = session_text(said.address, expires_ms=expires_ms, session_id=session_id)
        cookie = f"{session}.{await self._mac(f'session {session}')}"
        return Session(cookie=cookie, address=said.address, expires_ms=expires_ms, session_id=session_id)

    async def of(self, cookie: str) -> Session:
        """Return the session of a cookie. Raises BadToken, TokenExpired, also for one that was signed out of."""
        text, _, mac = cookie.rpartition(".")
        address, expires_ms, session_id = read_session(text)
        if not hmac.compare_digest(mac.encode(), (await self._mac(f"session {text}")).encode()):
            raise BadToken("this is no session", hint="sign in again")
        session = Session(cookie=cookie, address=address, expires_ms=expires_ms, session_id=session_id)
        await self.check(session.signed_in)
        return session

    async def check(self, session: SignedIn) -> None:
        """Raise TokenExpired for a session that is over, or was signed out of."""
        if self._clock.now_ms() >= session.expires_ms:
            raise TokenExpired("the session has expired", hint="sign in again")
        async with self._database.connection() as connection:
            if await connection.value(IS_SPENT, token_id=f"session {session.session_id}"):
                raise TokenExpired("this session was signed out of", hint="sign in again")

    async def sign_out(self, cookie: str) -> None:
        """End a session, at every gateway, with what is open on its behalf. Raises what `of` raises."""
        session = await self.of(cookie)
        spent = await self._database.write(
            Transaction.SPEND_TOKEN,
            END_SESSION,
            token_id=f"session {session.session_id}",
            expires_ms=session.expires_ms,
            address=session.address,
        )
        if not spent:
            raise TokenReplayed()

    async def _spend(self, token_id: str, expires_ms: int) -> None:
        if not await self._database.write(
            Transaction.SPEND_TOKEN, SPEND_TOKEN, token_id=token_id, expires_ms=expires_ms
        ):
            raise TokenReplayed()

    async def _mac(self, text: str) -> str:
        if not self._secret:
            async with self._database.connection() as connection:
                self._secret = (await connection.value(SECRET_OF, name="sessions")).encode()
        keyed = partial(hmac.new, self._secret, digestmod=hashlib.sha256)
        return keyed(text.encode()).hexdigest()
