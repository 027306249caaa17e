"""The keys of a prover's folder: new every day, forgotten after two; and what opens with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidInput, JobCrashed
from proofgrid.primitives.ids import JobId, LeaseId, prover_id
from proofgrid.primitives.sealing_errors import SealBroken
from proofgrid.roles.prover.opening import Opener, told_of
from proofgrid.roles.prover.sealing_keys import FOLDER, SealingKeys
from proofgrid.rules.jobs.offers import HeldLease, LeaseOffer
from proofgrid.rules.jobs.sealing import (
    KEY_IS_NEW_MS,
    KEY_LIVES_MS,
    Certificate,
    LeaseSeal,
    Recipient,
    SealContext,
    check_certificate,
    commitment_to,
    key_id_of,
    lock_input,
    seal_for,
)
from tests.makers import a_key

OPERATOR, NETWORK, CLIENT = a_key(1), a_key(2).address, a_key(3).address
PROVER = prover_id(OPERATOR.address, "p")
SECRET = bytes(range(32))


def newest(keys: SealingKeys) -> Certificate:
    return keys.certificate(OPERATOR, network=NETWORK, name="p")


def test_a_key_is_kept_for_a_day_then_there_is_a_new_one_and_both_open(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = SealingKeys.of_folder(tmp_path, clock)
    first = newest(keys)
    check_certificate(first, network=NETWORK, prover=PROVER, now_ms=clock.now_ms())
    clock.advance(KEY_IS_NEW_MS)
    assert not keys.is_due
    assert newest(SealingKeys.of_folder(tmp_path, clock)).key == first.key  # after a restart
    clock.advance(1)
    assert keys.is_due
    second = newest(keys)

    assert second.key != first.key
    assert not keys.is_due
    assert all(keys.find(key_id_of(one.key)) for one in (first, second))


def test_a_key_is_forgotten_after_two_days_with_its_file(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = SealingKeys.of_folder(tmp_path, clock)
    first = newest(keys)
    (path,) = (tmp_path / FOLDER).iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    clock.advance(KEY_LIVES_MS)
    assert keys.find(key_id_of(first.key)) is None
    assert not path.exists()


def test_a_key_that_was_torn_is_made_anew(tmp_path: Path) -> None:
    keys = SealingKeys.of_folder(tmp_path, ManualClock())
    newest(keys)
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_bytes(b"half")
    assert keys.is_due
    assert keys.find(key_id_of(newest(keys).key))


class _Sealed:
    """A lease with a sealed input, and the opener of its prover."""

    def __init__(self, folder: Path) -> None:
        keys = SealingKeys.of_folder(folder, ManualClock())
        certificate = newest(keys)
        context = SealContext(network=NETWORK, client=CLIENT, request=digest_of(b"k"), program=digest_of(b"program"))
        (own,) = seal_for(SECRET, [Recipient(prover=PROVER, certificate=certificate)], context)
        self.locked = lock_input(SECRET, b"input", context, slice_index=1, input_index=2)
        self.opener = Opener(keys, PROVER)
        self.seal = LeaseSeal(
            client=CLIENT,
            request=context.request,
            key_id=own.key_id,
            sealed=own.sealed,
            commitment=commitment_to(SECRET),
            input_index=2,
            facts_json="{}",
        )
        self.lease = LeaseOffer(
            held=HeldLease(lease_id=LeaseId(UUID(int=1)), fence=1),
            job_id=JobId(UUID(int=1)),
            program_digest=context.program,
            slice_index=1,
            input_digest=digest_of(self.locked),
            small_input=self.locked,
            units=1,
            memory_bytes=1,
            price=1,
            timeout_ms=1,
            seal=self.seal,
        )


def test_a_lease_opens_for_what_it_was_sealed_for_and_nothing_else(tmp_path: Path) -> None:
    it = _Sealed(tmp_path)
    assert it.opener.open(it.lease, it.seal, it.locked, network=NETWORK) == b"input"
    wrong = [
        (replace(it.lease, program_digest=digest_of(b"one that shows its inputs")), it.seal),
        (replace(it.lease, slice_index=0), it.seal),
        (it.lease, replace(it.seal, input_index=0)),
        (it.lease, replace(it.seal, client=NETWORK)),
        (it.lease, replace(it.seal, request=digest_of(b"another"))),
        (it.lease, replace(it.seal, commitment=commitment_to(bytes(32)))),
        (it.lease, replace(it.seal, key_id="0" * 64)),
        (it.lease, replace(it.seal, key_id="", sealed=b"")),
    ]
    for lease, seal in wrong:
        with pytest.raises(SealBroken):
            it.opener.open(lease, seal, it.locked, network=NETWORK)
    with pytest.raises(SealBroken):
        it.opener.open(it.lease, it.seal, it.locked, network=CLIENT)
    with pytest.raises(SealBroken):
        Opener(it.opener.keys, prover_id(OPERATOR.address, "q")).open(it.lease, it.seal, it.locked, network=NETWORK)


def test_nothing_that_an_engine_said_of_a_sealed_job_is_told(tmp_path: Path) -> None:
    lease = _Sealed(tmp_path).lease
    crash = JobCrashed("exit code 7; its last words: the secret is 42")
    assert "42" not in told_of(crash, lease)
    assert "42" in told_of(crash, replace(lease, seal=None))
    assert "field" in told_of(InvalidInput("rule", field="field"), lease)
