"""Calls under way: so many of one caller at once, and those that last end when their caller's roles are taken.

roles changed --> who has a lasting call open? --> roles are read anew --> a call that needs one that is gone is ended
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from proofgrid.primitives.errors import NotAllowed, TooManyOpen, UnknownKey
from proofgrid.primitives.ids import Address
from proofgrid.roles.loop import Loop
from proofgrid.rules.access.roles import Role, check_role

ANY = Address("")

log = structlog.get_logger(__name__)


class ReadsRoles(Protocol):
    """Knows what keys may do."""

    async def roles_of(self, address: Address, *, anew: bool) -> frozenset[Role]:
        """Return the access roles of a key."""
        ...


@dataclass(eq=False, slots=True)
class OpenCall:
    """A call under way. `end`: how it is ended from outside, None for calls that end by themselves soon."""

    caller: Address
    needed: frozenset[Role]
    end: Callable[[Exception], None] | None


@dataclass(slots=True)
class _OfCaller:
    count: int = 0
    lasting: set[OpenCall] = field(default_factory=set)


class OpenCalls:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, roles: ReadsRoles, *, at_once: int) -> None:
        self._roles = roles
        self._at_once = at_once
        self._callers: dict[Address, _OfCaller] = {}
        self._changed: set[Address] = set()
        self._loop = Loop("revocations", self._look, first=None)

    async def run(self) -> None:
        """End what must end, until cancelled."""
        await self._loop.run()

    def begin(self, call: OpenCall) -> None:
        """A call is under way, until `over`. Raises TooManyOpen."""
        of_caller = self._callers.setdefault(call.caller, _OfCaller())
        if of_caller.count >= self._at_once:
            raise TooManyOpen(f"{self._at_once} of your calls are under way", hint="wait for some of them to end")
        of_caller.count += 1
        if call.end is not None:
            of_caller.lasting.add(call)

    def over(self, call: OpenCall) -> None:
        """A call has ended."""
        of_caller = self._callers[call.caller]
        of_caller.count -= 1
        of_caller.lasting.discard(call)
        if not of_caller.count:
            del self._callers[call.caller]

    def look_again(self, address: Address) -> None:
        """The roles of a key may have changed; ANY: of every key."""
        named = {address} & self._callers.keys() if address != ANY else set(self._callers)
        self._changed |= {one for one in named if self._callers[one].lasting}
        if self._changed:
            self._loop.wake()

    async def _look(self) -> None:
        while self._changed:
            address = next(iter(self._changed))
            roles = await self._roles.roles_of(address, anew=True)
            self._changed.discard(address)
            for call in list(self._callers[address].lasting) if address in self._callers else ():
                self._end_unless_allowed(call, roles)

    def _end_unless_allowed(self, call: OpenCall, roles: frozenset[Role]) -> None:
        try:
            check_role(roles, needed=call.needed)
        except (NotAllowed, UnknownKey) as refusal:
            log.info("call_ended_by_revocation", caller=call.caller)
            if call.end is not None:
                call.end(refusal)
