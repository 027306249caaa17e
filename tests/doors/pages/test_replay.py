"""The round that a browser replays is the round that the network held: scripts of the pages against Python."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.counted import CountedBids
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.orders import price_limits
from proofgrid.rules.market.rounds import RoundInputs, run_round
from tests.makers import a_key
from tests.rules.market.test_counted import Asks, Bids, asks, bids, demands_of, divided, supplies_of
from tests.rules.market.test_dara_properties import Market, markets
from tests.rules.market.test_dara_vectors import VECTORS, asks_of, bids_of, rules_of
from tests.rules.market.test_rounds_properties import rounds

HERE = Path(__file__).parent
SCRIPTS = [str(files("proofgrid.doors.pages") / "static" / name) for name in ("hashes.js", "rounds.js")]
Ask = Callable[[str, Any], str]
alike = settings(
    deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Ask the scripts, run by Node.js; the answer is canonical JSON."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node.js here")
    command = [node, str(HERE / "replaying.js"), *SCRIPTS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        told, heard = process.stdin, process.stdout
        assert told is not None
        assert heard is not None

        def asked(what: str, value: Any) -> str:
            told.write(canonical_json([what, value]).decode() + "\n")
            told.flush()
            return heard.readline().rstrip("\n")

        yield asked
        told.close()


def in_script(bids: Any, asks: Any, rules: Any) -> dict[str, Any]:
    """Return a book as the script reads it."""
    sides = [
        [{"id": one.order_id, "units": one.units, "price": one.price, "rank": one.rank} for one in side]
        for side in (bids, asks)
    ]
    spelled = {
        "floor": rules.floor,
        "ceil": rules.ceil,
        "reference": rules.reference,
        "low": list(rules.window_low),
        "high": list(rules.window_high),
        "share": list(rules.share),
    }
    return {"bids": sides[0], "asks": sides[1], "rules": spelled}


def cleared(bids: Any, asks: Any, rules: Any) -> str:
    """Return what Python makes of a book, spelled."""
    found = clear(bids, asks, rules)
    told = [
        found.buy_price,
        found.sell_price,
        [list(one) for one in found.bought],
        [list(one) for one in found.sold],
        [list(one) for one in found.still_in],
        [list(one) for one in found.slices],
        found.surplus,
    ]
    return canonical_json(told).decode()


def test_every_vector_clears_alike(ask: Ask) -> None:
    for vector in VECTORS:
        book = bids_of(vector), asks_of(vector), rules_of(vector)
        assert ask("clear", in_script(*book)) == cleared(*book)


@alike
@given(market=markets())
def test_every_book_clears_alike(ask: Ask, market: Market) -> None:
    book = market.bids, market.asks, market.rules
    assert ask("clear", in_script(*book)) == cleared(*book)


@alike
@given(inputs=rounds(), lane=st.sampled_from(["main/ezkl/small", "main/ezkl/small/c0ffee"]))
def test_every_round_gives_the_same_record(ask: Ask, inputs: RoundInputs, lane: str) -> None:
    outcome = run_round(replace(inputs, lane=lane))

    assert ask("round", outcome.transcript) == outcome.transcript_text


@alike
@given(found=bids, offered=asks, reference=st.none() | st.integers(1, 60), beacon=st.binary(min_size=4, max_size=4))
def test_so_does_every_round_whose_cheap_bids_are_counted(
    ask: Ask, found: Bids, offered: Asks, reference: int | None, beacon: bytes
) -> None:
    supplies = supplies_of(offered)
    named, lone = divided(demands_of(found), min(one.ask_price for one in supplies))
    floor, ceil = price_limits(reference)
    inputs = RoundInputs(
        lane="main/ezkl/small",
        number=1,
        previous=None,
        beacon=beacon,
        reference=reference,
        demands=named,
        supplies=supplies,
        counted=CountedBids.of(lone, floor=floor, ceil=ceil),
    )

    outcome = run_round(inputs)

    assert ask("round", outcome.transcript) == outcome.transcript_text


@alike
@given(inputs=rounds(), data=st.data())
def test_a_record_that_somebody_changed_gives_another_one(ask: Ask, inputs: RoundInputs, data: st.DataObject) -> None:
    record = run_round(inputs).transcript
    name = data.draw(st.sampled_from(["buy_price", "sell_price", "surplus"]))
    record["result"][name] += 1

    assert ask("difference", record) == f'"result.{name}"'


@alike
@given(content=st.binary(max_size=400))
def test_hashes_are_those_that_everybody_knows(ask: Ask, content: bytes) -> None:
    assert json.loads(ask("hash", content.hex())) == [hashlib.sha256(content).hexdigest(), keccak(content).hex()]


@pytest.mark.parametrize("size", [0, 55, 56, 63, 64, 135, 136, 137, 272])
def test_hashes_hold_at_the_edges_of_their_blocks(ask: Ask, size: int) -> None:
    content = bytes(size)
    assert json.loads(ask("hash", content.hex())) == [hashlib.sha256(content).hexdigest(), keccak(content).hex()]


@pytest.mark.parametrize("number", range(1, 13))
def test_a_signature_names_its_key(ask: Ask, number: int) -> None:
    key, message = a_key(number), hashlib.sha256(bytes([number])).digest()
    signature = key.sign(message)

    assert json.loads(ask("signer", [message.hex(), signature])) == key.address.lower()
    assert json.loads(ask("signer", [bytes(32).hex(), signature])) != key.address.lower()


@pytest.mark.parametrize(
    "signature", ["", "0x", "0x" + "00" * 64 + "1b", "0x" + "ff" * 64 + "1b", "0x" + "11" * 64 + "00"]
)
def test_what_is_no_signature_names_nobody(ask: Ask, signature: str) -> None:
    assert ask("signer", ["00", signature]) == "null"


@alike
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-PRICE_MAX, PRICE_MAX) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_", max_size=3), inner, max_size=4),
        max_leaves=12,
    )
)
def test_json_is_read_and_written_as_it_is_hashed(ask: Ask, value: Any) -> None:
    assert ask("same", value) == canonical_json(value).decode()
