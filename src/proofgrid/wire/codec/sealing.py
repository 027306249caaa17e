"""Sealed requests, and whom they can be sealed for."""

from __future__ import annotations

import json

from proofgrid.primitives.digests import Digest, digest_of, digest_of_json
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.rules.jobs.sealing import Certificate, Recipient, SealedFor, SealedJob, SealedRequest, parse_prover
from proofgrid.wire.codec.texts import read_object
from proofgrid.wire.v1 import client_pb2 as client
from proofgrid.wire.v1 import sealing_pb2 as messages


def sealed_texts(message: client.Sealed) -> list[str]:
    """Return the JSON texts of a sealed request."""
    return [message.statement_json, *(job.facts_json for job in message.jobs)]


def read_sealed(message: client.Sealed, *, bytes_max: int) -> SealedRequest:
    """Return a sealed request; `bytes_max`: of all its JSON together. The rules judge it later."""
    if sum(map(len, sealed_texts(message))) > bytes_max:
        raise MalformedMessage(f"statement and facts have more than {bytes_max} bytes together", field="sealed")
    return SealedRequest(
        statement=read_object(message.statement_json, field="sealed.statement"),
        jobs=tuple(
            SealedJob(locked=job.locked, facts=read_object(job.facts_json, field=f"sealed.jobs[{place}].facts"))
            for place, job in enumerate(message.jobs)
        ),
        seals=tuple(
            SealedFor(prover=parse_prover(one.prover, field="sealed.seals"), key_id=one.key_id, sealed=one.sealed)
            for one in message.seals
        ),
        commitment=message.commitment,
        until_ms=message.until_ms,
        inputs=message.inputs,
    )


def write_sealed(sealed: SealedRequest) -> client.Sealed:
    """Return a sealed request's message."""
    return client.Sealed(
        inputs=sealed.inputs,
        statement_json=_text(sealed.statement),
        jobs=[client.SealedJob(locked=job.locked, facts_json=_text(job.facts)) for job in sealed.jobs],
        seals=[client.Seal(prover=one.prover, key_id=one.key_id, sealed=one.sealed) for one in sealed.seals],
        commitment=sealed.commitment,
        until_ms=sealed.until_ms,
    )


def sealed_digest(message: client.Sealed) -> Digest:
    """Return by what the same request is known again: sealed anew, it says the same and looks different."""
    said = [digest_of(text.encode()) for text in sealed_texts(message)]
    return digest_of_json({"sealed": said, "inputs": message.inputs})


def write_recipient(recipient: Recipient) -> messages.Recipient:
    """Return a recipient's message."""
    certificate = recipient.certificate
    return messages.Recipient(
        prover=recipient.prover,
        key=certificate.key,
        until_ms=certificate.until_ms,
        signature=certificate.signature,
    )


def read_recipient(message: messages.Recipient) -> Recipient:
    """Return a recipient as a gateway names it: its certificate is not checked."""
    certificate = Certificate(key=message.key, until_ms=message.until_ms, signature=message.signature)
    return Recipient(prover=parse_prover(message.prover, field="prover"), certificate=certificate)


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
