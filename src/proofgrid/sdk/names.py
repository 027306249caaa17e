"""Names as people type them: the first digits of a program's digest or of a task's id, while only one begins so.

A whole name is taken as it is, without asking; what cannot begin one goes to the gateway, which says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from proofgrid.primitives.digests import DIGEST_DIGITS
from proofgrid.primitives.errors import AmbiguousName, InvalidField, UnknownProgram, UnknownTask
from proofgrid.sdk.answers.work import Program, Task

T = TypeVar("T")
Listing = Callable[[str, int], Awaitable[Sequence[T]]]  #: (beginning, limit) -> the newest that begin so

BEGINNING_MIN = 4  #: fewer digits name something by accident
CANDIDATES_SHOWN = 8

_DIGITS = re.compile(r"[0-9a-f]+")
_ID_DIGITS = 32


async def whole_digest(text: str, listing: Listing[Program], *, field: str = "program_digest") -> str:
    """Return the digest of the one program whose digest begins with `text`.

    Raises InvalidField for fewer than 4 digits, UnknownProgram, or AmbiguousName with the candidates in its hint.
    """
    digits = text.rstrip("…").lower()
    if len(digits) >= DIGEST_DIGITS or not _DIGITS.fullmatch(digits):
        return text
    _check_length(digits, field)
    # A gateway that does not know the question yet answers with all: what does not begin so is not meant.
    found = [one for one in await listing(digits, CANDIDATES_SHOWN + 1) if one.digest.startswith(digits)]
    if not found:
        raise UnknownProgram(f"no program begins with {digits}", field=field, hint="proofgrid program list shows them")
    return _only(text, [one.digest for one in found], [_program_text(one) for one in found], field)


async def whole_task_id(text: str, listing: Listing[Task], *, field: str = "task_id") -> str:
    """Return the id of the one task of yours whose id begins with `text`; raises as `whole_digest`, UnknownTask."""
    digits = text.rstrip("…").lower().replace("-", "")
    if len(digits) >= _ID_DIGITS or not _DIGITS.fullmatch(digits):
        return text
    _check_length(digits, field)
    listed = await listing(digits, CANDIDATES_SHOWN + 1)
    found = [one for one in listed if one.task_id.replace("-", "").startswith(digits)]
    if not found:
        raise UnknownTask(f"no task of yours begins with {text}", field=field, hint="proofgrid tasks shows them")
    return _only(text, [one.task_id for one in found], [f"{one.task_id} ({one.state})" for one in found], field)


def _check_length(digits: str, field: str) -> None:
    if len(digits) < BEGINNING_MIN:
        raise InvalidField(f"at least {BEGINNING_MIN} digits of its beginning", field=field)


def _only(text: str, names: Sequence[str], told: Sequence[str], field: str) -> str:
    if len(names) == 1:
        return names[0]
    many = len(names) if len(names) <= CANDIDATES_SHOWN else f"more than {CANDIDATES_SHOWN}"
    raise AmbiguousName(
        f"{many} begin with {text}",
        field=field,
        hint="give more digits: " + ", ".join(told[:CANDIDATES_SHOWN]),
    )


def _program_text(program: Program) -> str:
    return f"{program.digest[:16]}…" + (f" ({program.label})" if program.label else "")
