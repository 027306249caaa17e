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
    InvalidRequest,
    NameTaken,
    NotAllowed,
    NotFinished,
    NoToken,
    ProofgridError,
    RateLimited,
    Recoverable,
    Refused,
    TokenExpired,
    TokenReplayed,
    TooLarge,
    TooManyOpen,
    Unavailable,
    UnknownArtifact,
    UnknownKey,
    UnknownProgram,
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

#: The first class that fits decides.
_STATUS: list[tuple[type[ProofgridError], grpc.StatusCode]] = [
    (NoToken, grpc.StatusCode.UNAUTHENTICATED),
    (BadToken, grpc.StatusCode.UNAUTHENTICATED),
    (WrongAudience, grpc.StatusCode.UNAUTHENTICATED),
    (TokenExpired, grpc.StatusCode.UNAUTHENTICATED),
    (TokenReplayed, grpc.StatusCode.UNAUTHENTICATED),
    (WrongPurpose, grpc.StatusCode.UNAUTHENTICATED),
    (UnknownKey, grpc.StatusCode.PERMISSION_DENIED),
    (NotAllowed, grpc.StatusCode.PERMISSION_DENIED),
    (NameTaken, grpc.StatusCode.ALREADY_EXISTS),
    (RateLimited, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (TooManyOpen, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (TooLarge, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (Refused, grpc.StatusCode.PERMISSION_DENIED),
    (UnknownTask, grpc.StatusCode.NOT_FOUND),
    (UnknownProgram, grpc.StatusCode.NOT_FOUND),
    (UnknownArtifact, grpc.StatusCode.NOT_FOUND),
    (IdempotencyConflict, grpc.StatusCode.ALREADY_EXISTS),
    (NotFinished, grpc.StatusCode.FAILED_PRECONDITION),
    (InsufficientFunds, grpc.StatusCode.FAILED_PRECONDITION),
    (InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (Recoverable, grpc.StatusCode.UNAVAILABLE),
]

_BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)


def status_of(error: ProofgridError) -> grpc.StatusCode:
    """Return the gRPC status that tells a stranger's client the right thing."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return grpc.StatusCode.INTERNAL


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
