"""Requests for proofs and for quotes of them, and what they demand of provers."""

from __future__ import annotations

from dataclasses import replace

from proofgrid.primitives.digests import Digest, digest_of, parse_digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import parse_uuid
from proofgrid.rules.jobs.constraints import Constraints, parse_constraints
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.rules.jobs.request import ProofRequest, answers_digest
from proofgrid.rules.jobs.tags import parse_tags
from proofgrid.wire.codec.sealing import read_sealed, sealed_digest
from proofgrid.wire.codec.texts import read_list
from proofgrid.wire.v1 import client_pb2 as client
from proofgrid.wire.v1 import quotes_pb2 as quotes


def read_submit(message: client.SubmitRequest, *, bytes_max: int) -> ProofRequest:
    """Return the proof request of a message; the rules judge it later."""
    if message.HasField("sealed"):
        if message.inputs_json:
            raise InvalidField("inputs are sealed, or they are not", field="inputs_json", hint="give one of the two")
        sealed = read_sealed(message.sealed, bytes_max=bytes_max)
        request = _read_terms(message, inputs_digest=sealed_digest(message.sealed))
        return replace(request, sealed=sealed, constraints=replace(request.constraints, provers=sealed.provers))
    inputs = read_list(message.inputs_json, field="inputs", bytes_max=bytes_max)
    inputs_digest = answers_digest(digest_of(message.inputs_json.encode()), aggregate=message.aggregate)
    return replace(_read_terms(message, inputs_digest=inputs_digest), inputs=tuple(inputs))


def _read_terms(message: client.SubmitRequest, *, inputs_digest: Digest) -> ProofRequest:
    return ProofRequest(
        program_digest=parse_digest(message.program_digest, field="program_digest"),
        inputs=(),
        inputs_digest=inputs_digest,
        limit_price=message.limit_price,
        budget=message.budget,
        deadline_ms=message.deadline_ms,
        idempotency_key=message.idempotency_key,
        allow_cached=message.allow_cached,
        hedging=message.hedging,
        aggregate=message.aggregate,
        ladder=_read_ladder(message.ladder) if message.HasField("ladder") else None,
        constraints=read_constraints(message.constraints),
        subnetwork=message.subnetwork,
        tags=parse_tags(message.tags),
        quote_id=str(parse_uuid(message.quote_id, field="quote_id")) if message.quote_id else "",
    )


def read_quote_request(message: quotes.QuoteRequest, *, bytes_max: int) -> ProofRequest:
    """Return a request that is priced only: its own terms do not matter."""
    return read_submit(
        client.SubmitRequest(
            program_digest=message.program_digest,
            inputs_json=message.inputs_json,
            limit_price=1,
            idempotency_key="quote",
            constraints=message.constraints if message.HasField("constraints") else None,
            subnetwork=message.subnetwork,
            aggregate=message.aggregate,
        ),
        bytes_max=bytes_max,
    )


def _read_ladder(message: client.Ladder) -> Ladder:
    return Ladder(permille=message.permille, every_ms=message.every_ms, price_max=message.price_max)


def read_constraints(message: client.Constraints) -> Constraints:
    """Return what a client demands of provers; nothing where it says nothing. Raises InvalidField."""
    return parse_constraints(
        allowed_operators=list(message.allowed_operators),
        denied_operators=list(message.denied_operators),
        min_stake=message.min_stake,
        regions=list(message.regions),
        confinement=message.confinement,
    )


def write_constraints(constraints: Constraints) -> client.Constraints | None:
    """Return the message of constraints; of empty ones none."""
    return None if constraints.is_empty else client.Constraints(**constraints.to_json())


def write_ladder(ladder: Ladder | None) -> client.Ladder | None:
    """Return a ladder's message."""
    if ladder is None:
        return None
    return client.Ladder(permille=ladder.permille, every_ms=ladder.every_ms, price_max=ladder.price_max)
