"""A stranger with a file and the network's address finds every lie in it; one flipped bit is one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of, digest_of_json
from proofgrid.rules.market.record_file import RecordCheck
from proofgrid.rules.market.rounds import TranscriptMismatch
from tests.makers import a_key
from tests.rules.market.records import LARGE, NETWORK, SMALL, a_record

RECORD = a_record()
EDITION_1 = Path(__file__).parent / "edition_1"  #: made by the rules of its time
FILES = {lane: b"".join(lines) for lane, lines in RECORD.items()}


def check(lines: Sequence[bytes], check_: RecordCheck | None = None) -> RecordCheck:
    check_ = check_ or RecordCheck(network=NETWORK.address)
    for line in lines:
        check_.line(line)
    check_.finish()
    return check_


def test_an_honest_record_of_a_stack_is_right_and_both_lanes_were_drawn_together() -> None:
    large = check(RECORD[LARGE])
    small = check(RECORD[SMALL], RecordCheck(network=NETWORK.address, known=large.known))

    assert small.header is not None
    assert (small.header.lane, small.header.rounds, small.last_number) == (SMALL, 4, 4)
    assert not small.not_compared
    assert len(large.known.drawn) == 4
    assert any(one for transcript in _of(SMALL) for one in transcript["result"]["placements"])


def test_without_the_other_lane_the_check_says_how_much_it_could_not_compare() -> None:
    assert check(RECORD[SMALL]).not_compared == 4
    assert check(RECORD[LARGE]).not_compared == 0  # the table is in the first lane's record


def test_records_of_the_first_edition_are_still_replayed_by_its_rules() -> None:
    """Files of November 2026: lots in units, capacity carried down from large to small."""
    files = {name: (EDITION_1 / f"{name}.rounds").read_bytes() for name in ("large", "small")}
    assert {name: digest_of(content) for name, content in files.items()} == {
        "large": "522a2f51568069041a9bf3b795d996c78135d1cd4243cf2acab3a5854d2f7e52",
        "small": "a98836ec933116bd47fbb2fbe2a25bc54ce5ceafe99abdf5158e2a3090524246",
    }
    large = check(files["large"].splitlines(keepends=True))
    small = check(files["small"].splitlines(keepends=True), RecordCheck(network=NETWORK.address, known=large.known))

    assert (small.last_number, small.not_compared) == (6, 0)
    assert check(files["small"].splitlines(keepends=True)).not_compared > 0
    # The lower lane alone looks right; next to an upper one that left something else it does not.
    for place, left in list(large.known.left.items()):
        large.known.left[place] = {order: (slots, ask, cap + 1) for order, (slots, ask, cap) in left.items()}
    with pytest.raises(TranscriptMismatch, match="the lane above"):
        check(files["small"].splitlines(keepends=True), RecordCheck(network=NETWORK.address, known=large.known))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(place=st.integers(0, 2**32), bit=st.integers(0, 7))
def test_one_flipped_bit_in_a_record_of_the_first_edition_is_found(place: int, bit: int) -> None:
    content = bytearray((EDITION_1 / "small.rounds").read_bytes())
    content[place % len(content)] ^= 1 << bit
    with pytest.raises(TranscriptMismatch):
        check(bytes(content).splitlines(keepends=True))


@settings(deadline=None, max_examples=400, derandomize=True)
@given(lane=st.sampled_from([LARGE, SMALL]), place=st.integers(0, 2**32), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_found(lane: str, place: int, bit: int) -> None:
    content = bytearray(FILES[lane])
    content[place % len(content)] ^= 1 << bit
    with pytest.raises(TranscriptMismatch):
        check(bytes(content).splitlines(keepends=True))


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4, 5])
def test_every_line_that_is_left_out_or_repeated_is_found(place: int) -> None:
    lines = RECORD[SMALL]
    for others in (lines[:place] + lines[place + 1 :], [*lines[: place + 1], *lines[place:]]):
        with pytest.raises(TranscriptMismatch):
            check(others)


def test_another_networks_record_is_refused_however_well_it_is_signed() -> None:
    other = a_record(key=a_key(8))[SMALL]
    check(other, RecordCheck())
    with pytest.raises(TranscriptMismatch, match="network"):
        check(other)


def test_rounds_of_two_honest_records_cannot_be_mixed() -> None:
    other = a_record(seed=2)[SMALL]
    with pytest.raises(TranscriptMismatch) as caught:
        check([*RECORD[SMALL][:3], *other[3:]])
    assert caught.value.field == "previous"


def test_a_network_that_signs_a_false_result_is_found_out() -> None:
    lines = list(RECORD[LARGE])
    value = json.loads(lines[1])
    value["transcript"]["result"]["buy_price"] += 1
    lines[1] = _signed(value)
    with pytest.raises(TranscriptMismatch) as caught:
        check(lines)
    assert caught.value.field == "result.buy_price"


def test_a_network_that_gives_a_prover_another_lane_than_the_lots_is_found_out() -> None:
    """Each lane alone looks right."""
    large = check(RECORD[LARGE])
    for digest, drawn in list(large.known.drawn.items()):
        large.known.drawn[digest] = {**drawn, SMALL: drawn[SMALL] | {"somebody else"}}
    with pytest.raises(TranscriptMismatch, match="other provers"):
        check(RECORD[SMALL], RecordCheck(network=NETWORK.address, known=large.known))


def test_nobody_is_named_in_a_record() -> None:
    for content in FILES.values():
        for name in (b"o0", b"o1", b"/p1", b'"p"', b"toy/small 1"):
            assert name not in content.replace(b"default/toy/small", b"")


def _signed(value: dict[str, object]) -> bytes:
    value["signature"] = NETWORK.sign(bytes.fromhex(digest_of_json(value["transcript"])))
    return canonical_json(value) + b"\n"


def _of(lane: str) -> list[dict[str, dict[str, list[object]]]]:
    return [json.loads(line)["transcript"] for line in RECORD[lane][1:-1]]
