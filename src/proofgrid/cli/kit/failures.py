"""What people see when something goes wrong: the code, the field, the reason and a hint, never a traceback."""

from __future__ import annotations

import json
import os
import sys
from typing import NoReturn

import typer

from proofgrid.cli.kit.console import complain
from proofgrid.primitives.causes import first_cause
from proofgrid.primitives.deaths import ProcessLost, SignerLost
from proofgrid.primitives.errors import DatabaseLost, ProofgridError
from proofgrid.primitives.last_words import without_last_words

DEBUG_VARIABLE = "PROOFGRID_DEBUG"
EXIT_FAILED = 1
EXIT_TRY_AGAIN = 75  #: as sysexits.h has it: whoever watches the process may start it again
EXIT_INTERRUPTED = 130


def exit_with(error: BaseException) -> NoReturn:
    """Say what went wrong on standard error and end the process."""
    cause = first_cause(error)
    if os.environ.get(DEBUG_VARIABLE) == "1":
        raise error
    if isinstance(cause, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    if isinstance(cause, BrokenPipeError):
        # The reader of our output (`| head`) has gone; Python would complain once more while closing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    if "--json" in sys.argv[1:]:
        typer.echo(json.dumps({"error": error_to_json(cause)}), err=True)
    else:
        complain(error_text(cause), style="")
    sys.exit(EXIT_TRY_AGAIN if isinstance(cause, DatabaseLost | ProcessLost | SignerLost) else EXIT_FAILED)


def error_text(error: BaseException) -> str:
    """Return `code [field] reason` and, on a line of its own, the hint."""
    facts = error_to_json(error)
    where = f" [{facts['field']}]" if facts["field"] else ""
    hint = f"\nHint: {facts['hint']}" if facts["hint"] else ""
    return f"{facts['code']}{where} {without_last_words(facts['detail'])}{hint}"


def error_to_json(error: BaseException) -> dict[str, str]:
    """Return the parts of an error; what is not ours is our own fault and says where to look."""
    if isinstance(error, ProofgridError):
        return {"code": error.code, "field": error.field, "detail": error.detail, "hint": error.hint}
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return {
            "code": "PG-000",
            "field": "",
            "detail": f"{name}{error.strerror or str(error) or type(error).__name__}",
            "hint": "",
        }
    return {
        "code": "PG-000",
        "field": "",
        "detail": f"internal error: {type(error).__name__}: {error}",
        "hint": f"{DEBUG_VARIABLE}=1 shows where; please report it",
    }
