"""What a prover says is heard once more when trouble with the database undid it, before its stream ends for it.

said --> done
  `--the database is away--> a moment --> once more --> done
                                              `--away, or no answer--> the stream ends; the prover goes elsewhere

A stream that ends costs a hello, which is far more than what was undone; under load all of them at once would be worse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from proofgrid.primitives.errors import SettlementStopped, Unavailable

MOMENT_SECONDS = 0.2
#: For the second try. A line to the database that is dead must not keep provers from a gateway whose line is whole.
ANSWER_SECONDS = 3.0

Done = TypeVar("Done")


async def patiently(work: Callable[[], Awaitable[Done]]) -> Done:
    """Return what `work` returns, which must be idempotent. Raises Unavailable when the database stays away."""
    try:
        return await work()
    except Unavailable as error:
        if not may_pass(error):
            raise
        first = error
    await asyncio.sleep(MOMENT_SECONDS)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await work()
    except TimeoutError:
        raise first from first.__cause__


def may_pass(error: object) -> bool:
    """Is this the kind of trouble that may be over in a moment?"""
    return isinstance(error, Unavailable) and not isinstance(error, SettlementStopped)
