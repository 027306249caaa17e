"""The steps of a task as one trace, whatever process takes them: nothing has to be handed on or stored for it.

A task's id is its trace's id, and names of steps make the ids of spans, so whoever knows the task knows its trace.
Provers do not: a lease tells them its context, as W3C Trace Context spells it, and children get it as TRACEPARENT.

    task -- submit, normalise, round, combine
      `---- lease -- prover -- child
              `----- verify, settle

Of so many tasks in a thousand: which, their ids say, so all processes trace the same ones. A caller may bring a trace
of its own (`traceparent`): its submit is told there too, and each of the two traces names the other.

Without somebody who sends them on, a step costs one look at a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from proofgrid.primitives.clock import SystemClock

_CONTEXT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1  #: of a context's flags
_NONE = "0" * 16
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Context:
    """Where a step belongs: in which trace, below which span."""

    trace_id: str
    span_id: str

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that was done for a task; ids are hexadecimal, times ns since the epoch."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str  #: empty: it is the task itself
    started_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    link: Context | None = None  #: to a span of another trace


Send = Callable[[Step], None]  #: must be quick and raise nothing

WHOLE_PERMILLE = 1_000

_send: Send | None = None
_permille = WHOLE_PERMILLE


def send_steps(send: Send | None, *, permille: int = WHOLE_PERMILLE) -> None:
    """Tell somebody of every step from now on, of so many tasks in a thousand; None: nobody."""
    global _send, _permille
    _send, _permille = send, permille


def are_sent() -> bool:
    """Does anybody hear of steps?"""
    return _send is not None


def is_told(trace_id: str) -> bool:
    """Does anybody hear of the steps of this trace? Every process says the same that traces as many."""
    return _send is not None and (_permille >= WHOLE_PERMILLE or _place_of(trace_id) < _permille)


def read_context(text: str) -> Context | None:
    """Return the context that a stranger tells; None where there is none, or where it is malformed."""
    found = _CONTEXT.fullmatch(text)
    if found is None or not int(found[3], 16) & _SAMPLED or not found[1].strip("0") or found[2] == _NONE:
        return None
    return Context(found[1], found[2])


def of_task(task_id: UUID) -> Context:
    """Return the context of what is done for a task."""
    return Context(task_id.hex, _id_of(task_id.hex, "task"))


def of_lease(task_id: UUID, lease_id: UUID) -> Context:
    """Return the context of what is done for a lease."""
    return Context(task_id.hex, _id_of(lease_id.hex, "lease"))


def step_of(name: str, within: Context, *, which: str = "") -> Context:
    """Return the context of what is done in a step."""
    return Context(within.trace_id, _id_of(within.trace_id, f"{name}/{within.span_id}/{which}"))


def note(name: str, within: Context, seconds: float, *, which: str = "", **attributes: str | int) -> None:
    """Tell of a step that has just ended and took so long; `which` tells it from others of its name."""
    if is_told(within.trace_id):
        own = step_of(name, within, which=which)
        _tell(name, own, within.span_id, seconds, attributes)


def note_submit(task_id: UUID, seconds: float, *, asked: Context | None, **attributes: str | int) -> None:
    """Tell of a request that has just become a task; `asked`: the span of the caller's trace that it came out of."""
    if not is_told(task_id.hex):
        return
    within = of_task(task_id)
    own = step_of("submit", within)
    _tell("submit", own, within.span_id, seconds, attributes, link=asked)
    if asked is not None:
        theirs = Context(asked.trace_id, _id_of(asked.trace_id, f"submit/{own.trace_id}"))
        _tell("submit", theirs, asked.span_id, seconds, {**attributes, "task_id": str(task_id)}, link=own)


def note_task(task_id: UUID, seconds: float, **attributes: str | int) -> None:
    """Tell of a task that has just ended and took so long."""
    if is_told(task_id.hex):
        _tell("task", of_task(task_id), "", seconds, attributes)


def note_lease(task_id: UUID, lease_id: UUID, seconds: float, **attributes: str | int) -> None:
    """Tell of a lease that has just ended with its proof, and took so long."""
    if is_told(task_id.hex):
        _tell("lease", of_lease(task_id, lease_id), of_task(task_id).span_id, seconds, attributes)


def _tell(
    name: str,
    own: Context,
    parent_id: str,
    seconds: float,
    attributes: Mapping[str, str | int],
    *,
    link: Context | None = None,
) -> None:
    send = _send
    if send is None:
        return
    ended_ns = _CLOCK.now_ms() * 1_000_000
    send(
        Step(
            name=name,
            trace_id=own.trace_id,
            span_id=own.span_id,
            parent_id=parent_id,
            started_ns=ended_ns - int(max(0.0, seconds) * 1e9),
            ended_ns=ended_ns,
            attributes=attributes,
            link=link,
        )
    )


def _place_of(trace_id: str) -> int:
    """Return a number below 1,000 that follows from the trace alone."""
    return int(sha256(f"sampled {trace_id}".encode()).hexdigest()[:16], 16) % WHOLE_PERMILLE


def _id_of(trace_id: str, what: str) -> str:
    return sha256(f"{trace_id}/{what}".encode()).hexdigest()[:16]
