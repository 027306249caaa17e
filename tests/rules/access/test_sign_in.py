"""Messages of EIP-4361: read by their grammar, and good for one place and a few minutes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import BadToken, ProofgridError, TokenExpired, WrongAudience
from proofgrid.primitives.ids import Address
from proofgrid.primitives.moments import moment_text, parse_moment
from proofgrid.rules.access.sign_in import (
    NONCE_MS,
    check_sign_in,
    csrf_of,
    read_session,
    read_sign_in,
    session_text,
    spell_sign_in,
)

ME = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
NOW = 1_795_000_000_123
DOMAIN = "gateway.example:7480"
#: The example of EIP-4361, with a port and resources.
EXAMPLE = f"""example.com:3388 wants you to sign in with your Ethereum account:
{ME}

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json"""


def a_message(**changes: str) -> str:
    text = spell_sign_in(domain=DOMAIN, scheme="https", address=ME, network=ME, nonce="n0nce678", now_ms=NOW)
    for old, new in changes.items():
        text = text.replace(old.replace("_", " "), new, 1)
    return text


def test_the_example_of_the_standard_is_read() -> None:
    said = read_sign_in(EXAMPLE)
    assert (said.domain, said.address, said.nonce) == ("example.com:3388", ME, "32891756")
    assert said.uri == "https://example.com/login"
    assert said.issued_ms == 1_633_019_124_000
    assert (said.begins_ms, said.expires_ms) == (None, None)
    without = EXAMPLE.replace("I accept the ExampleOrg Terms of Service: https://example.com/tos\n", "")
    assert read_sign_in(without).uri == said.uri


def test_what_we_spell_is_read_and_good() -> None:
    said = read_sign_in(a_message())
    assert said.issued_ms == NOW
    check_sign_in(said, domain=DOMAIN, now_ms=NOW + NONCE_MS - 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        EXAMPLE + "\n",
        EXAMPLE.replace("\n", "\r\n"),
        EXAMPLE.replace("Version: 1", "Version: 2"),
        EXAMPLE.replace(ME, ME.lower()),
        EXAMPLE.replace("Chain ID: 1\n", ""),
        EXAMPLE.replace("Nonce: 32891756", "Nonce: 3289175"),
        EXAMPLE.replace("Nonce: 32891756", "Nonce: 32891756\nNonce: 32891757"),
        EXAMPLE.replace("2021-09-30T16:25:24Z", "2021-09-31T16:25:24Z"),
        EXAMPLE.replace("2021-09-30T16:25:24Z", "yesterday"),
        EXAMPLE.replace("I accept", "I accept\nURI: https://evil.example\n\n"),
        EXAMPLE.replace("example.com:3388 wants", "example.com:3388 evil.example wants"),
        "x" * 5_000,
    ],
)
def test_what_does_not_fit_to_the_last_character_is_refused(text: str) -> None:
    with pytest.raises(ProofgridError):
        read_sign_in(text)


def test_a_message_is_for_one_place_and_a_few_minutes() -> None:
    said = read_sign_in(a_message())
    with pytest.raises(WrongAudience, match=r"gateway\.example:7480, this is evil\.example"):
        check_sign_in(said, domain="evil.example", now_ms=NOW)
    for now_ms in (NOW + NONCE_MS, NOW - 60_000):
        with pytest.raises(TokenExpired):
            check_sign_in(said, domain=DOMAIN, now_ms=now_ms)
    other = read_sign_in(a_message(**{f"URI: https://{DOMAIN}/": f"URI: https://{DOMAIN}.evil.example/"}))
    with pytest.raises(WrongAudience, match="URI"):
        check_sign_in(other, domain=DOMAIN, now_ms=NOW)
    ended = read_sign_in(a_message() + f"\nExpiration Time: {moment_text(NOW + 5)}")
    with pytest.raises(TokenExpired, match="has expired"):
        check_sign_in(ended, domain=DOMAIN, now_ms=NOW + 5)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_sign_in, read_session):
        with suppress(ProofgridError):
            read(text)


@given(st.integers(0, 4_000_000_000_000))
def test_moments_are_read_as_they_are_spelled(at_ms: int) -> None:
    assert parse_moment(moment_text(at_ms), field="at") == at_ms


def test_a_session_says_whose_it_is_and_its_requests_know_more_than_others() -> None:
    text = session_text(ME, expires_ms=5, session_id="ab")
    assert read_session(text) == (ME, 5, "ab")
    with pytest.raises(BadToken):
        read_session(text.replace(".", "-"))
    assert csrf_of(text) != csrf_of(text + "x")
