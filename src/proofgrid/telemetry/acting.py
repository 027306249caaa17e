"""Who is acting: the call that the code of this moment works for, for the audit log and for log lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from proofgrid.telemetry.traces import Context


class Act:
    """A call under way. `by` is known once its token was read; `end`: how a call that lasts is ended from outside.

    What it started may go on when it is over, and still speaks of it: so it holds nothing of the server's.
    """

    __slots__ = ("_request", "api_key", "asked_within", "by", "call", "end", "peer")

    def __init__(
        self,
        call: str,
        peer: str,
        request: Callable[[], Mapping[str, object]],
        *,
        asked_within: Context | None = None,
    ) -> None:
        self.call = call
        self.peer = peer  #: where it came from
        self.asked_within = asked_within  #: a span of the caller's own trace
        self.by = ""
        self.api_key = ""  #: that the caller calls with, by its name
        self.end: Callable[[Exception], None] | None = None
        self._request = request

    @property
    def request(self) -> Mapping[str, object]:
        """What was asked, field by field."""
        return self._request()


_acting: ContextVar[Act | None] = ContextVar("acting", default=None)


def current_act() -> Act | None:
    """The call that this code works for; None: the network's own doing."""
    return _acting.get()


def is_called_by(address: str, *, api_key: str = "") -> None:
    """Note whose token, or API key, the call under way carries, whatever that caller may."""
    act = _acting.get()
    if act is not None:
        act.by, act.api_key = address, api_key


@contextmanager
def acting(act: Act) -> Iterator[Act]:
    """Work for a call until the context ends; so do the tasks that are started inside."""
    token = _acting.set(act)
    try:
        yield act
    finally:
        with suppress(ValueError):  # an answer that nobody reads to its end is closed in a context of its own
            _acting.reset(token)
