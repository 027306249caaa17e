"""Our errors as gRPC statuses and back: the stable code, field and hint travel in the trailing metadata."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.message import DecodeError

from proofgrid.primitives.error_codes import error_of_code
from proofgrid.primitives.errors import (
    BadToken,
    IdempotencyConflict,
    InsufficientFunds,
    InUse,
    InvalidRequest,
    NameTaken,
    NotAllowed,
    NotFinished,
    NoToken,
    ProofgridError,
    QuoteOver,
    RateLimited,
    Recoverable,
    Refused,
    TokenExpired,
    TokenReplayed,
    TooLarge,
    TooManyOpen,
    Unavailable,
    UnknownArtifact,
    UnknownEvidence,
    UnknownKey,
    UnknownProgram,
    UnknownQuote,
    UnknownRound,
    UnknownSubnetwork,
    UnknownTask,
    WrongAudience,
)
from proofgrid.primitives.last_words import with_last_words
from proofgrid.primitives.refusals import WrongPurpose
from proofgrid.wire.v1 import common_pb2 as common

ERROR_METADATA = "proofgrid-error-bin"
#: What gRPC makes of a message that could not be sent because the gateway had ended the call: the failed writing
#: hides the status that was on its way, so why the call ended is known only by asking again.
_HIDDEN_STATUS = "Internal error from Core"

#: gRPC's status and HTTP's; the first class that fits decides.
_STATUS: list[tuple[type[ProofgridError], grpc.StatusCode, int]] = [
    (NoToken, grpc.StatusCode.UNAUTHENTICATED, 401),
    (BadToken, grpc.StatusCode.UNAUTHENTICATED, 401),
    (WrongAudience, grpc.StatusCode.UNAUTHENTICATED, 401),
    (TokenExpired, grpc.StatusCode.UNAUTHENTICATED, 401),
    (TokenReplayed, grpc.StatusCode.UNAUTHENTICATED, 401),
    (WrongPurpose, grpc.StatusCode.UNAUTHENTICATED, 401),
    (UnknownKey, grpc.StatusCode.PERMISSION_DENIED, 403),
    (NotAllowed, grpc.StatusCode.PERMISSION_DENIED, 403),
    (NameTaken, grpc.StatusCode.ALREADY_EXISTS, 409),
    (RateLimited, grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    (TooManyOpen, grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    (TooLarge, grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    (Refused, grpc.StatusCode.PERMISSION_DENIED, 403),
    (UnknownTask, grpc.StatusCode.NOT_FOUND, 404),
    (UnknownProgram, grpc.StatusCode.NOT_FOUND, 404),
    (UnknownArtifact, grpc.StatusCode.NOT_FOUND, 404),
    (UnknownRound, grpc.StatusCode.INVALID_ARGUMENT, 404),
    (UnknownEvidence, grpc.StatusCode.INVALID_ARGUMENT, 404),
    (UnknownQuote, grpc.StatusCode.INVALID_ARGUMENT, 404),
    (UnknownSubnetwork, grpc.StatusCode.INVALID_ARGUMENT, 404),
    (IdempotencyConflict, grpc.StatusCode.ALREADY_EXISTS, 409),
    (NotFinished, grpc.StatusCode.FAILED_PRECONDITION, 409),
    (InUse, grpc.StatusCode.INVALID_ARGUMENT, 409),
    (QuoteOver, grpc.StatusCode.INVALID_ARGUMENT, 409),
    (InsufficientFunds, grpc.StatusCode.FAILED_PRECONDITION, 402),
    (InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT, 400),
    (Recoverable, grpc.StatusCode.UNAVAILABLE, 503),
]

_BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)


def status_of(error: ProofgridError) -> grpc.StatusCode:
    """Return the gRPC status that tells a stranger's client the right thing."""
    return _statuses_of(error)[0]


def http_status_of(error: ProofgridError) -> int:
    """Return the HTTP status that does; 500 for what is our mistake."""
    return _statuses_of(error)[1]


def _statuses_of(error: ProofgridError) -> tuple[grpc.StatusCode, int]:
    for kind, status, http_status in _STATUS:
        if isinstance(error, kind):
            return status, http_status
    return grpc.StatusCode.INTERNAL, 500


def write_error(error: ProofgridError) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata of an error."""
    detail = common.ErrorDetail(
        code=error.code, detail=error.detail, field=error.field, hint=error.hint, wait_ms=error.wait_ms
    )
    return ((ERROR_METADATA, detail.SerializeToString()),)


def read_error(error: grpc.RpcError) -> ProofgridError:
    """Return the error that a failed call carries; a broken connection, or one whose end was hidden, is Unavailable."""
    said = said_error(error.trailing_metadata() if hasattr(error, "trailing_metadata") else None)
    if said is not None:
        return said
    status = error.code() if hasattr(error, "code") else None
    text = (error.details() if hasattr(error, "details") else "") or str(status)
    hidden = status is grpc.StatusCode.INTERNAL and text.startswith(_HIDDEN_STATUS)
    if hidden or status in _BROKEN:
        sentence = with_last_words("the gateway cannot be reached, or ended the call", text)
        return Unavailable(sentence, hint="is the gateway running, and is its address right?")
    return ProofgridError(text)


def said_error(trailing: Any) -> ProofgridError | None:
    """Return the error in a call's trailing metadata; None when there is none that can be read."""
    for key, value in trailing or ():
        if key == ERROR_METADATA and isinstance(value, bytes):
            try:
                detail = common.ErrorDetail.FromString(value)
            except DecodeError:
                return None
            return error_of_code(
                detail.code, detail.detail, field=detail.field, hint=detail.hint, wait_ms=detail.wait_ms
            )
    return None
