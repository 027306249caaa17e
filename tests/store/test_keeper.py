"""The embedded database is started again when it died, for as long as there is hope."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.deaths import DEATHS_MAX, DEATHS_WINDOW_SECONDS
from proofgrid.primitives.errors import DatabaseLost, Unavailable
from proofgrid.store.keeper import Keeper

BROKEN = Unavailable("pg_control is missing", hint="see the file 'log' there")


class ScriptedServer:
    """Says at each look whether it lives, and what becomes of each try to start it."""

    def __init__(self, lives: Iterator[bool], tries: Iterator[Unavailable | None]) -> None:
        self._lives, self._tries = lives, tries
        self.tried = 0

    def is_alive(self) -> bool:
        try:
            return next(self._lives)
        except StopIteration:
            raise asyncio.CancelledError from None

    def revive(self) -> None:
        self.tried += 1
        if (error := next(self._tries)) is not None:
            raise error


def forever(value: bool) -> Iterator[bool]:
    while True:
        yield value


async def test_a_server_that_died_is_started_again_and_looked_after() -> None:
    server = ScriptedServer(iter([True, False, True, False, True]), iter([None, None]))

    with pytest.raises(asyncio.CancelledError):
        await Keeper(server, ManualClock(), patience_seconds=60).run()

    assert server.tried == 2


async def test_one_that_does_not_start_is_tried_with_pauses_and_then_given_up_with_its_reason() -> None:
    clock = ManualClock()
    began = clock.running_seconds()
    server = ScriptedServer(forever(False), iter([BROKEN] * 100))

    with pytest.raises(DatabaseLost, match="pg_control") as caught:
        await Keeper(server, clock, patience_seconds=60).run()

    assert server.tried == 9  # after 0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5 and 60.5 s
    assert clock.running_seconds() - began == 60.5
    assert caught.value.hint == BROKEN.hint


async def test_one_that_recovers_for_long_is_left_to_it() -> None:
    server = ScriptedServer(iter([False, True, True]), iter([BROKEN]))

    with pytest.raises(asyncio.CancelledError):
        await Keeper(server, ManualClock(), patience_seconds=60).run()

    assert server.tried == 1


async def test_one_that_dies_again_and_again_is_given_up() -> None:
    server = ScriptedServer(forever(False), iter([None] * 100))

    with pytest.raises(DatabaseLost, match="died 11 times in 10 minutes"):
        await Keeper(server, ManualClock(), patience_seconds=60).run()

    assert server.tried == DEATHS_MAX


async def test_deaths_that_are_long_ago_do_not_count() -> None:
    clock = ManualClock()

    def lives() -> Iterator[bool]:
        for _ in range(3 * DEATHS_MAX):
            clock.advance(int(DEATHS_WINDOW_SECONDS * 1000 / DEATHS_MAX))
            yield False

    server = ScriptedServer(lives(), iter([None] * 100))

    with pytest.raises(asyncio.CancelledError):
        await Keeper(server, clock, patience_seconds=60).run()

    assert server.tried == 3 * DEATHS_MAX
