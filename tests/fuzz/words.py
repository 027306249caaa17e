"""Tokens, and JSON inside messages and in files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.reading import read_json
from proofgrid.rules.access.tokens import check_body, check_call, check_claims, read_token
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
