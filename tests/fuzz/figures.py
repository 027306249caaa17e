"""Numbers and proofs of others that rules reckon with: reserves of quotes, learned sizes, payouts, audit proofs."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import AMOUNT_MAX, PRICE_MAX
from proofgrid.rules.audit.merkle import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root_by_inclusion,
    root_of,
)
from proofgrid.rules.audit.tiles import read_bundle, read_path
from proofgrid.rules.jobs.sizes import (
    MEMORY_MAX,
    Correction,
    ProvenJob,
    Said,
    SizePolicy,
    corrected,
    correction_of,
    measure,
    next_corrections,
)
from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.ledger.payout_tree import PayoutTree, is_in, leaf_of
from proofgrid.rules.ledger.vault_batches import Batch, parse_batch
from proofgrid.rules.market.firm_quote import FirmPolicy, check_hold, firm_terms, promised_ms
from proofgrid.rules.market.reserves import Reserve, ReservedJob, offered_slots, sell_ahead
from tests.makers import a_key

_COUNT_MAX = 1 << 63


def _read(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)][:64] if isinstance(value, list) else []


def _number(row: dict[str, Any], name: str, *, least: int = 0, most: int = _COUNT_MAX - 1) -> int:
    """As the wire lets it through: a whole number within what its field holds."""
    value = row.get(name)
    return min(max(value, least), most) if type(value) is int else least


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


# --- firm quotes ----------------------------------------------------------------------------------


def take_quote(data: bytes) -> None:
    """Sell what provers offer ahead, as their words say it, for a request's jobs; tell the terms."""
    said = _read(data)
    jobs = [_reserved(row, place) for place, row in enumerate(_rows(said.get("jobs")))]
    reserves = [_reserve(row) for row in _rows(said.get("reserves"))]
    reference = _number(said, "reference", least=1, most=PRICE_MAX - 1)
    policy = FirmPolicy()
    with suppress(ProofgridError):
        check_hold(_number(said, "hold_ms"), policy)
    if not jobs:
        return
    offered_slots(jobs, reserves, reference=reference)
    sold = sell_ahead(jobs, reserves, reference=reference, beacon=bytes(32))
    if sold is not None:
        assert len(sold.seats) == len(jobs)
        terms = firm_terms(sold, policy, hold_ms=check_hold(_number(said, "hold_ms"), policy))
        assert 0 <= terms.cost + terms.premium + terms.pledge <= AMOUNT_MAX
        assert terms.within_ms == promised_ms(sold.expected_ms)


def _reserved(row: dict[str, Any], place: int) -> ReservedJob:
    before = row.get("depends_on")
    return ReservedJob(
        lane=_text(row, "lane"),
        units=_number(row, "units", least=1, most=1 << 40),
        memory_bytes=_number(row, "memory_bytes"),
        depends_on=tuple(
            one for one in (before if isinstance(before, list) else ()) if type(one) is int and 0 <= one < place
        ),
    )


def _reserve(row: dict[str, Any]) -> Reserve:
    speed = Speed(
        units=_number(row, "proven"), wall_ms=_number(row, "wall_ms"), samples=_number(row, "samples", most=64)
    )
    return Reserve(
        prover_id=_text(row, "prover_id"),
        operator=_text(row, "operator"),
        price=_number(row, "price", least=1, most=PRICE_MAX - 1),
        slots=_number(row, "slots", most=4_096),
        memory_bytes=_number(row, "memory_bytes"),
        units_min=_number(row, "units_min"),
        units_max=_number(row, "units_max"),
        reputation_bucket=_number(row, "bucket", most=10),
        speeds={_text(row, "lane"): speed},
    )


def quotes() -> list[bytes]:
    """A request that is sold, one with a wrap, and what nobody sells."""
    offers = [
        {"prover_id": f"p{number}", "operator": f"o{number}", "price": 900 + number, "slots": 8, "lane": "l"}
        | {"memory_bytes": 1 << 40, "units_min": 1, "units_max": 1 << 30, "proven": 10, "wall_ms": 9, "samples": 9}
        for number in range(4)
    ]
    jobs = [{"lane": "l", "units": 100, "memory_bytes": 1 << 20}] * 2
    wrap = {"lane": "l", "units": 500, "memory_bytes": 1 << 20, "depends_on": [0, 1]}
    made: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]
    made = [([*jobs], offers), ([*jobs, wrap], offers), ([*jobs], [])]
    common = {"reference": 1_000, "hold_ms": 60_000}
    return [json.dumps({**common, "jobs": asked, "reserves": offered}).encode() for asked, offered in made]


# --- learned sizes --------------------------------------------------------------------------------


def take_sizes(data: bytes) -> None:
    """Learn from verified jobs, whose memory is their provers' word, and correct what comes next."""
    said = _read(data)
    policy = SizePolicy()
    proven = [_proven(row) for row in _rows(said.get("jobs"))]
    before = {
        _text(row, "scope"): Correction(
            number=1,
            scope=_text(row, "scope"),
            units_permille=_number(row, "units", least=policy.least_permille, most=policy.most_permille),
            memory_permille=_number(row, "memory", least=policy.least_memory_permille, most=policy.most_permille),
        )
        for row in _rows(said.get("corrections"))
    }
    for scopes in measure(proven, policy).values():
        for correction, _ in next_corrections(before, scopes, policy, now_ms=policy.every_ms):
            assert policy.least_permille <= correction.units_permille <= policy.most_permille
            assert policy.least_memory_permille <= correction.memory_permille <= policy.most_permille
    for job in proven:
        units, memory_bytes = corrected(job.said, correction_of(job.said, before))
        assert units >= 1
        assert memory_bytes <= MEMORY_MAX


def _proven(row: dict[str, Any]) -> ProvenJob:
    return ProvenJob(
        proof_system=_text(row, "proof_system"),
        engine=_text(row, "engine"),
        said=Said(
            program=_text(row, "program"),
            slice=_number(row, "slice"),
            units=_number(row, "units", least=1),
            memory_bytes=_number(row, "memory_bytes"),
        ),
        operator=_text(row, "operator"),
        prover_id=_text(row, "prover_id"),
        ran_ms=_number(row, "ran_ms"),
        memory_peak_bytes=_number(row, "memory_peak_bytes"),
    )


def size_records() -> list[bytes]:
    """Three operators that proved two sizes of jobs, and a correction in force."""
    jobs = [
        {"proof_system": "toy", "engine": "1", "program": "p", "slice": number % 2, "units": 100 << (number % 2 * 4)}
        | {"memory_bytes": 1 << 20, "operator": f"o{number % 3}", "prover_id": f"o{number % 3}/a"}
        | {"ran_ms": 50 + 900 * (number % 2), "memory_peak_bytes": 3 << 20}
        for number in range(48)
    ]
    return [json.dumps({"jobs": jobs, "corrections": [{"scope": "p/0", "units": 1_100, "memory": 900}]}).encode()]


# --- payouts --------------------------------------------------------------------------------------


def take_payouts(data: bytes) -> None:
    """Make a tree of amounts; what its proofs lead to is in it, and what somebody claims besides is not."""
    said = _read(data)
    amounts = {
        a_key(1 + place).address: amount
        for place, amount in enumerate(said.get("amounts", ()) if isinstance(said.get("amounts"), list) else ())
        if type(amount) is int
    }
    tree = PayoutTree(amounts)
    claimed = [_bytes(one) for one in _texts(said.get("proof"))]
    for account, amount in list(amounts.items())[:4]:
        assert is_in(tree.root, account, amount, tree.proof(account))
        assert not is_in(tree.root, account, amount ^ 1, tree.proof(account))
        if claimed != tree.proof(account):
            is_in(tree.root, account, amount, claimed)
    parses_one_spelling(said)
    leaf_of(Address("0x" + "0" * 40), _number(said, "amount", least=-1, most=1 << 200))


def _texts(value: object) -> list[str]:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    return [one for one in (value if isinstance(value, list) else ()) if isinstance(one, str) and set(one) <= alphabet][
        :64
    ]


def parses_one_spelling(said: dict[str, object]) -> None:
    """What is read as the file of a batch is its one spelling."""
    text = json.dumps(said.get("file"), sort_keys=True, separators=(",", ":"))
    try:
        batch = parse_batch(text)
    except InvalidField:
        return
    assert batch.text == text


def payouts() -> list[bytes]:
    """Of five accounts, of one, of none."""
    proof = [base64.b64encode(bytes(32)).decode().rstrip("=")]
    accounts = {a_key(number).address: number << 70 for number in range(1, 4)}
    batch = Batch(
        chain_id=1,
        vault=a_key(9).address,
        unit=10**9,
        sequence=0,
        deposits_seen=1,
        from_ms=0,
        to_ms=1,
        records=bytes(32),
        payouts=accounts,
        balances=accounts,
    )
    file = {"file": json.loads(batch.text)}
    return [
        json.dumps({"amounts": list(range(count)), "proof": proof, "amount": 7, **file}).encode() for count in (5, 1, 0)
    ]


# --- audit proofs ---------------------------------------------------------------------------------


def take_audit_proof(data: bytes) -> None:
    """Follow proofs of a log as a second party does; only what its own log shows holds."""
    said = _read(data)
    path = read_path(_text(said, "path"))
    if path is not None:
        assert path.path == said["path"]
    read_bundle(_bytes(_text(said, "bundle")))
    leaves = [leaf_hash(bytes([number])) for number in range(_number(said, "size", most=40))]
    root, size, index = root_of(leaves), len(leaves), _number(said, "index", least=-1)
    proof = [_bytes(one) for one in _texts(said.get("proof"))]
    if 0 <= index < size:
        assert root_by_inclusion(leaves[index], index, size, inclusion_proof(leaves, index)) == root
        told = root_by_inclusion(leaf_hash(b"another"), index, size, proof)
        assert told is None or told != root
    old = _number(said, "old_size", least=-1)
    if 0 < old <= size:
        assert is_consistent(old, root_of(leaves[:old]), size, root, consistency_proof(leaves, old))
        assert not is_consistent(old, leaf_hash(b"another"), size, root, proof)
    root_by_inclusion(root, index, _number(said, "claimed_size", least=-1), proof)
    is_consistent(old, root, _number(said, "claimed_size", least=-1), root, proof)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "===")
    except ValueError:
        return text.encode(errors="replace")


def audit_proofs() -> list[bytes]:
    """Proofs in logs of a few sizes."""
    made = []
    for size, index, old in ((1, 0, 1), (7, 3, 4), (8, 7, 6)):
        leaves = [leaf_hash(bytes([number])) for number in range(size)]
        proof = [base64.b64encode(one).decode().rstrip("=") for one in inclusion_proof(leaves, index)]
        made.append(
            {"size": size, "index": index, "old_size": old, "claimed_size": size, "proof": proof}
            | {"path": "tile/entries/x001/234.p/7", "bundle": "AAFhAAFi"}
        )
    return [json.dumps(one).encode() for one in made]
