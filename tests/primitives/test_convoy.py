"""Who comes while others are inside goes on together with all who wait, and nobody waits for others to come."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import pytest

from proofgrid.primitives.convoy import Convoy

FOR_EVER = 1_000.0


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Travellers:
    """Each goes in and stays until it is let out."""

    def __init__(self, convoy: Convoy) -> None:
        self.convoy = convoy
        self.inside: list[str] = []
        self.entered: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.out: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def come(self, names: str) -> None:
        for name in names:
            self.out[name] = asyncio.Event()
            self.tasks[name] = asyncio.ensure_future(self._travel(name))

    async def _travel(self, name: str) -> None:
        async with self.convoy.place():
            self.inside.append(name)
            self.entered[name].set()
            try:
                await self.out[name].wait()
            finally:
                self.inside.remove(name)

    async def came(self, name: str) -> None:
        await self.entered[name].wait()

    async def leave(self, names: str) -> None:
        for name in names:
            self.out[name].set()
        await turns_of_the_loop()


async def test_the_first_goes_on_at_once_and_the_others_together_when_it_has_left() -> None:
    all_of_them = Travellers(Convoy(FOR_EVER))
    all_of_them.come("a")
    await turns_of_the_loop()
    assert all_of_them.inside == ["a"]
    all_of_them.come("bcd")
    await turns_of_the_loop()
    assert all_of_them.inside == ["a"]
    await all_of_them.leave("a")
    assert all_of_them.inside == ["b", "c", "d"]
    all_of_them.come("e")
    await all_of_them.leave("bd")
    assert all_of_them.inside == ["c"]
    await all_of_them.leave("c")
    assert all_of_them.inside == ["e"]
    await all_of_them.leave("e")
    all_of_them.come("f")
    await turns_of_the_loop()
    assert all_of_them.inside == ["f"]
    await all_of_them.leave("f")


async def test_one_that_stays_keeps_nobody_for_ever() -> None:
    all_of_them = Travellers(Convoy(0.001))
    all_of_them.come("a")
    await turns_of_the_loop()
    all_of_them.come("b")
    await all_of_them.came("b")
    # Of a group that went on before it counts nobody any more.
    all_of_them.convoy._patience_seconds = FOR_EVER
    all_of_them.convoy._open()
    all_of_them.come("c")
    await turns_of_the_loop()
    all_of_them.come("d")
    await all_of_them.leave("ab")
    assert all_of_them.inside == ["c"]
    await all_of_them.leave("c")
    assert all_of_them.inside == ["d"]
    await all_of_them.leave("d")


@pytest.mark.parametrize("when", ["it waits", "its turn has just come"])
async def test_who_is_cancelled_holds_nobody_up(when: str) -> None:
    all_of_them = Travellers(Convoy(FOR_EVER))
    all_of_them.come("a")
    await turns_of_the_loop()
    all_of_them.come("bc")
    await turns_of_the_loop()
    if when == "it waits":
        all_of_them.tasks["b"].cancel()
        await all_of_them.leave("a")
    else:
        leave: Callable[[int], None] = all_of_them.convoy.leave
        leave(all_of_them.convoy._group)
        all_of_them.tasks["b"].cancel()
        await turns_of_the_loop()
    assert all_of_them.inside[-1] == "c"
    all_of_them.come("d")
    await all_of_them.leave("c")
    assert all_of_them.inside[-1] == "d"
    await all_of_them.leave("ad")


async def test_an_error_inside_is_no_reason_to_stay() -> None:
    convoy = Convoy(FOR_EVER)
    with pytest.raises(ZeroDivisionError):
        async with convoy.place():
            raise ZeroDivisionError
    async with convoy.place():
        pass
