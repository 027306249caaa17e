"""A thief has an online key of the network, an old one or today's, or the whole database, but not the root key.

Pins down: an online key signs for its purposes only and names no other; what it signed stops counting, for whoever has
the newest list, once it is revoked; records of rounds stay good; a list cannot be forged, cut, replayed or rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proofgrid.primitives.errors import BadBundle, InvalidField
from proofgrid.primitives.signatures import Signer
from proofgrid.proofs.bundles.bundle import read_bundle, verify_bundle, write_bundle
from proofgrid.rules.audit.checkpoint import (
    Checkpoint,
    RewrittenLog,
    audit_key,
    origin_of,
    verified_checkpoint,
    verifier_statement,
)
from proofgrid.rules.identity.key_list import (
    KeyList,
    KeyState,
    Purpose,
    SignedKeyList,
    first_list,
    sign_list,
    with_end,
    with_key,
)
from proofgrid.rules.identity.network_keys import NetworkKeys, Voice
from proofgrid.rules.market.record_file import RecordCheck
from proofgrid.rules.market.rounds import TranscriptMismatch
from tests.makers import a_key
from tests.proofs.bundles.makers import NETWORK as ROOT
from tests.proofs.bundles.makers import Made, a_bundle
from tests.rules.market.records import SMALL, a_record

OLD, NEW, THIEF = a_key(21), a_key(22), a_key(23)
EVERYTHING = list(Purpose)

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


def _named(*keys: Signer, purposes: Sequence[Purpose] = EVERYTHING) -> KeyList:
    named = first_list(ROOT.address)
    for key in keys:
        named = with_key(named, key.address, purposes, now_ms=1_000)
    return named


def _revoked(named: KeyList, key: Signer) -> SignedKeyList:
    return sign_list(with_end(named, key.address, KeyState.REVOKED, now_ms=2_000), ROOT)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return a_bundle(tmp_path_factory.mktemp("made"))


def _sealed(made: Made, folder: Path, signer: Signer, keys: SignedKeyList | None) -> Path:
    path = folder / f"by-{signer.address}"
    write_bundle(path, made.manifest, contents=made.contents, key=Voice(ROOT.address, signer, keys))
    return path


def _verify(path: Path, folder: Path, known: SignedKeyList | None = None) -> None:
    with TemporaryDirectory(dir=folder) as bench:
        verify_bundle(path, expect_network=ROOT.address, known=known, workdir=Path(bench))


def test_bundles_of_the_root_key_and_of_every_online_key_verify_across_rotations(made: Made, tmp_path: Path) -> None:
    first, second = _named(OLD), _named(OLD, NEW)
    today = sign_list(with_end(second, OLD.address, KeyState.RETIRED, now_ms=2_000), ROOT)
    before = made.path  # from the time of one key
    old = _sealed(made, tmp_path, OLD, sign_list(first, ROOT))
    new = _sealed(made, tmp_path, NEW, today)
    for path in (before, old, new):
        _verify(path, tmp_path)
        _verify(path, tmp_path, known=today)
    assert read_bundle(new).sealed.signer == NEW.address
    assert str(read_bundle(new).sealed) == f"by {NEW.address}, a key of {ROOT.address} (list 3)"


def test_what_a_stolen_key_sealed_counts_no_more_for_whoever_has_the_newest_list(made: Made, tmp_path: Path) -> None:
    named = _named(OLD)
    path = _sealed(made, tmp_path, OLD, sign_list(named, ROOT))
    _verify(path, tmp_path)
    with pytest.raises(BadBundle, match="revoked the key"):
        _verify(path, tmp_path, known=_revoked(named, OLD))
    # A list that is older than the one inside says nothing of it, and one of another network never does.
    newer = _sealed(made, tmp_path, NEW, sign_list(_named(OLD, NEW), ROOT))
    _verify(newer, tmp_path, known=sign_list(named, ROOT))
    foreign = sign_list(replace(named, network=THIEF.address, number=9), THIEF)
    _verify(newer, tmp_path, known=foreign)


@pytest.mark.parametrize(
    ("signer", "keys"),
    [
        pytest.param(THIEF, None, id="no list at all"),
        pytest.param(THIEF, sign_list(_named(OLD), ROOT), id="a key that no list names"),
        pytest.param(OLD, sign_list(_named(OLD, purposes=[Purpose.ROUNDS]), ROOT), id="a key for rounds"),
        pytest.param(OLD, _revoked(_named(OLD), OLD), id="a revoked key"),
        pytest.param(
            OLD, sign_list(with_end(_named(OLD), OLD.address, KeyState.RETIRED, now_ms=2_000), ROOT), id="a retired key"
        ),
        pytest.param(THIEF, sign_list(replace(_named(THIEF), network=OLD.address), OLD), id="a list that OLD signed"),
        pytest.param(THIEF, SignedKeyList(_named(THIEF), OLD.sign(b"a list of mine")), id="a list that ROOT did not"),
    ],
)
def test_no_other_key_seals_a_bundle(made: Made, tmp_path: Path, signer: Signer, keys: SignedKeyList | None) -> None:
    path = tmp_path / "forged"
    if keys is None:
        manifest = replace(made.manifest, network=ROOT.address)
        voice = Voice(ROOT.address, signer, None)
        write_bundle(path, manifest, contents=made.contents, key=voice)
    else:
        write_bundle(path, made.manifest, contents=made.contents, key=Voice(ROOT.address, signer, keys))
    with pytest.raises(BadBundle) as refusal:
        _verify(path, tmp_path)
    assert refusal.value.field in ("signature", "network")


# --- rounds ---


def _check(lines: Sequence[bytes], keys: SignedKeyList | None = None) -> None:
    check = RecordCheck(network=ROOT.address, keys=keys)
    for line in lines:
        check.line(line)
    check.finish()


def test_rounds_of_three_keys_make_one_record_and_one_that_was_stolen_does_not_spoil_it() -> None:
    named = with_end(_named(OLD, NEW), OLD.address, KeyState.REVOKED, now_ms=2_000)
    signed = sign_list(named, ROOT)
    lines = a_record(key=ROOT, rounds_by=(ROOT, OLD, NEW), ends=NEW, keys=signed)[SMALL]
    _check(lines)
    _check(lines, keys=signed)


def test_no_record_ends_with_a_key_that_does_not_count() -> None:
    named = _named(OLD, NEW)
    first = sign_list(named, ROOT)
    good = a_record(key=ROOT, rounds_by=(OLD,), ends=OLD, keys=first)[SMALL]
    _check(good)
    with pytest.raises(TranscriptMismatch, match="revoked the key"):
        _check(good, keys=_revoked(named, OLD))
    for ends, keys in (
        (THIEF, first),
        (OLD, _revoked(named, OLD)),
        (OLD, sign_list(_named(OLD, purposes=[Purpose.BUNDLES]), ROOT)),
        (OLD, None),
    ):
        with pytest.raises(TranscriptMismatch):
            _check(a_record(key=ROOT, rounds_by=(ends,), ends=ends, keys=keys)[SMALL])


def test_a_record_of_the_time_of_one_key_reads_as_before() -> None:
    lines = a_record(key=ROOT)[SMALL]
    assert b'"version":1' in lines[0]
    _check(lines)
    _check(lines, keys=_revoked(_named(OLD), OLD))


# --- the audit log ---


def test_a_checkpoint_counts_by_the_root_key_or_by_a_key_for_checkpoints() -> None:
    text = Checkpoint(origin_of(ROOT.address), 1, bytes(32)).text
    for signer, keys, counts in (
        (ROOT, None, True),
        (OLD, sign_list(_named(OLD), ROOT), True),
        (OLD, sign_list(with_end(_named(OLD), OLD.address, KeyState.RETIRED, now_ms=2_000), ROOT), True),
        (OLD, _revoked(_named(OLD), OLD), False),
        (OLD, sign_list(_named(OLD, purposes=[Purpose.BUNDLES]), ROOT), False),
        (OLD, None, False),
        (OLD, sign_list(replace(_named(OLD), network=THIEF.address), THIEF), False),
    ):
        key = audit_key(signer, name=ROOT.address)
        statement = signer.sign(verifier_statement(ROOT.address, key.verifier))
        try:
            verified_checkpoint(key.sign(text), key.verifier, statement, ROOT.address, keys)
        except RewrittenLog:
            assert not counts
        else:
            assert counts


# --- who owns the database, but not the root key ---


def test_a_gateway_goes_by_no_list_that_the_root_key_did_not_sign_and_never_back() -> None:
    keys = NetworkKeys.of(ROOT)
    today = _revoked(_named(OLD), OLD)
    assert keys.hear(today)
    assert not keys.hear(sign_list(_named(OLD), ROOT))  # yesterday's, put back
    with pytest.raises(InvalidField):
        sign_list(_named(THIEF), THIEF)
