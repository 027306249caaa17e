"""Sealed requests: who can open what, and what a client says of inputs that nobody between reads (docs/sealed.md).

    prover, in its hello   a key to seal for, signed by its operator's key for a network and a time  (certificate)
    client, at submit      draws a secret; seals it for each prover that may have the jobs           (HPKE, per prover)
                           locks each job's input with a key of its own, derived from the secret     (AES-256-GCM)
                           says statement and facts, which the gateway cannot compute
    gateway                keeps all of it, reads none; with a lease the winner gets its seal and the locked input
    prover                 opens, and looks whether the secret is the one that all others got: `commitment_to`

The seal names network, client, request, program and prover, a job's key its slice and input besides. So nobody can
have an input proven by another program, which might show it, or hand it to a prover that was not named.
Task, job and fence are given later, by the gateway: client and request stand for the task, slice and input for the job;
a fence changes with every lease, and a new lease of the same job is to open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.hpke import (
    SEALED_BYTES,
    SECRET_BYTES,
    TAG_BYTES,
    SealingKey,
    check_public,
    derived,
    lock_once,
    seal,
    unlock_once,
)
from proofgrid.primitives.ids import Address, ProverId, prover_id
from proofgrid.primitives.sealing_errors import CannotSeal, SealBroken
from proofgrid.primitives.signatures import parse_address, signer_of

HOUR_MS = 3_600_000
KEY_LIVES_MS = 48 * HOUR_MS  #: then its prover forgets it, and nobody can open what was sealed for it
KEY_IS_NEW_MS = 24 * HOUR_MS  #: then its prover makes another one: a request may always have a day
PROVERS_MAX = 64  #: that a request is sealed for
SEALED_JOBS_MAX = 65_536  #: of one request: 1024 inputs of 64 slices

_COMMITMENT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A key to seal for, and its operator's word that it is this prover's."""

    key: bytes
    until_ms: int  #: when the prover forgets it, since the epoch
    signature: str  #: by the operator's key, over `certificate_statement`


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A prover that a request can be sealed for."""

    prover: ProverId
    certificate: Certificate

    @property
    def operator(self) -> str:
        return self.prover.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFor:
    """A request's secret, sealed for one prover."""

    prover: ProverId
    key_id: str  #: of the key that it was sealed for
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedJob:
    """One job of a sealed request."""

    locked: bytes  #: its input
    facts: Mapping[str, Json]  #: what its client says of the right proof


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRequest:
    """What a client hands in instead of inputs."""

    statement: Mapping[str, Json]
    jobs: tuple[SealedJob, ...]  #: input by input, each by slices
    seals: tuple[SealedFor, ...]
    commitment: str  #: to the secret
    until_ms: int  #: when the first of the keys is forgotten
    inputs: int

    @property
    def provers(self) -> frozenset[ProverId]:
        return frozenset(one.prover for one in self.seals)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContext:
    """What a seal is for; who opens it knows all of it."""

    network: str
    client: str
    request: Digest  #: of the idempotency key: with the client it stands for the task
    program: Digest

    def of_prover(self, prover: str) -> bytes:
        """Return what a prover's seal is bound to."""
        return canonical_json({**self._said("proofgrid sealed request"), "prover": prover})

    def of_job(self, slice_index: int, input_index: int) -> bytes:
        """Return what a job's key is bound to."""
        return canonical_json({**self._said("proofgrid sealed input"), "slice": slice_index, "input": input_index})

    def _said(self, what: str) -> dict[str, Json]:
        return {
            "for": what,
            "version": 1,
            "network": self.network,
            "client": self.client,
            "request": self.request,
            "program": self.program,
        }


def request_digest_of(idempotency_key: str) -> Digest:
    """Return what stands for a request in its seals."""
    return digest_of(idempotency_key.encode())


def key_id_of(public: bytes) -> str:
    """Return the name of a key to seal for."""
    return digest_of(public)


def commitment_to(secret: bytes) -> str:
    """Return what shows each prover that all got the same secret, and tells nothing of it.

    Without it a client could give one prover another secret than the others, and so another input, and have it blamed.
    """
    return digest_of(b"proofgrid sealed secret\x00" + secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSeal:
    """What a prover needs to open its lease's input, and to look at its proof before it hands it in."""

    client: str
    request: Digest
    key_id: str  #: empty: it was not sealed for this prover
    sealed: bytes
    commitment: str
    input_index: int
    facts_json: str  #: what the client says of the right proof


# --- certificates --------------------------------------------------------------------------------


def certificate_statement(*, network: str, prover: str, key: bytes, until_ms: int) -> bytes:
    """Return what an operator signs: nobody shows it in another network, or for another prover."""
    said = {"for": "proofgrid sealing key", "network": network, "prover": prover}
    return canonical_json({**said, "key": key_id_of(key), "until_ms": until_ms})


def check_certificate(certificate: Certificate, *, network: str, prover: ProverId, now_ms: int) -> None:
    """Raise InvalidField unless the prover's operator vouches for the key, here and now."""
    check_public(certificate.key)
    if not now_ms < certificate.until_ms <= now_ms + KEY_LIVES_MS + HOUR_MS:  # clocks differ
        raise InvalidField(
            "a key to seal for is good for 48 hours at most", field="sealing_until_ms", hint="is your clock right?"
        )
    statement = certificate_statement(
        network=network, prover=prover, key=certificate.key, until_ms=certificate.until_ms
    )
    if signer_of(statement, certificate.signature) != prover.partition("/")[0]:
        raise InvalidField("the key is not signed by the prover's operator", field="sealing_signature")


# --- the client's side ---------------------------------------------------------------------------


def seal_for(secret: bytes, recipients: Sequence[Recipient], context: SealContext) -> tuple[SealedFor, ...]:
    """Seal a request's secret for provers whose certificates were checked."""
    return tuple(
        SealedFor(
            prover=one.prover,
            key_id=key_id_of(one.certificate.key),
            sealed=seal(secret, one.certificate.key, info=context.of_prover(one.prover)),
        )
        for one in recipients
    )


def lock_input(secret: bytes, content: bytes, context: SealContext, *, slice_index: int, input_index: int) -> bytes:
    """Lock the input of one job."""
    return lock_once(derived(secret, context.of_job(slice_index, input_index)), content)


# --- the prover's side ---------------------------------------------------------------------------


def open_seal(sealed: bytes, key: SealingKey, context: SealContext, *, prover: str, commitment: str) -> bytes:
    """Return a request's secret; raise SealBroken when it was sealed for something else, or is not everybody's."""
    secret = key.open(sealed, info=context.of_prover(prover))
    if len(secret) != SECRET_BYTES or commitment_to(secret) != commitment:
        raise SealBroken("the secret is not the one that all provers of the request were to get")
    return secret


def unlock_input(secret: bytes, locked: bytes, context: SealContext, *, slice_index: int, input_index: int) -> bytes:
    """Return the input of one job; raise SealBroken when it was locked otherwise."""
    return unlock_once(derived(secret, context.of_job(slice_index, input_index)), locked)


# --- the gateway's side --------------------------------------------------------------------------


def check_sealed(sealed: SealedRequest, *, deadline_ms: int, now_ms: int, input_bytes_max: int) -> None:
    """Raise InvalidField for what cannot be a sealed request, whatever its program; CannotSeal for a far deadline."""
    if not sealed.inputs:
        raise InvalidField("at least one input", field="sealed.inputs")
    if not 1 <= len(sealed.seals) <= PROVERS_MAX:
        raise InvalidField(f"sealed for 1 to {PROVERS_MAX} provers", field="sealed.seals")
    if len(sealed.provers) != len(sealed.seals):
        raise InvalidField("each prover once", field="sealed.seals")
    for one in sealed.seals:
        if len(one.sealed) != SEALED_BYTES:
            raise InvalidField(f"a seal has {SEALED_BYTES} bytes", field="sealed.seals")
        if not _COMMITMENT.fullmatch(one.key_id):
            raise InvalidField("a key is named by 64 hex digits", field="sealed.seals")
    if not _COMMITMENT.fullmatch(sealed.commitment):
        raise InvalidField("a commitment is 64 hex digits", field="sealed.commitment")
    if any(len(job.locked) <= TAG_BYTES for job in sealed.jobs):
        raise InvalidField("a job without an input", field="sealed.jobs")
    if sum(len(job.locked) for job in sealed.jobs) > input_bytes_max:
        raise InvalidField(f"the inputs have more than {input_bytes_max} bytes together", field="sealed.jobs")
    if sealed.until_ms <= now_ms:
        raise InvalidField("a key that it is sealed for is forgotten by now", field="sealed", hint="seal it anew")
    if deadline_ms > sealed.until_ms:
        raise CannotSeal(
            "the deadline lies beyond the life of a key that it is sealed for",
            field="deadline_ms",
            hint="a sealed request has a day at most",
        )


def check_jobs(sealed: SealedRequest, *, slices: int) -> None:
    """Raise InvalidField unless there is a job for each slice of each input."""
    if len(sealed.jobs) != sealed.inputs * slices:
        raise InvalidField(f"{sealed.inputs} inputs of {slices} slices are other jobs", field="sealed.jobs")


def parse_prover(text: str, *, field: str) -> ProverId:
    """Return a prover's id; raise InvalidField for what is none."""
    operator, slash, name = text.partition("/")
    if not slash:
        raise InvalidField("a prover is OPERATOR/NAME", field=field)
    return prover_id(Address(parse_address(operator, field=field)), name)
