"""Where events may be sent, when again, and how they are signed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import BadToken, InvalidField
from proofgrid.rules.webhooks.endpoints import (
    BACKOFF_SECONDS,
    DeliveryState,
    check_url,
    may_connect,
    outcome_of,
    parse_kinds,
)
from proofgrid.rules.webhooks.signing import TOLERANCE_SECONDS, headers_of, public_key_of, spell_secret, verify

SECRET = bytes(range(32))
NOW = 1_700_000_000
VECTOR = "v1,fhksJF5ElKjlPoT/jtefCO5XjQPvhf7Dhf/8R1ad9yU="  #: of message msg_1, "{}", at NOW


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",  # noqa: S104 - nobody listens
            "224.0.0.1",
        ),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"),
        *(
            "2002:7f00:1::",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "2001:db8::1",
            "",
            "localhost",
            "::ffff:10.0.0.1",
        ),
    ],
)
def test_what_is_not_on_the_public_network_is_not_connected_to(address: str) -> None:
    assert not may_connect(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_what_is_may_be(address: str) -> None:
    assert may_connect(address)


@pytest.mark.parametrize(
    "url",
    [
        *("", "server", "http://server.example/", "ftp://server.example", "https://", "https://me:pw@server.example/"),
        *(
            "https://server.example:0/",
            "https://server.example:x/",
            "https://s.example/#f",
            "https://s.example/" + "x" * 2_000,
        ),
    ],
)
def test_an_address_that_is_none_is_told_by_its_field(url: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        check_url(url, may_be_local=False)
    assert refusal.value.field == "url"


def test_http_is_for_trying_at_home() -> None:
    assert check_url("http://127.0.0.1:8400/", may_be_local=True)
    assert check_url("https://server.example/a?b=c", may_be_local=False)


def test_kinds_are_those_of_the_catalogue() -> None:
    assert parse_kinds([]) == ("cancelled", "done", "failed")
    assert parse_kinds(["done", "accepted", "done"]) == ("accepted", "done")
    with pytest.raises(InvalidField, match="no kind of events 'finished'"):
        parse_kinds(["finished"])


@given(st.integers(100, 599), st.integers(1, 20), st.integers(0, 999))
def test_a_delivery_ends_or_is_tried_again_within_its_jitter(status: int, attempts: int, chance: int) -> None:
    outcome = outcome_of(status, attempts, now_ms=1_000, chance_permille=chance)
    if 200 <= status < 300:
        assert outcome.state is DeliveryState.DELIVERED
    elif attempts > len(BACKOFF_SECONDS):
        assert outcome.state is DeliveryState.FAILED
    else:
        backoff_ms = BACKOFF_SECONDS[attempts - 1] * 1_000
        assert outcome.state is DeliveryState.WAITING
        assert 1_000 + backoff_ms <= outcome.due_ms < 1_000 + backoff_ms * 1.2 + 1
    assert outcome.is_gone == (status == 410)


@pytest.mark.parametrize("key", [spell_secret(SECRET), public_key_of(SECRET)])
@given(body=st.binary(max_size=200))
def test_either_key_holds_for_what_was_signed_and_for_nothing_else(key: str, body: bytes) -> None:
    headers = headers_of(SECRET, "msg_1", body, now_seconds=NOW)
    assert verify(key, headers, body, now_seconds=NOW + TOLERANCE_SECONDS) == "msg_1"
    for wrong_headers, wrong_body, now in (
        (headers, body + b" ", NOW),
        (headers | {"webhook-id": "msg_2"}, body, NOW),
        (headers | {"webhook-timestamp": str(NOW + 1)}, body, NOW),
        (headers, body, NOW + TOLERANCE_SECONDS + 1),
        (headers_of(b"x" * 32, "msg_1", body, now_seconds=NOW), body, NOW),
        ({}, body, NOW),
    ):
        with pytest.raises(BadToken):
            verify(key, wrong_headers, wrong_body, now_seconds=now)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=30))
def test_headers_of_strangers_are_refused_and_never_an_error(signature: str, moment: str, key: str) -> None:
    headers = {"webhook-id": "m", "webhook-timestamp": moment, "webhook-signature": f"v1,{signature} v1a,{signature}"}
    for prefix in ("whsec_", "whpk_", ""):
        with pytest.raises(BadToken):
            verify(prefix + key, headers, b"", now_seconds=NOW)


def test_the_symmetric_signature_is_that_of_the_standards_own_library() -> None:
    """Made by standardwebhooks 1.1.0 of PyPI: Webhook("whsec_AAEC…").sign("msg_1", 2023-11-14T22:13:20Z, "{}")."""
    headers = headers_of(SECRET, "msg_1", b"{}", now_seconds=NOW)
    assert headers["webhook-signature"].split(" ")[0] == VECTOR
