"""What a signing process signs, and what it refuses: other purposes, other forms, keys of others, garbage."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.bootstrap.signing.frames import ADDRESS_BYTES, SAID, Ask
from proofgrid.bootstrap.signing.process import Results
from proofgrid.bootstrap.signing.signers import KeptKey, KeysToOpen, open_keys
from proofgrid.bootstrap.signing.statements import (
    FORMS,
    OF_GATEWAYS,
    OF_PROVERS,
    STATEMENT_BYTES_MAX,
    NotSigned,
    Said,
    purpose_of_message,
)
from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.certificates import certified_by, new_request, request_statement
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address, prover_id
from proofgrid.primitives.notes import opened_note
from proofgrid.primitives.signatures import Signer, signer_of
from proofgrid.proofs.bundles.evidence import seal_record
from proofgrid.rules.access.tokens import Purpose as CallPurpose
from proofgrid.rules.audit.checkpoint import Checkpoint, audit_key, origin_of, verifier_statement
from proofgrid.rules.identity.key_list import KeyState, Purpose, first_list, sign_list, with_end, with_key
from proofgrid.rules.jobs.sealing import certificate_statement
from proofgrid.rules.market.record_file import RecordHeader, trailer_line
from proofgrid.rules.market.rounds import RoundInputs, run_round
from proofgrid.rules.staking.results import ResultClaim, sign_result
from proofgrid.sdk.keys import write_key
from proofgrid.sdk.signing import CONNECT_PATH
from proofgrid.sdk.tokens import make_token
from tests.bootstrap.desks import DeskHere, a_desk
from tests.makers import NOW_MS, a_key

ROOT, OTHER = a_key(2), a_key(3)
NETWORK = ROOT.address
CLAIM = ResultClaim(
    network=NETWORK, lease_id="l", fence=1, job_id="j", program="0" * 64, slice=0, proof="1" * 64, public="2" * 64
)
NEW_LANE = RoundInputs(lane="toy", number=1, previous=None, beacon=b"b" * 32, reference=1, demands=[], supplies=[])
ROUND = run_round(NEW_LANE).transcript_text.encode()
GRANT_PATH, SUBMIT_PATH = "/proofgrid.v1.AdminService/Grant", "/proofgrid.v1.ClientService/Submit"
WITHDRAW_PATH = "/proofgrid.v1.BondService/Withdraw"


def opened(folder: Path, purposes: frozenset[Said]) -> tuple[DeskHere, KeptKey]:
    write_key(ROOT, folder / "a.key")
    desk = a_desk(purposes)
    (key,) = open_keys(desk, KeysToOpen(key=folder / "a.key"))
    return desk, key


@pytest.fixture
def gateways(tmp_path: Path) -> KeptKey:
    """The root key, in a gateway's signing process."""
    return opened(tmp_path, OF_GATEWAYS)[1]


@pytest.fixture
def provers(tmp_path: Path) -> KeptKey:
    """The same key as an operator's, in a prover's."""
    return opened(tmp_path, OF_PROVERS)[1]


def a_token(key: Signer, path: str) -> str:
    purpose = CallPurpose(method=path, body=digest_of(b""), gateway="gateway.example")
    return make_token(key, network=NETWORK, purpose=purpose, now_ms=NOW_MS)


def test_what_a_gateway_signs_is_signed_as_by_the_key_itself(gateways: KeptKey) -> None:
    assert gateways.sign_hash_of(ROUND) == ROOT.sign(bytes.fromhex(digest_of(ROUND)))
    header = RecordHeader(network=NETWORK, lane="toy", first=1, last=2, rounds=2)
    assert trailer_line(header, digest_of(b"last"), gateways) == trailer_line(header, digest_of(b"last"), ROOT)
    listed = sign_list(with_key(first_list(NETWORK), OTHER.address, Purpose, now_ms=1), ROOT)
    header = RecordHeader(network=NETWORK, lane="toy", first=1, last=2, rounds=2, keys=listed)
    assert trailer_line(header, digest_of(b"last"), gateways) == trailer_line(header, digest_of(b"last"), ROOT)
    bundle = f"proofgrid bundle 1 {digest_of(b'manifest')}".encode()
    assert gateways.sign(bundle) == ROOT.sign(bundle)
    for number in (1, 2):
        record = canonical_json({"format": f"proofgrid evidence {number}"})
        assert seal_record(record, gateways) == seal_record(record, ROOT)
    statement = verifier_statement(NETWORK, audit_key(ROOT).verifier)
    assert gateways.sign(statement) == ROOT.sign(statement)


def test_what_a_prover_signs_is_signed_as_by_the_key_itself(provers: KeptKey) -> None:
    assert sign_result(CLAIM, provers) == sign_result(CLAIM, ROOT)
    signed, _, signature = a_token(provers, CONNECT_PATH).rpartition(".")
    assert signer_of(signed.encode(), signature) == NETWORK
    request = request_statement(NETWORK, new_request()[1])
    sealing = certificate_statement(
        network=NETWORK, prover=prover_id(NETWORK, "rack-7"), key=b"k" * 32, until_ms=NOW_MS
    )
    for statement in (request, sealing):
        assert provers.sign(statement) == ROOT.sign(statement)


def test_what_follows_from_the_secret_is_made_where_it_is(gateways: KeptKey) -> None:
    notes = gateways.audit_key(NETWORK)
    assert (notes.name, notes.verifier) == (origin_of(NETWORK), audit_key(ROOT).verifier)
    text = Checkpoint(notes.name, 42, b"r" * 32).text
    assert opened_note(notes.sign(text), audit_key(ROOT).verifier) == text
    authority = gateways.authority(NETWORK)
    certificate, ends_ms = authority.certify(new_request()[1], OTHER.address, serial=1 << 126, now_ms=NOW_MS)
    found = certified_by([authority], certificate, now_ms=NOW_MS)
    assert found is not None
    assert (found.operator, found.ends_ms) == (OTHER.address, ends_ms)
    assert len(gateways.development_secret("kzg-bn254")) == 64


REFUSED_TO_GATEWAYS: dict[str, Callable[[KeptKey], object]] = {
    "the next list of keys": lambda key: sign_list(
        with_key(first_list(NETWORK), OTHER.address, Purpose, now_ms=1), key
    ),
    "a revocation": lambda key: sign_list(
        with_end(
            with_key(first_list(NETWORK), OTHER.address, Purpose, now_ms=1), OTHER.address, KeyState.REVOKED, now_ms=2
        ),
        key,
    ),
    "an administrator's call": lambda key: a_token(key, GRANT_PATH),
    "a client's call": lambda key: a_token(key, SUBMIT_PATH),
    "a prover's call": lambda key: a_token(key, CONNECT_PATH),
    "an operator's result": lambda key: sign_result(CLAIM, key),
    "a chain's digest": lambda key: key.sign(b"\x11" * 32),
    "a transaction's hash as a document": lambda key: key.sign_hash_of(b"\xf8\x6b" + b"\x11" * 100),
    "a list of keys as a document": lambda key: key.sign_hash_of(first_list(NETWORK).spelled),
    "a sentence": lambda key: key.sign(b"I owe you everything"),
    "nothing": lambda key: key.sign(b""),
    "a bundle with more behind": lambda key: key.sign(f"proofgrid bundle 1 {digest_of(b'')}\n".encode()),
    "a round that is cut": lambda key: key.sign_hash_of(ROUND[:-1]),
    "a record's end in another spelling": lambda key: key.sign_hash_of(
        json.dumps({"format": "proofgrid/rounds", "last_hash": "", "network": NETWORK}).encode()
    ),
    "the log of another network": lambda key: key.audit_key(NETWORK).sign(Checkpoint("elsewhere", 1, b"r" * 32).text),
    "no checkpoint": lambda key: key.audit_key(NETWORK).sign("anything\n"),
    "a certificate for ever": lambda key: key.authority(NETWORK).certify(
        new_request()[1], OTHER.address, serial=1, now_ms=NOW_MS, lifetime_ms=10**12
    ),
    "a root with a strange name": lambda key: key.development_secret("kzg bn254\n"),
}


@pytest.mark.parametrize("what", REFUSED_TO_GATEWAYS)
def test_a_gateway_gets_no_signature_under(gateways: KeptKey, what: str) -> None:
    with pytest.raises(NotSigned):
        REFUSED_TO_GATEWAYS[what](gateways)


@pytest.mark.parametrize("path", [GRANT_PATH, SUBMIT_PATH, WITHDRAW_PATH, "POST /v1/tasks"])
def test_a_prover_gets_no_token_of_its_operators_other_calls(provers: KeptKey, path: str) -> None:
    with pytest.raises(NotSigned):
        a_token(provers, path)


def test_a_prover_gets_nothing_of_a_network(provers: KeptKey) -> None:
    for message in (f"proofgrid bundle 1 {digest_of(b'')}", f"proofgrid keys 1 {digest_of(b'')}", "pg2.e30", "pg2."):
        with pytest.raises(NotSigned):
            provers.sign(message.encode())
    with pytest.raises(NotSigned):
        provers.sign_hash_of(ROUND)
    for kind in (Ask.NOTE, Ask.CERTIFY, Ask.ROOT):
        with pytest.raises(NotSigned, match="nothing follows"):
            provers.ask(kind, b"kzg-bn254")


def test_a_prover_stands_for_one_result_of_a_lease_whatever_a_gateway_sells_it(provers: KeptKey) -> None:
    sign_result(CLAIM, provers)
    other_proof = replace(CLAIM, proof="3" * 64)
    assert sign_result(other_proof, provers) == sign_result(other_proof, ROOT)
    for change in ({"public": "4" * 64}, {"job_id": "k"}, {"program": "5" * 64}, {"slice": 1}):
        with pytest.raises(NotSigned, match="another was signed for this lease"):
            sign_result(replace(CLAIM, **change), provers)
    for elsewhere in ({"lease_id": "m"}, {"fence": 2}, {"network": OTHER.address}):
        sign_result(replace(CLAIM, public="4" * 64, **elsewhere), provers)


def test_the_oldest_results_are_forgotten_first() -> None:
    results = Results(kept_max=2)
    for lease in ("l", "m", "l", "n"):
        results.stand_for(replace(CLAIM, lease_id=lease))
    with pytest.raises(NotSigned):
        results.stand_for(replace(CLAIM, slice=9))
    results.stand_for(replace(CLAIM, lease_id="m", slice=9))


def test_what_is_no_question_is_refused_and_the_next_one_answered(tmp_path: Path) -> None:
    desk, key = opened(tmp_path, OF_GATEWAYS)
    name = bytes.fromhex(NETWORK[2:])
    too_much = bytes([SAID.index(Said.BUNDLE)]) + b"0" * (STATEMENT_BYTES_MAX + 1)
    garbage = [
        b"",
        name,
        name + b"\xff",
        b"\0" * ADDRESS_BYTES + b"\x02" + b"0" * 64,
        name + too_much,
        name + b"\x02\xff",
    ]
    for content in garbage:
        for kind in (Ask.SIGN, Ask.NOTE, Ask.CERTIFY, Ask.ROOT):
            with pytest.raises(NotSigned):
                desk.ask(kind, content)
    for unknown in (0, 7, 255):
        with pytest.raises(NotSigned):
            desk.desk.answer(unknown, b"")
    with pytest.raises(NotSigned, match="no such question now"):
        open_keys(desk, KeysToOpen(key=tmp_path / "a.key"))
    bundle = f"proofgrid bundle 1 {digest_of(b'manifest')}".encode()
    assert key.sign(bundle) == ROOT.sign(bundle)
    assert desk.desk.counts == {Said.BUNDLE: 1}


def test_no_keys_are_read_twice_and_none_before_they_are_asked_for(tmp_path: Path) -> None:
    desk = a_desk()
    with pytest.raises(NotSigned, match="no such question now"):
        desk.ask(Ask.SIGN, b"\0" * 40)
    with pytest.raises(InvalidField, match="there is no key file") as refusal:
        open_keys(desk, KeysToOpen(key=tmp_path / "missing.key"))
    assert refusal.value.field == "key"
    assert refusal.value.hint == "make one: proofgrid keys new"


def test_no_purpose_has_a_message_of_another() -> None:
    beginnings = [form.beginning for form in FORMS.values() if not form.is_hashed]
    assert all(len(one) > 3 for one in beginnings)
    assert not any(one.startswith(other) for one in beginnings for other in beginnings if one is not other)
    assert OF_GATEWAYS.isdisjoint(OF_PROVERS)
    assert set(Said) == OF_GATEWAYS | OF_PROVERS
    with pytest.raises(NotSigned):
        purpose_of_message(b"proofgrid keys 1 ")


def test_its_repr_is_an_address(gateways: KeptKey) -> None:
    assert repr(gateways) == f"KeptKey({NETWORK})"
    assert gateways.address == Address(NETWORK)
