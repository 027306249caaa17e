"""Logs are facts: one event name, then fields, as text for people or JSON lines for machines."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from proofgrid.primitives.plain_text import escaped, one_line

#: Fields with these names never reach a log: secrets, and what a proof keeps secret.
_SECRET = ("token", "secret", "private_key", "password", "witness", "inputs", "job_input")
_LINES = ("exception", "stack")


def configure_logs(*, json_lines: bool = False, level: str = "info", process: int | None = None) -> None:
    """Send logs to standard error from now on. `process`: its number, in every line, where several share one log."""
    renderer: Any = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide_secrets,
            *([] if process is None else [_with_process(process)]),
            structlog.processors.format_exc_info,
            *([] if json_lines else [_show_all]),  # JSON spells them anyway
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _with_process(number: int) -> structlog.types.Processor:
    def add(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        return {**event, "process": number}

    return add


def _hide_secrets(_logger: Any, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    for name in _SECRET:
        if name in event:
            event[name] = "(hidden)"
    return event


def _show_all(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Spell what a terminal would act on: provers and clients write some of what is logged."""
    return {
        name: (escaped if name in _LINES else one_line)(value) if isinstance(value, str) else value
        for name, value in event.items()
    }
