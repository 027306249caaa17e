"""What a door heard of the call under way: what its token must be for."""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass

from proofgrid.primitives.digests import digest_of
from proofgrid.rules.access.tokens import Purpose, check_body, check_call

NO_BODY = digest_of(b"")  #: of a request of HTTP that has none


@dataclass(slots=True)
class Heard:
    """One call, as it came; no word of its caller is in here but the bytes that were sent."""

    method: str  #: path in gRPC, verb and path of HTTP
    names: Collection[str]  #: under which this gateway is spoken to (`Target.name`)
    body: str | None = None  #: SHA-256 of the first message, hex; None: it has not come yet

    def check_call(self, purpose: Purpose) -> None:
        """Raise WrongPurpose for a token of another call or gateway."""
        check_call(purpose, method=self.method, names=self.names)

    def check_body(self, purpose: Purpose) -> None:
        """Raise WrongPurpose for a token of another message. Only once the first message has come."""
        if self.body is None:
            raise AssertionError(f"{self.method} is let in before its first message was read")
        check_body(purpose, body=self.body)


_heard: ContextVar[Heard] = ContextVar("heard")


def hear(heard: Heard) -> None:
    """Note what was heard, for the rest of this task: every door does it before its call is looked at."""
    _heard.set(heard)


def heard_now() -> Heard:
    """Return what was heard of the call that this task is for. Raises LookupError where no door said so."""
    return _heard.get()
