"""Sealed requests: seals and locked inputs as provers open them, messages of them, and keys to seal for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from random import Random

from google.protobuf.message import DecodeError, Message

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.hpke import PRIVATE_BYTES, SEALED_BYTES, SECRET_BYTES, SealingKey, check_public
from proofgrid.primitives.ids import prover_id
from proofgrid.rules.jobs.sealing import (
    SealContext,
    certificate_statement,
    check_certificate,
    check_jobs,
    check_sealed,
    commitment_to,
    key_id_of,
    lock_input,
    open_seal,
    request_digest_of,
    unlock_input,
)
from proofgrid.wire.codec.sealing import read_recipient, read_sealed, sealed_digest, write_sealed
from proofgrid.wire.fields import check_message
from proofgrid.wire.v1 import client_pb2, sealing_pb2
from tests.fuzz.likely import CALLER, NETWORK, NOW_MS
from tests.fuzz.mutating import mutated_bytes, mutated_message
from tests.makers import a_key

KEY = SealingKey(bytes(range(PRIVATE_BYTES)))
SECRET = bytes(range(SECRET_BYTES))
PROVER = prover_id(CALLER.address, "alpha")
CONTEXT = SealContext(
    network=NETWORK, client=CALLER.address, request=request_digest_of("one"), program=digest_of(b"program")
)
_KINDS: Sequence[type[Message]] = (client_pb2.Sealed, sealing_pb2.Recipient)


def take_seal(data: bytes) -> None:
    """Take bytes as a key to seal for, as an input that was locked, and as a seal."""
    for take in (_as_key, _as_locked, _as_seal):
        with suppress(ProofgridError):
            take(data)


def _as_key(data: bytes) -> None:
    check_public(data)


def _as_locked(data: bytes) -> None:
    unlock_input(SECRET, data, CONTEXT, slice_index=0, input_index=0)


def _as_seal(data: bytes) -> None:
    open_seal(data, KEY, CONTEXT, prover=PROVER, commitment=commitment_to(SECRET))


def seals() -> list[bytes]:
    """A public key, a locked input, and nothing of the right size; the corpus has a seal that opens."""
    locked = lock_input(SECRET, b'{"integers":[1]}', CONTEXT, slice_index=0, input_index=0)
    return [KEY.public, locked, bytes(SEALED_BYTES), b""]


def take_sealed(data: bytes) -> None:
    """Read a sealed request's message, or a recipient's, whose certificate its operator signs anew."""
    if not data:
        return
    message = _KINDS[data[0] % len(_KINDS)]()
    try:
        message.MergeFromString(data[1:])
    except DecodeError:
        return
    check_message(message)
    if isinstance(message, client_pb2.Sealed):
        _take_request(message)
    if isinstance(message, sealing_pb2.Recipient):
        _take_recipient(message)


def _take_request(message: client_pb2.Sealed) -> None:
    sealed = read_sealed(message, bytes_max=1 << 20)
    sealed_digest(message)
    write_sealed(sealed)
    with suppress(ProofgridError):
        check_sealed(sealed, deadline_ms=0, now_ms=NOW_MS, input_bytes_max=1 << 20)
    check_jobs(sealed, slices=2)


def _take_recipient(message: sealing_pb2.Recipient) -> None:
    one = read_recipient(message)
    for signed in (False, True):
        certificate = one.certificate
        if signed:
            statement = certificate_statement(
                network=NETWORK, prover=one.prover, key=certificate.key, until_ms=certificate.until_ms
            )
            certificate = replace(certificate, signature=a_key(2).sign(statement))
        with suppress(ProofgridError):
            check_certificate(certificate, network=NETWORK, prover=one.prover, now_ms=NOW_MS)


@cache
def sealed_messages() -> list[bytes]:
    """A request of two jobs, and a recipient."""
    request = client_pb2.Sealed(
        inputs=1,
        statement_json='{"format":1,"inputs":[[1]]}',
        jobs=[client_pb2.SealedJob(locked=bytes(20), facts_json='{"output":[1]}') for _ in range(2)],
        seals=[client_pb2.Seal(prover=PROVER, key_id=key_id_of(KEY.public), sealed=bytes(SEALED_BYTES))],
        commitment=commitment_to(SECRET),
        until_ms=NOW_MS + 60_000,
    )
    recipient = sealing_pb2.Recipient(
        prover=PROVER, key=KEY.public, until_ms=NOW_MS + 60_000, signature=a_key(2).sign(b"")
    )
    return [bytes([kind]) + one.SerializeToString() for kind, one in enumerate((request, recipient))]


def mutated_sealed(data: bytes, chance: Random) -> bytes:
    """Change some fields of the message."""
    if not data or chance.randrange(50) == 0:
        return mutated_bytes(data, chance)
    return data[:1] + mutated_message(_KINDS[data[0] % len(_KINDS)], data[1:], chance)
