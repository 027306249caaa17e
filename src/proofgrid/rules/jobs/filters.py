"""Which of its tasks a client means: by state, program, tag and time, each empty where it demands nothing."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.rules.jobs.tags import parse_tag


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """What all of it is true of a task; moments are milliseconds since the epoch."""

    state: str = ""
    program_digest: str = ""
    tag: str = ""
    since_ms: int = 0  #: made at this moment or later
    until_ms: int = 0  #: and before this one; 0: until now

    def to_json(self) -> dict[str, Json]:
        """Return it as it is hashed."""
        return {
            "state": self.state,
            "program_digest": self.program_digest,
            "tag": self.tag,
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
        }


def parse_filter(*, state: str, program_digest: str, tag: str, since_ms: int, until_ms: int) -> TaskFilter:
    """Return a filter of what somebody said; raise InvalidField."""
    if state and state not in list(TaskState):
        raise InvalidField(f"no state {state!r}", field="state", hint=", ".join(TaskState))
    if program_digest:
        parse_digest(program_digest, field="program_digest")
    if tag:
        parse_tag(tag)
    if since_ms < 0 or until_ms < 0 or 0 < until_ms <= since_ms:
        raise InvalidField("a time that ends after it begins", field="until_ms")
    return TaskFilter(state=state, program_digest=program_digest, tag=tag, since_ms=since_ms, until_ms=until_ms)
