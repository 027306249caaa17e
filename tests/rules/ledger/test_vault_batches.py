"""A batch's file has one spelling, its trees prove every leaf, and its amounts are the ledger's to the last unit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT, TREASURY
from proofgrid.rules.ledger.payout_tree import is_in
from proofgrid.rules.ledger.payouts import in_ledger, on_chain
from proofgrid.rules.ledger.vault_batches import (
    Batch,
    Standing,
    digest_of_records,
    is_due,
    is_silent,
    missing,
    parse_batch,
    split,
)
from tests.makers import a_key

UNIT = 10**9
A, B = a_key(1).address, a_key(2).address


def a_batch(**changes: object) -> Batch:
    facts: dict[str, object] = {
        "chain_id": 1,
        "vault": a_key(3).address,
        "unit": UNIT,
        "sequence": 4,
        "deposits_seen": 2,
        "from_ms": 5,
        "to_ms": 9,
        "records": bytes(31) + b"\x01",
        "payouts": {A: 30 * UNIT},
        "balances": {B: 7 * UNIT, A: 2**62 * UNIT},
    }
    return Batch(**{**facts, **changes})  # type: ignore[arg-type]


def test_a_file_says_a_batch_and_nothing_else() -> None:
    batch = a_batch()
    read = parse_batch(batch.text)
    assert read == batch
    assert (read.paid.root, read.owed.root) == (batch.paid.root, batch.owed.root)
    assert is_in(read.owed.root, A, 2**62 * UNIT, read.owed.proof(A))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "proofgrid vault batch 2"},
        {"unit": 0},
        {"unit": True},
        {"sequence": -1},
        {"records": "0x00"},
        {"payouts": [[A, "1"], [A, "1"]]},
        {"payouts": [[A, 1]]},
        {"payouts": [[A, "01"]]},
        {"payouts": [[A.lower(), "1"]]},
        {"payouts": {A: "1"}},
        {"payouts": [[A, str(2**128)]]},
        {"vault": 7},
        {"more": 1},
    ],
)
def test_what_is_spelled_otherwise_is_refused(change: dict[str, object]) -> None:
    said = {**json.loads(a_batch().text), **change}
    with pytest.raises(InvalidField):
        parse_batch(json.dumps(said, sort_keys=True, separators=(",", ":")))


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, a_batch().text.replace(",", ", ", 1)])
def test_what_is_no_batch_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        parse_batch(text)


amounts = st.integers(0, 2**40)


@given(st.lists(st.tuples(amounts, amounts, amounts), min_size=3, max_size=3), amounts)
def test_every_unit_is_somebodys_or_the_treasurys(rows: list[tuple[int, int, int]], treasury: int) -> None:
    people = [a_key(number).address for number in range(1, 4)]
    standings = [
        Standing(owner=who, owed=owed, payable=payable, claimed=claimed)
        for who, (owed, payable, claimed) in zip(people, rows, strict=True)
    ]
    network = [Standing(owner=one, owed=treasury, payable=0, claimed=0) for one in (TREASURY, NETWORK_CLIENT)]
    payouts, balances = split([*standings, *network], UNIT)
    held = sum(owed + payable for owed, payable, _ in rows)
    claimed = sum(claimed for _, _, claimed in rows)
    assert sum(payouts.values()) - claimed * UNIT + sum(balances.values()) == held * UNIT
    assert not {Address(TREASURY), NETWORK_CLIENT} & {*payouts, *balances}


def test_units_are_exact_or_refused() -> None:
    assert in_ledger(3 * UNIT, UNIT) == 3
    assert on_chain(3, UNIT) == 3 * UNIT
    for amount in (UNIT + 1, -UNIT):
        with pytest.raises(InvalidField):
            in_ledger(amount, UNIT)


def test_a_missing_unit_is_seen() -> None:
    assert missing(tokens=7 * UNIT, held=7, unit=UNIT) == 0
    assert missing(tokens=8 * UNIT, held=7, unit=UNIT) == 0
    assert missing(tokens=7 * UNIT - 1, held=7, unit=UNIT) == 1


def test_a_batch_is_due_by_its_age_or_before_the_vault_freezes() -> None:
    assert not is_silent(blocks=49, silence_blocks=100)
    assert is_silent(blocks=50, silence_blocks=100)
    assert not is_due(age_ms=9, every_ms=10, is_silent=False)
    assert is_due(age_ms=10, every_ms=10, is_silent=False)
    assert is_due(age_ms=0, every_ms=10, is_silent=True)


def test_records_have_one_digest_in_whatever_order_they_come() -> None:
    rounds = [("b", 1, "x"), ("a", 10, "y"), ("a", 2, "z")]
    assert digest_of_records(rounds) == digest_of_records(reversed(rounds))
    assert digest_of_records(rounds) != digest_of_records(rounds[:2])
    assert digest_of_records([]) == bytes(32)
