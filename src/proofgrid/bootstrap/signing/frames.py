"""Questions to a signing process and its answers: a number, what it is, a length, the content.

parent -> process   number (8 bytes)   kind (1)   length (4)   content
process -> parent   the same; kind 0: an answer, 1: why there is none, as JSON
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from enum import IntEnum

from proofgrid.bootstrap.signing.statements import DOCUMENT_BYTES_MAX, NotSigned, Said
from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.errors import InvalidField, ProofgridError, Unavailable

HEAD = struct.Struct("!QBI")
CONTENT_BYTES_MAX = DOCUMENT_BYTES_MAX + 64
ADDRESS_BYTES = 20
ANSWER, REFUSAL = 0, 1
SAID = tuple(Said)  #: a purpose goes over the socket as its place here

_ERRORS: Mapping[str, type[ProofgridError]] = {one.code: one for one in (InvalidField, NotSigned, Unavailable)}


class Ask(IntEnum):
    """Kinds of questions."""

    OPEN = 1  #: read the keys; once, before anything else
    READ_AGAIN = 2  #: the keys of the folder that came since
    SIGN = 3  #: address, purpose, what is signed for it
    NOTE = 4  #: address, a checkpoint of the audit log
    CERTIFY = 5  #: address, for whom, as JSON
    ROOT = 6  #: address, kind of a trust root for development


def pack(number: int, kind: int, content: bytes) -> bytes:
    """Return the bytes of a question or an answer."""
    return HEAD.pack(number, kind, len(content)) + content


def write_error(error: ProofgridError) -> bytes:
    """Return an error as it goes over the socket; one that has no place there says what it was."""
    code = error.code if error.code in _ERRORS else NotSigned.code
    return canonical_json({"code": code, "detail": error.detail, "field": error.field, "hint": error.hint})


def read_error(content: bytes) -> ProofgridError:
    """Return the error of an answer."""
    said: Mapping[str, Json] = json.loads(content)
    kind = _ERRORS.get(str(said["code"]), NotSigned)
    return kind(str(said["detail"]), field=str(said["field"]), hint=str(said["hint"]))
