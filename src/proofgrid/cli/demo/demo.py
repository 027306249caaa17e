"""`proofgrid demo`: a whole network on this machine proves something: a neural network's answer, factors, or all."""

from __future__ import annotations

import asyncio
import os
import signal
import webbrowser
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.failures import EXIT_FAILED, EXIT_INTERRUPTED
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.event_loop import run_async

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofgrid.cli.demo.every import Offer
    from proofgrid.cli.demo.processes import Fleet
    from proofgrid.cli.demo.request import Proven
    from proofgrid.cli.demo.story import Outcome, Story
    from proofgrid.cli.demo.subject import Subject
    from proofgrid.cli.demo.telling import Telling

DEFAULT_FOLDER = Path("demo-data")


def add_to(cli: typer.Typer) -> None:
    cli.command("demo", short_help="See it all: a whole network on this machine.")(run)


def run(
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="digits: half a minute; lenet: LeNet-5, some minutes.")
    ] = "digits",
    digit: Annotated[int, typer.Option("--digit", min=0, help="Which handwritten sample.")] = 7,
    system: Annotated[
        str, typer.Option("--system", help="Another proof system proves who knows a number's factors.")
    ] = "ezkl",
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Every proof system on one network: four requests at once, one of them a graph, one in one proof.",
        ),
    ] = False,
    chain: Annotated[
        bool,
        typer.Option("--chain", help="Operators with stake on a chain; one lies, and what is taken for it there."),
    ] = False,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="A folder of its own; the next demo removes it.")
    ] = DEFAULT_FOLDER,
    opens: Annotated[bool, typer.Option("--open", help="Show its pages in your browser.")] = False,
    stay: Annotated[bool, typer.Option("--stay", help="Leave it running after the story, until Ctrl-C.")] = False,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FOLDER", help="Only write its small model and its digits, to try them."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run a whole network here, prove what a neural network sees in a handwritten digit, verify it, show who paid whom.

    With another --system: prove that somebody knows a number's factors, and say nothing of them.

    With --all: provers of different systems on one network, and a request to each at once. Two proofs are folded into
    one there; the keys for that take minutes to make, once, and are kept.

    With --chain: two operators stake on EigenLayer, on a chain that runs here; one hands in a wrong proof, and its
    stake pays for it. It needs `pip install 'proofgrid[chain]'`.

    A gateway with PostgreSQL and three provers of two operators run as real processes until the end, or Ctrl-C.
    Its pages show them: lanes and prices, each round as a chart of both clocks, operators.

    \b
    Example:
      proofgrid demo
      proofgrid demo --digit 3 --json
      proofgrid demo --model lenet
      proofgrid demo --system groth16
      proofgrid demo --all
      proofgrid demo --chain
      proofgrid demo --open --stay
      proofgrid demo --samples samples
    """
    if samples is not None:
        _write_samples(samples, json=json)
    else:
        _play(_Wanted(system, model, digit, every, opens, stay), data_dir, chain=chain, json=json)


def _play(wanted: _Wanted, data_dir: Path, *, chain: bool, json: bool) -> None:
    try:
        if chain:
            from proofgrid.cli.demo.staked.demo import play

            faults = run_async(play(json=json))
        else:
            faults = run_async(_demo(wanted, data_dir, json=json))
    except (KeyboardInterrupt, asyncio.CancelledError):
        complain("stopped; every process that the demo had started has ended", style="yellow")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if faults:
        raise typer.Exit(EXIT_FAILED)


def _write_samples(folder: Path, *, json: bool) -> None:
    from proofgrid.cli.demo.digits import write_samples

    files = write_samples(folder)
    if json:
        print_json([str(file) for file in files])
    else:
        say(f"{folder}: {files[0].name}, a small neural network, and {len(files) - 1} handwritten digits for it")


class _Wanted(NamedTuple):
    system: str
    model: str
    digit: int
    is_all: bool
    opens: bool
    stays: bool

    def cast(self) -> tuple[Sequence[Subject], Sequence[Offer]]:
        """Return what is proven, and who proves it; raise UnknownProofSystem when it cannot be proven here."""
        from proofgrid.cli.demo.digits import demo_model, read_digit
        from proofgrid.cli.demo.every import OFFERS, lacking_here, offers_here, subjects_here
        from proofgrid.cli.demo.factors import known_factors
        from proofgrid.cli.demo.seen_digit import SeenDigit
        from proofgrid.proofs.registry import proof_system

        if self.is_all:
            missing = lacking_here()
            for error in missing.values():
                complain(f"left out: {error.detail}. {error.hint}", style="yellow")
            return subjects_here(missing), offers_here(missing)
        proof_system(self.system)  # or nothing is started
        if self.system != "ezkl":
            return [known_factors(self.system)], OFFERS
        return [SeenDigit(model=demo_model(self.model), digit=read_digit(self.digit), number=self.digit)], OFFERS


async def _demo(wanted: _Wanted, data_dir: Path, *, json: bool) -> list[str]:
    from proofgrid.cli.demo.folder import fresh_folder, network_folder, tidy_up
    from proofgrid.cli.demo.processes import Fleet
    from proofgrid.cli.demo.story import Story
    from proofgrid.cli.demo.telling import Telling

    subjects, offers = wanted.cast()
    me = asyncio.current_task()
    assert me is not None  # noqa: S101  # this is a coroutine
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    folder = fresh_folder(data_dir)
    network = network_folder(folder)
    fleet = Fleet(folder, network)
    telling = Telling({}, is_quiet=json)
    story = Story(
        fleet,
        telling,
        folder=folder,
        network=network,
        subjects=subjects,
        offers=offers,
        on_pages=webbrowser.open if wanted.opens else _look_yourself,
    )
    outcome = None
    try:
        outcome = await _while_all_live(fleet, story)
        _print_outcome(outcome, telling, story.pages, json=json)
        if wanted.stays:
            await _stay(fleet, story, json=json)
    except asyncio.CancelledError:
        if outcome is None:
            raise  # Ctrl-C on the way; after the story it is how a demo that stays ends
    finally:
        stopping = asyncio.ensure_future(fleet.stop())
        await _finish(stopping)
        tidy_up(folder, network)
    return outcome.faults


async def _stay(fleet: Fleet, story: Story, *, json: bool) -> None:
    """Leave everything running until Ctrl-C, or until a process ends."""
    if not json:
        say("")
        say(f"   still here: {story.pages}; Ctrl-C ends it", style="bold")
    await fleet.until_one_ends()


def _look_yourself(_: str) -> None:
    """Nobody wants a browser to be opened."""


async def _while_all_live(fleet: Fleet, story: Story) -> Outcome:
    """Tell the story; a process that ends on the way ends it with an error."""
    telling = asyncio.ensure_future(story.tell())
    guard: asyncio.Future[None] | None = None
    try:
        guard = asyncio.ensure_future(fleet.until_one_ends())
        await asyncio.wait((telling, guard), return_when=asyncio.FIRST_COMPLETED)
        if not telling.done():
            guard.result()
        return await telling
    finally:
        telling.cancel()
        if guard is not None:
            guard.cancel()


async def _finish(stopping: asyncio.Future[None]) -> None:
    """Wait for the stopping of all processes, even when Ctrl-C is pressed again and again."""
    while not stopping.done():
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            continue
    stopping.result()


def _print_outcome(outcome: Outcome, telling: Telling, pages: str, *, json: bool) -> None:
    if json:
        print_json(_outcome_to_json(outcome, telling, pages))
        return
    for one in outcome.proven:
        say("")
        say(f"PROVEN: {one.judged.headline}", style="bold green" if one.judged.is_right else "bold yellow")
        for line in one.judged.lines:
            say(f"   {line}".rstrip())
        bundle = one.request.bundle
        say(f"   bundle: {os.path.relpath(bundle)}, {bundle.stat().st_size >> 10} KiB; verify it:")
        say(f"   {one.verify_command}")
    say("")
    for fault in outcome.faults:
        complain(f"   ✗ {fault}", style="bold red")
    is_balanced = "no" if outcome.books.faults else "yes"
    say(f"   whole demo {sum(telling.seconds.values()):.0f} s; ledger balanced: {is_balanced}")


def _outcome_to_json(outcome: Outcome, telling: Telling, pages: str) -> dict[str, object]:
    books = outcome.books
    told = [_proven_to_json(one) for one in outcome.proven]
    return {
        "ok": not outcome.faults,
        "faults": outcome.faults,
        **(told[0] if len(told) == 1 else {"requests": told}),
        "network": outcome.proven[0].verified.network,
        "pages": pages,
        "seconds": telling.seconds,
        "build_seconds": telling.stage_seconds(),
        "books": {
            "deposited": books.deposited,
            "left": books.left,
            "earned": dict(books.earned),
            "treasury": books.treasury,
        },
    }


def _proven_to_json(one: Proven) -> dict[str, object]:
    return {
        "name": one.request.subject.name,
        **one.judged.data,
        "is_right": one.judged.is_right,
        "bundle": str(one.request.bundle),
        "verify_command": one.verify_command,
        "checks": one.verified.checks,
        "program": one.verified.program,
        "jobs": one.verified.jobs_as_said,
        **({} if one.verified.wrapped is None else {"wrapped": asdict(one.verified.wrapped)}),
    }
