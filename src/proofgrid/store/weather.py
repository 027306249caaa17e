"""What is nobody's mistake: a database that is away, and transactions that got in each other's way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from proofgrid.primitives.errors import Recoverable, Unavailable
from proofgrid.store.conflicts import Conflict

WRONG_DSN = (
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.exceptions.ClientConfigurationError,
)
WEATHER = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server shuts down or restarts
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
)
#: When connecting, a database that is closed for maintenance is weather as well.
CLOSED = (*WEATHER, asyncpg.ObjectNotInPrerequisiteStateError)
#: What a lost connection looks like in the middle of a conversation; a file that is missing there is another matter.
_LOST = (*(kind for kind in WEATHER if kind is not OSError), ConnectionError)
#: Two transactions got in each other's way and one was undone: nothing is wrong with either.
_COLLIDED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
_LOST_OR_UNDONE = (*_LOST, *_COLLIDED)
#: What a loop that works for ever waits out, then looks again: nothing it met here is its end.
PASSING_TROUBLE = (Recoverable, OSError, Conflict, asyncpg.PostgresError, asyncpg.InterfaceError)
CONNECT_TIMEOUT_SECONDS = 5.0
BACKOFF_MIN_SECONDS = 0.05
BACKOFF_MAX_SECONDS = 2.0


@contextmanager
def loss_named() -> Iterator[None]:
    """Raise Unavailable where a connection was lost, or a transaction undone, inside."""
    try:
        yield
    except Exception as error:
        raise_loss(error)
        raise


def raise_loss(error: BaseException | None) -> None:
    """Raise Unavailable of an error by which a connection was lost, or a transaction undone; else do nothing."""
    # A value of the wrong type is our mistake, though asyncpg files it under its interface.
    if isinstance(error, _LOST_OR_UNDONE) and not isinstance(error, asyncpg.DataError):
        raise away(error) from error


def away(reason: BaseException) -> Unavailable:
    """Return the error of a database that is away, or that undid a transaction."""
    said = str(reason) or ("no answer in time" if isinstance(reason, TimeoutError) else "no reason given")
    what = "the database undid the transaction" if isinstance(reason, _COLLIDED) else "the database is away"
    return Unavailable(f"{what}: {type(reason).__name__}: {said}", hint="try again in a moment")
