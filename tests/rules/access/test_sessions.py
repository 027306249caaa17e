"""Who may go by a prover's name: the one that lives keeps it, whoever else asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofgrid.primitives.errors import BadToken, InvalidField, NameTaken
from proofgrid.primitives.ids import ProverId
from proofgrid.rules.access.sessions import (
    CallId,
    OpenSession,
    Origin,
    SignedSession,
    check_name,
    origin_of,
    session_statement,
)
from tests.makers import NOW_MS, a_key

BEAT_MS, SILENT_MS, RESTART_MS = 1_000, 6_000, 2_500
RUN, OTHER_RUN = "0" * 32, "1" * 32
SECRET, OTHER_SECRET = a_key(5).address, a_key(6).address
SAME_RUN = Origin(peer="10.0.0.1:2", key=SECRET, run=RUN)
RESTARTED = Origin(peer="10.0.0.1:3", key=SECRET, run=OTHER_RUN)
OTHER_MACHINE = Origin(peer="10.0.0.9:1", key=OTHER_SECRET, run=OTHER_RUN)
EARLIER_VERSION = Origin(peer="10.0.0.9:1")


def taken(*, silence_ms: int, key: str = SECRET, run: str = RUN) -> OpenSession:
    return OpenSession(
        peer="10.0.0.1:1", key=key, run=run, opened_ms=NOW_MS - 750_000, seen_ms=NOW_MS - silence_ms, now_ms=NOW_MS
    )


def check(one: OpenSession, origin: Origin) -> None:
    check_name(ProverId("0xabc/rack-7"), one, origin, heartbeat_ms=BEAT_MS, silent_ms=SILENT_MS)


@pytest.mark.parametrize(
    ("origin", "limit_ms"),
    [(RESTARTED, RESTART_MS), (OTHER_MACHINE, SILENT_MS), (EARLIER_VERSION, SILENT_MS)],
    ids=["restarted", "other machine", "earlier version"],
)
def test_another_process_waits_for_the_silence_of_the_one_that_has_the_name(origin: Origin, limit_ms: int) -> None:
    with pytest.raises(NameTaken) as caught:
        check(taken(silence_ms=400), origin)

    assert caught.value.wait_ms == limit_ms - 400
    with pytest.raises(NameTaken):
        check(taken(silence_ms=limit_ms - 1), origin)
    check(taken(silence_ms=limit_ms), origin)


def test_a_process_that_comes_back_over_a_new_stream_has_its_name_at_once() -> None:
    check(taken(silence_ms=0), SAME_RUN)


def test_a_copy_of_the_disk_never_drives_out_the_one_that_lives() -> None:
    """Each of the two has the secret; neither gets in while the other is heard."""
    for silence_ms in (0, BEAT_MS, RESTART_MS - 1):
        with pytest.raises(NameTaken):
            check(taken(silence_ms=silence_ms), RESTARTED)


def test_provers_of_earlier_versions_are_told_apart_by_their_silence() -> None:
    nobody = taken(silence_ms=100, key="", run="")
    with pytest.raises(NameTaken) as caught:
        check(nobody, EARLIER_VERSION)
    assert caught.value.wait_ms == RESTART_MS - 100


def test_the_refusal_names_the_other_one_s_address_age_and_silence() -> None:
    with pytest.raises(NameTaken) as caught:
        check(taken(silence_ms=400), OTHER_MACHINE)

    assert caught.value.code == "PG-209"
    assert "a prover rack-7 of this operator is connected from 10.0.0.1:1 for 12 min, last heard 0.4 s ago" in str(
        caught.value
    )
    assert "--name" in caught.value.hint


def test_a_clock_of_the_database_that_went_back_lets_nobody_in_early() -> None:
    with pytest.raises(NameTaken) as caught:
        check(taken(silence_ms=-90_000), RESTARTED)
    assert caught.value.wait_ms == RESTART_MS


CALL = CallId(operator=a_key(1).address, network=a_key(2).address, gateway="gateway.example", nonce="0" * 32)


def signed(*, name: str = "p", run: str = RUN, call: CallId = CALL) -> SignedSession:
    statement = session_statement(name=name, run=run, call=call)
    return SignedSession(key=SECRET, run=run, signature=a_key(5).sign(statement))


def test_a_hello_comes_from_the_secret_that_signed_it() -> None:
    assert origin_of(signed(), name="p", call=CALL, peer="x:1") == Origin(peer="x:1", key=SECRET, run=RUN)
    assert origin_of(None, name="p", call=CALL, peer="x:1") == Origin(peer="x:1")


@pytest.mark.parametrize(
    "wrong",
    [
        signed(call=replace(CALL, nonce="1" * 32)),
        signed(call=replace(CALL, gateway="rogue.example")),
        signed(call=replace(CALL, operator=a_key(3).address)),
        signed(call=replace(CALL, network=a_key(3).address)),
        signed(name="q"),
        SignedSession(key=SECRET, run=OTHER_RUN, signature=signed().signature),
        SignedSession(key=OTHER_SECRET, run=RUN, signature=signed().signature),
        SignedSession(key=SECRET, run=RUN, signature=""),
    ],
    ids=[
        "of another call",
        "at another gateway",
        "of another operator",
        "of another network",
        "under another name",
        "of another run",
        "by another secret",
        "not signed",
    ],
)
def test_a_hello_that_its_secret_did_not_sign_is_refused(wrong: SignedSession) -> None:
    with pytest.raises(BadToken):
        origin_of(wrong, name="p", call=CALL, peer="")


def test_a_run_is_32_hex_digits() -> None:
    with pytest.raises(InvalidField, match="32 hex"):
        origin_of(signed(run="a"), name="p", call=CALL, peer="")
