"""Plays the demo with stake on it, and says in the end whether all of it holds."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import asdict

from proofgrid.cli.demo.staked.story import Outcome, opened
from proofgrid.cli.demo.telling import Telling
from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.primitives.money import format_amount


async def play(*, json: bool) -> list[str]:
    """Tell it; return what does not hold. Raises the first error of a step."""
    me = asyncio.current_task()
    assert me is not None  # noqa: S101  # this is a coroutine
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    telling = Telling({}, is_quiet=json)
    async with opened(telling) as (story, scratch):
        told = asyncio.ensure_future(story.tell())
        guard = asyncio.ensure_future(scratch.fleet.until_one_ends())
        try:
            await asyncio.wait((told, guard), return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                guard.result()
            outcome = await told
        finally:
            guard.cancel()
            told.cancel()
            await asyncio.wait((told,))
    _say(outcome, telling, json=json)
    return outcome.faults


def _say(outcome: Outcome, telling: Telling, *, json: bool) -> None:
    seconds = sum(telling.seconds.values())
    if json:
        print_json({"ok": not outcome.faults, "faults": outcome.faults, **asdict(outcome), "seconds": telling.seconds})
        return
    say("")
    taken, number = format_amount(outcome.slash_taken), outcome.debt.number
    say(f"SLASHED: {outcome.liar} lost {taken} tokens on the chain for a wrong proof", style="bold green")
    say(f"   slash {number} of ProofgridAvs {outcome.avs} says so, and not only this network")
    say("   what a chain does here, and whom you have to trust: docs/contracts.md")
    say("")
    for fault in outcome.faults:
        complain(f"   ✗ {fault}", style="bold red")
    say(f"   whole demo {seconds:.0f} s; all of it holds: {'no' if outcome.faults else 'yes'}")
