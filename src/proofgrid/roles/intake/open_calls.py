"""Calls under way: so many of one caller at once, and those that last end when what lets their caller in is taken.

roles changed --> who has a lasting call open? --> roles are read anew --> a call that needs one that is gone is ended
API key revoked, session signed out of, or their time is over --> the same
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from proofgrid.primitives.errors import Refused, TooManyOpen
from proofgrid.primitives.ids import Address
from proofgrid.roles.loop import Loop
from proofgrid.rules.access.roles import Caller, Role, SignedIn, check_role

ANY = Address("")

log = structlog.get_logger(__name__)


class KnowsCallers(Protocol):
    """Knows what keys may do."""

    async def roles_of(self, address: Address, *, anew: bool) -> frozenset[Role]:
        """Return the access roles of a key."""
        ...

    async def check_api_key(self, key_id: str) -> None:
        """Raise a Refused error for an API key that is not good any more."""
        ...

    async def check_session(self, session: SignedIn) -> None:
        """Raise a Refused error for a browser's session that is over."""
        ...

    def now_ms(self) -> int:
        """Return what time it is, milliseconds since the epoch."""
        ...


@dataclass(eq=False, slots=True)
class OpenCall:
    """A call under way. `end`: how it is ended from outside, None for calls that end by themselves soon."""

    caller: Caller
    needed: frozenset[Role]
    end: Callable[[Exception], None] | None


@dataclass(slots=True)
class _OfCaller:
    count: int = 0
    lasting: set[OpenCall] = field(default_factory=set)


class OpenCalls:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, known: KnowsCallers, *, at_once: int) -> None:
        self._known = known
        self._at_once = at_once
        self._callers: dict[Address, _OfCaller] = {}
        self._changed: set[Address] = set()
        self._next_ms = 0  #: when the first of the open calls' API keys and sessions expires; 0: nobody waits for that
        self._loop = Loop("revocations", self._look, first=None)

    async def run(self) -> None:
        """End what must end, until cancelled."""
        await self._loop.run()

    def begin(self, call: OpenCall) -> None:
        """A call is under way, until `over`. Raises TooManyOpen."""
        of_caller = self._callers.setdefault(call.caller.address, _OfCaller())
        if of_caller.count >= self._at_once:
            raise TooManyOpen(f"{self._at_once} of your calls are under way", hint="wait for some of them to end")
        of_caller.count += 1
        if call.end is not None:
            of_caller.lasting.add(call)
            expires_ms = _expires_ms(call)
            if expires_ms and not 0 < self._next_ms <= expires_ms:
                self._loop.wake()

    def over(self, call: OpenCall) -> None:
        """A call has ended."""
        of_caller = self._callers[call.caller.address]
        of_caller.count -= 1
        of_caller.lasting.discard(call)
        if not of_caller.count:
            del self._callers[call.caller.address]

    def count_of(self, address: Address) -> int:
        """Return how many calls of somebody are under way."""
        of_caller = self._callers.get(address)
        return 0 if of_caller is None else of_caller.count

    def look_again(self, address: Address) -> None:
        """The roles of a key may have changed; ANY: of every key."""
        named = {address} & self._callers.keys() if address != ANY else set(self._callers)
        self._changed |= {one for one in named if self._callers[one].lasting}
        if self._changed:
            self._loop.wake()

    async def _look(self) -> float | None:
        now_ms = self._known.now_ms()
        lasting = [call for of_caller in self._callers.values() for call in of_caller.lasting]
        expiring = {call: _expires_ms(call) for call in lasting if _expires_ms(call)}
        self._changed |= {call.caller.address for call, ms in expiring.items() if ms <= now_ms}
        while self._changed:
            address = next(iter(self._changed))
            roles = await self._known.roles_of(address, anew=True)
            self._changed.discard(address)
            for call in list(self._callers[address].lasting) if address in self._callers else ():
                await self._end_unless_allowed(call, roles)
        self._next_ms = min((ms for ms in expiring.values() if ms > now_ms), default=0)
        return (self._next_ms - now_ms) / 1_000 if self._next_ms else None

    async def _end_unless_allowed(self, call: OpenCall, roles: frozenset[Role]) -> None:
        key = call.caller.api_key
        try:
            check_role(roles if key is None else roles & {Role.CLIENT}, needed=call.needed)
            if key is not None:
                await self._known.check_api_key(key.key_id)
            if call.caller.session is not None:
                await self._known.check_session(call.caller.session)
        except Refused as refusal:
            log.info("call_ended_by_revocation", caller=call.caller.address)
            if call.end is not None:
                call.end(refusal)


def _expires_ms(call: OpenCall) -> int:
    """Return when the first of what lets a call in is over, in ms since the epoch; 0: never."""
    ends = (call.caller.api_key, call.caller.session)
    return min((one.expires_ms for one in ends if one is not None and one.expires_ms), default=0)
