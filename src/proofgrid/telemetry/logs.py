"""Logs are facts: one event name, then fields, as text for people or JSON lines for machines."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Any

import structlog

from proofgrid.primitives.plain_text import escaped, one_line
from proofgrid.telemetry.acting import current_act
from proofgrid.telemetry.redaction import hide_environment, redacted_fields

LINES_MAX = 100  #: of one event about calls, in one window: who is refused a thousand times a second fills no disk
WINDOW_SECONDS = 10.0
_LINES = ("exception", "stack")


def configure_logs(*, json_lines: bool = False, level: str = "info", process: int | None = None) -> None:
    """Send logs to standard error from now on. `process`: its number, in every line, where several share one log."""
    hide_environment(os.environ)
    renderer: Any = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if level == "debug" else [_Bounded(monotonic)]),
            _with_act,
            *([] if process is None else [_with_process(process)]),
            structlog.processors.format_exc_info,
            _hide_secrets,
            *([] if json_lines else [_show_all]),  # JSON spells them anyway
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),  # a line is one write: several processes share it
        cache_logger_on_first_use=True,
    )


def _with_process(number: int) -> structlog.types.Processor:
    def add(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        return {**event, "process": number}

    return add


def _with_act(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Who called from where, in every line about a call."""
    act = current_act()
    return event if act is None else {"caller": act.by, "peer": act.peer, **event}


class _Bounded:
    """Lets so many lines of one event about calls through in a window; the next one says how many it left out."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._since = seconds()
        self._lines: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def __call__(self, _logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        if current_act() is None:
            return event
        name = str(event.get("event"))
        now = self._seconds()
        if now - self._since >= WINDOW_SECONDS:
            self._since = now
            self._lines.clear()
        self._lines[name] += 1
        if self._lines[name] > LINES_MAX:
            self._left_out[name] += 1
            raise structlog.DropEvent
        left_out = self._left_out.pop(name, 0)
        return {**event, "lines_left_out": left_out} if left_out else event


def _hide_secrets(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return redacted_fields(event)


def _show_all(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Spell what a terminal would act on: provers and clients write some of what is logged."""
    return {
        name: (escaped if name in _LINES else one_line)(value) if isinstance(value, str) else value
        for name, value in event.items()
    }
