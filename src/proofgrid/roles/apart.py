"""Work on many things of many people, where trouble with one is never trouble for the others.

each_alone  each has a transaction of its own; what fails is logged, the rest goes on
together    one transaction for all; one that fails is taken apart (store/batches.py) until who fails does so alone

Weather that two of them meet one after the other ends the work, for its loop to wait out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import structlog

from proofgrid.primitives.errors import Recoverable
from proofgrid.store.batches import WEATHER_TRIES, each_in_the_end

Item = TypeVar("Item")
Result = TypeVar("Result")

log = structlog.get_logger(__name__)


async def each_alone(items: Iterable[Item], work: Callable[[Item], Awaitable[object]], *, trouble: str) -> None:
    """Do `work` for each item, which is idempotent; `trouble` is what the log says where it fails.

    Raises the Recoverable that an item met, after the others had their turn.
    """
    weather: list[Recoverable] = []
    in_a_row = 0
    for item in items:
        try:
            await work(item)
            in_a_row = 0
        except Recoverable as error:
            weather.append(error)
            in_a_row += 1
            if in_a_row == WEATHER_TRIES:
                break
        except Exception as error:
            _tell(trouble, item, error)
    if weather:
        raise weather[0]


async def together(
    items: Sequence[Item], work: Callable[[list[Item]], Awaitable[Result]], *, trouble: str
) -> list[Result]:
    """Do `work` for all items at once, or for as many at once as go together; return what came of each time.

    Otherwise like `each_alone`.
    """
    results: list[Result] = []

    async def carry_out(part: list[Item]) -> Sequence[None]:
        results.append(await work(part))
        return [None] * len(part)

    outcomes = await each_in_the_end(carry_out, items) if items else []
    for item, outcome in zip(items, outcomes, strict=True):
        if outcome is not None and not isinstance(outcome, Recoverable):
            _tell(trouble, item, outcome)
    for outcome in outcomes:
        if isinstance(outcome, Recoverable):
            raise outcome
    return results


def _tell(trouble: str, item: object, error: BaseException) -> None:
    log.error(trouble, item=repr(item)[:500], reason=type(error).__name__, exc_info=error)
