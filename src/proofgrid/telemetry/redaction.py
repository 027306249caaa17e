"""What never reaches a log, whatever line it stands in: secrets are known by name, by form and by value.

Names: of fields that hold a secret, or what a proof keeps secret. Forms: tokens of ours, passwords inside addresses,
keys in queries of addresses. Values: what a process holds and tells `hide`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from proofgrid.primitives.secret_names import HIDDEN, SECRET_FIELDS, is_secret_variable

_DEPTH_MAX = 8
_VALUE_CHARS_MIN = 6  #: shorter values would be found inside of words

_FORMS = (
    # a token of ours, of today or before: pg2.<claims>.<signature>
    (re.compile(r"\b(pg[12])\.[A-Za-z0-9_-]+\.(?:0x)?[0-9a-fA-F]+"), rf"\1.{HIDDEN}"),
    # an API key of ours, of which the name is no secret: pgk_<name>_<secret>
    (re.compile(r"\bpgk_([0-9a-f]{16})_[0-9a-f]{8,}"), rf"pgk_\1_{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # postgresql://somebody:password@host, https://user:password@host
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+(?=@)"), rf"\1:{HIDDEN}"),
    # …?key=value&X-Amz-Signature=value, and a DSN's password=value
    (
        re.compile(
            r"(?i)\b([\w-]*(?:token|secret|passw(?:or)?d|passphrase|signature|credential|api_?key|access_?key|private_?key)"
            r"[\w-]*)(\\?[\"']?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&;,'\"]+)"
        ),
        rf"\1\2{HIDDEN}",
    ),
)

#: No form is in a text without one of these: looking for them costs a twentieth, and most texts are digests and ids.
_HINTS = (
    *("pg1.", "pg2.", "pgk_", "bearer", "basic", "://", "token", "secret", "passw"),
    *("passphrase", "signature", "credential", "key"),
)


_values: set[str] = set()


def hide(*values: str) -> None:
    """Whatever is logged from now on, these are not in it. Values of fewer than six letters are left alone."""
    _values.update(value for value in values if len(value) >= _VALUE_CHARS_MIN)


def hide_environment(variables: Mapping[str, str]) -> None:
    """Hide what environment variables hold whose names say that it is secret."""
    hide(*(value for name, value in variables.items() if is_secret_variable(name)))


def redacted(text: str) -> str:
    """Return a text without what is secret in it."""
    for value in _values:
        text = text.replace(value, HIDDEN)
    folded = text.casefold()  # as the forms do, which know no capitals
    if any(hint in folded for hint in _HINTS):
        for form, instead in _FORMS:
            text = form.sub(instead, text)
    return text


def redacted_fields(fields: Mapping[str, object], depth: int = _DEPTH_MAX) -> dict[str, object]:
    """Return a log line's fields without what is secret, however deep it stands."""
    return {name: HIDDEN if name in SECRET_FIELDS else _value(value, depth) for name, value in fields.items()}


def _value(value: object, depth: int) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, str):
        return redacted(value)
    if depth and isinstance(value, Mapping):
        return redacted_fields({str(name): one for name, one in value.items()}, depth - 1)
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_value(one, depth - 1) for one in value]
    # What a renderer would make of it: reprs of settings and errors hold what they were made of.
    return redacted(str(value) if isinstance(value, Exception) else repr(value))
