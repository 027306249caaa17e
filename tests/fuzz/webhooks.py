"""Webhooks: addresses that clients name, what their names resolve to, and deliveries as receivers check them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import httpx

from proofgrid.primitives.errors import ProofgridError
from proofgrid.rules.webhooks.endpoints import check_url, may_connect, outcome_of, parse_kinds
from proofgrid.rules.webhooks.signing import headers_of, public_key_of, spell_secret, verify

SECRET = bytes(range(32))
NOW_SECONDS = 1_700_000_000
LOCAL = ("10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%eth0", "169.254.169.254")


def take_webhook(data: bytes) -> None:
    """Take an object's members as an address, what it resolves to, kinds, an answer, a key and headers."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    said = value if isinstance(value, dict) else {"url": value}
    for take in (_address, _resolved, _kinds, _answer, _delivery):
        with suppress(ProofgridError):
            take(said)


def _address(said: dict[str, Any]) -> None:
    url = _text(said.get("url"))
    for may_be_local in (False, True):
        with suppress(ProofgridError):
            check_url(url, may_be_local=may_be_local)
            with suppress(httpx.InvalidURL, ValueError):  # which posting tells as an answer
                httpx.URL(url)


def _resolved(said: dict[str, Any]) -> None:
    may_connect(_text(said.get("address")))
    assert not any(map(may_connect, LOCAL))


def _kinds(said: dict[str, Any]) -> None:
    kinds = said.get("kinds")
    parse_kinds([_text(one) for one in kinds] if isinstance(kinds, list) else [])


def _answer(said: dict[str, Any]) -> None:
    status, attempts = (said.get(name) for name in ("status", "attempts"))
    if type(status) is int and type(attempts) is int and attempts > 0:
        outcome_of(status, attempts, now_ms=1_000 * NOW_SECONDS, chance_permille=999)


def _delivery(said: dict[str, Any]) -> None:
    headers = said.get("headers")
    shown = {str(name): _text(text) for name, text in headers.items()} if isinstance(headers, dict) else {}
    verify(_text(said.get("key")), shown, _text(said.get("body")).encode(errors="replace"), now_seconds=NOW_SECONDS)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def webhooks() -> list[bytes]:
    """A delivery that holds for each kind of key, addresses of every kind."""
    body = '{"type":"done"}'
    headers = headers_of(SECRET, "msg_1", body.encode(), now_seconds=NOW_SECONDS)
    common = {"kinds": ["done"], "status": 410, "attempts": 3, "headers": headers, "body": body}
    urls = ("https://server.example/hooks?a=1", "http://[::1]:8000/", "https://user:word@a.example:443/#f", "https://٣")
    keys = (spell_secret(SECRET), public_key_of(SECRET), "whsec_", "whpk_AA==")
    made = zip(urls, keys, ("8.8.8.8", "::1", *LOCAL[-2:]), strict=True)
    return [json.dumps({**common, "url": url, "key": key, "address": address}).encode() for url, key, address in made]
