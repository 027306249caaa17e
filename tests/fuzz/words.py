"""Tokens, and JSON inside messages and in files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.pages import BEYOND_MS, NEWEST, NEWEST_UUID, Place, read_cursor, spell_cursor
from proofgrid.primitives.reading import read_json
from proofgrid.rules.access.tokens import check_body, check_call, check_claims, read_token
from proofgrid.rules.jobs.tags import parse_tags
from proofgrid.sdk.tokens import make_token, purpose_of
from proofgrid.wire.codec import texts as wire_texts
from tests.fuzz.likely import NETWORK, NOW_MS
from tests.makers import a_key

PURPOSE = purpose_of("/proofgrid.v1.ClientService/Submit", b"", gateway="gateway.example")


def take_token(data: bytes) -> None:
    """Read a token, and look whether it holds."""
    claims, _, _ = read_token(data.decode(errors="replace"))
    check_claims(claims, audience=NETWORK, now_ms=NOW_MS)
    check_call(claims.purpose, method=PURPOSE.method, names={PURPOSE.gateway})
    check_body(claims.purpose, body=PURPOSE.body)


def tokens() -> list[bytes]:
    """A good one."""
    return [make_token(a_key(2), network=NETWORK, purpose=PURPOSE, now_ms=NOW_MS).encode()]


def take_cursor(data: bytes) -> None:
    """Read a cursor as each kind of list does, and a tag; what is read is spelled again."""
    text = data.decode(errors="replace")
    for first in (NEWEST, NEWEST_UUID, (*NEWEST_UUID, 0), (0, "", 0, 0), ("",), (BEYOND_MS,)):
        with suppress(ProofgridError):
            place = read_cursor(text, "tasks", first)
            assert read_cursor(spell_cursor("tasks", place), "tasks", first) == list(place) or not text
    with suppress(ProofgridError):
        parse_tags([text])


def cursors() -> list[bytes]:
    """One of each kind, and a tag."""
    places: Sequence[Place] = ((5, "a"), (5, "0198c0de-0000-7000-8000-000000000001", 7), ("a",), (5,), (1, "t", -2, 9))
    return [*(spell_cursor("tasks", one).encode() for one in places), b"env=prod"]


def take_json(data: bytes) -> None:
    """Read a text as a message's and as a file's; what is read is written down again."""
    text = data.decode(errors="replace")
    reads: Sequence[Callable[[], Json]] = (
        lambda: read_json(data, field="f"),
        lambda: wire_texts.read_object(text, field="f"),
        lambda: wire_texts.read_list(text, field="f", bytes_max=1 << 20),
    )
    for read in reads:
        with suppress(ProofgridError):
            json.dumps(read())


def texts() -> list[bytes]:
    """Texts that look like much."""
    return [
        *(b"{}", b"[[[[]]]]", b'{"a": [1, 2.5e3, true, null, "x"]}', b'["\\u0000", "\\ud800", "\\\\u0000"]', b"1e400"),
        *(
            b"[NaN]",
            b'"' + b"\\" * 99,
            b"[" * 120 + b"]" * 120,
            b"[" + b"9" * 600 + b"]",
            b'{"a":1,"a":2}',
            b"\xff\xfe[\0]\0",
        ),
    ]
