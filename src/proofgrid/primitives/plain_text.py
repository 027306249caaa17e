"""Texts that somebody else wrote: what they may hold on their way in, and how they are shown on their way out.

in  --check_text--> stored as it is, or refused by field and rule
out --escaped / one_line--> what a terminal would act on, or an eye would not see, is spelled: \\x1b, \\u202e
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField

#: Controls (C0, C1), directions of writing, what has no width, separators of lines, halves of pairs, tags.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_HIDDEN = re.compile(f"[{_UNSEEN}]")
_HIDDEN_OR_BROKEN = re.compile(f"[{_UNSEEN}\t\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextKind:
    """What a kind of field may hold."""

    name: str
    chars_max: int
    ascii: bool = False  #: printable ASCII only
    lines: bool = False  #: may it have several lines?


def check_text(text: str, kind: TextKind, *, field: str) -> None:
    """Raise InvalidField for a text that is none of its kind: too long, unprintable, or not in normal form NFC."""
    if len(text) > kind.chars_max:
        raise InvalidField(f"at most {kind.chars_max} characters", field=field)
    if text.isascii() and text.isprintable():
        return
    if kind.ascii:
        raise InvalidField("printable ASCII only", field=field, hint=f"{_where(text, kind)} is none")
    if (_HIDDEN if kind.lines else _HIDDEN_OR_BROKEN).search(text):
        raise InvalidField(
            "no control, direction or invisible characters", field=field, hint=f"{_where(text, kind)} is one"
        )
    if not unicodedata.is_normalized("NFC", text):
        raise InvalidField("the normal form is NFC", field=field, hint="write it in composed characters")


def escaped(text: str) -> str:
    """Return a text of which a terminal shows every character and acts on none; its lines stay lines."""
    return text if text.isascii() and text.isprintable() else _HIDDEN.sub(_spelled, text)


def one_line(text: str) -> str:
    """Return a text escaped, with its line breaks and tabs spelled as well."""
    return text if text.isascii() and text.isprintable() else _HIDDEN_OR_BROKEN.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def _where(text: str, kind: TextKind) -> str:
    for place, char in enumerate(text):
        if (kind.ascii and not (char.isascii() and char.isprintable())) or (
            not (kind.lines and char == "\n") and _HIDDEN_OR_BROKEN.match(char)
        ):
            return f"character {place + 1}, U+{ord(char):04X},"
    return "a character"
