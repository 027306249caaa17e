"""Content has one name: the SHA-256 of its bytes, as 64 lower-case hex digits."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, NewType

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import InvalidField

Digest = NewType("Digest", str)

DIGEST_DIGITS = 64

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BEGINNING = re.compile(r"[0-9a-f]{1,64}")
_READ_BYTES = 1 << 20


def digest_of(content: bytes) -> Digest:
    """Return the digest of bytes."""
    return Digest(hashlib.sha256(content).hexdigest())


def digest_of_json(value: Any) -> Digest:
    """Return the digest of a value's canonical JSON."""
    return digest_of(canonical_json(value))


def digest_of_file(path: Path) -> Digest:
    """Return the digest of a file, read in pieces of 1 MiB. Blocking: never call it on the event loop."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            hasher.update(piece)
    return Digest(hasher.hexdigest())


def parse_digest(text: str, *, field: str = "digest") -> Digest:
    """Return `text` as a digest; raise InvalidField when it is not 64 lower-case hex digits."""
    if not _DIGEST.fullmatch(text):
        raise InvalidField("a digest is 64 lower-case hex digits (SHA-256)", field=field)
    return Digest(text)


def digests_between(beginning: str, *, field: str) -> tuple[str, str]:
    """Return texts `low` and `high`: the digests that begin so are those with low <= digest < high.

    Raises InvalidField when `beginning` is not 1 to 64 lower-case hex digits.
    """
    if not _BEGINNING.fullmatch(beginning):
        raise InvalidField("the first hex digits of a digest", field=field)
    return beginning, beginning + "g"  # in every collation after "f", as letters are
