"""What an entry of the audit log says: who did what from where and when, and how it ended.

Requests stand there as they came, but bounded, and without what is secret: a log that is kept for ever and handed to
others is the worst place for either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.plain_text import one_line
from proofgrid.primitives.secret_names import HIDDEN, SECRET_FIELDS

DONE = "done"  #: how an act ended that was not refused; else the error's code
TEXT_MAX = 200
ITEMS_MAX = 20
DEPTH_MAX = 6
WHAT_BYTES_MAX = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, in the order of the log's canonical spelling."""

    act: str  #: the call, or the transaction where nobody called
    by: str  #: the caller's address; empty: nobody, or nobody known
    peer: str  #: where the call came from, as gRPC names it
    what: Mapping[str, Json]  #: the request, see `summary_of`
    outcome: str
    count: int  #: of refusals that are told as one
    at_ms: int

    @property
    def spelled(self) -> bytes:
        """The bytes that are hashed: canonical JSON."""
        return canonical_json(
            {
                "act": self.act,
                "at_ms": self.at_ms,
                "by": self.by,
                "count": self.count,
                "outcome": self.outcome,
                "peer": self.peer,
                "what": self.what,
            }
        )


def summary_of(request: Mapping[str, object], *, api_key: str = "") -> dict[str, Json]:
    """A request's fields as an entry tells them: bounded, bytes by digest, secrets hidden; and by which API key."""
    by_key: dict[str, Json] = {"by_api_key": api_key} if api_key else {}
    told = _told(request, DEPTH_MAX)
    spelled = canonical_json(told)
    if len(spelled) > WHAT_BYTES_MAX or not isinstance(told, dict):
        return {"too_large": _digest(spelled)} | by_key
    return told | by_key


def _told(value: object, depth: int) -> Json:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes):
        return _digest(value)
    if isinstance(value, str):
        # What a database cannot hold or a terminal would act on must not keep an entry, and those beside it, out.
        told = one_line(value[:TEXT_MAX])
        return told if len(value) <= TEXT_MAX else f"{told}… {_digest(value.encode(errors='replace'))}"
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {
            one_line(str(name)[:TEXT_MAX]): HIDDEN if str(name) in SECRET_FIELDS else _told(one, depth - 1)
            for name, one in list(value.items())[:ITEMS_MAX]
        }
    if isinstance(value, Sequence):
        more = [f"… {len(value) - ITEMS_MAX} more"] if len(value) > ITEMS_MAX else []
        return [*(_told(one, depth - 1) for one in value[:ITEMS_MAX]), *more]
    return f"({type(value).__name__})"


def _digest(content: bytes) -> str:
    return f"{len(content)} bytes sha256:{sha256(content).hexdigest()}"
