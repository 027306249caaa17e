"""What happened to a task, as a client sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofgrid.rules.jobs.events import sentence


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a task. `cursor` is where to resume."""

    cursor: int
    kind: str
    at_ms: int
    data: Mapping[str, Any]

    def sentence(self, people: Mapping[str, str] | None = None, *, batch: bool = False) -> str:
        """Say what happened; `people` names operators by their addresses, `batch`: the task has several inputs."""
        return sentence(self.kind, self.data, people=people or {}, batch=batch)
