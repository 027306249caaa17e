"""`proofgrid submit`: ask for proofs, and stay to see them made if you like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.bars import stage_bar
from proofgrid.cli.kit.choosing import Asked, ProgramArgument
from proofgrid.cli.kit.console import complain, date_text, plain, print_json, say
from proofgrid.cli.kit.failures import EXIT_INTERRUPTED
from proofgrid.cli.kit.following import fetch, follow, say_detached
from proofgrid.cli.kit.options import BUSY_PATIENCE_SECONDS, WATCH_PATIENCE_SECONDS, ClientOptions, with_client
from proofgrid.cli.kit.reading import parse_duration_ms, parse_ladder
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.clock import SystemClock, fresh_bytes
from proofgrid.primitives.errors import Busy, InvalidField
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.money import format_amount, parse_amount, parse_price, typed_price
from proofgrid.primitives.sealing_errors import CannotSeal
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.sdk.terms import Terms

if TYPE_CHECKING:
    from proofgrid.sdk.answers.work import Task
    from proofgrid.sdk.client import Client


@dataclass(slots=True, kw_only=True)
class _Order:
    """What was asked for; `task_id` is empty until the network has acknowledged it."""

    program: str
    inputs: list[Json]
    limit_price: int
    quote_id: str
    budget: int
    deadline_ms: int
    idempotency_key: str
    hedging: bool
    aggregate: bool
    ladder: Ladder | None
    constraints: Constraints
    subnetwork: str
    tags: list[str]
    wait: bool
    wait_busy: bool
    out: Path | None
    sealed: bool
    files: Path | None
    deliver: str
    task_id: str = ""

    def terms(self) -> Terms:
        """Return what sealed and other requests both say."""
        return Terms(
            limit_price=self.limit_price,
            budget=self.budget,
            deadline_ms=self.deadline_ms,
            idempotency_key=self.idempotency_key,
            hedging=self.hedging,
            ladder=self.ladder,
            constraints=self.constraints,
            subnetwork=self.subnetwork,
            tags=self.tags,
        )


def add_to(cli: typer.Typer) -> None:
    cli.command("submit", short_help="Submit inputs for proving.")(run)


LimitPrice = Annotated[
    int | None,
    typer.Option(
        "--limit-price",
        parser=parse_price,
        metavar="PRICE",
        help="The most you pay: 1.5/M is tokens per million PU. Without it: 20% above what `proofgrid quote` says now.",
        show_default=False,
    ),
]
QuoteId = Annotated[
    str, typer.Option("--quote", metavar="ID", help="Redeem a firm quote that you bought; it fixes price and time.")
]
Budget = Annotated[
    str | None,
    typer.Option("--budget", metavar="TOKENS", help="The most you pay in all. [default: limit price times PU]"),
]
Deadline = Annotated[
    str | None,
    typer.Option("--deadline", metavar="10m", help="Give up, and refund, after this time: 90s, 10m, 1h30m."),
]
KeyId = Annotated[
    str | None,
    typer.Option("--key-id", metavar="ID", help="Idempotency key: the same one is the same task, paid once."),
]
Hedging = Annotated[
    bool,
    typer.Option(
        "--hedging/--no-hedging", help="Give a slow slice to a second operator as well, within the limit price."
    ),
]
RaiseBy = Annotated[
    str | None,
    typer.Option("--raise", metavar="10%/5s", help="Raise the limit price by so much after so long without a sale,"),
]
UpTo = Annotated[
    int | None,
    typer.Option("--up-to", parser=parse_price, metavar="PRICE", help="but never beyond this; it is put in escrow."),
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="To find it again by, like nightly or env=prod.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show the task until it ends.")]
WaitBusy = Annotated[
    bool,
    typer.Option("--wait-busy/--no-wait-busy", help="Wait up to two minutes while the network is too busy."),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Wait, then download and verify the bundle.")
]


Sealed = Annotated[
    bool,
    typer.Option(
        "--sealed",
        help="Seal the inputs: nobody reads them but the provers that get the jobs, not even the network.",
    ),
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files",
        metavar="FOLDER",
        help="With --sealed: the program's files, as `program build --out` writes them; what is missing is downloaded.",
    ),
]

Deliver = Annotated[
    str,
    typer.Option(
        "--deliver", metavar="chain:ADDRESS", help="Have this contract verify the proof: see `proofgrid deliver`."
    ),
]


@with_client
def run(
    options: ClientOptions,
    program: ProgramArgument,
    *,
    limit_price: LimitPrice = None,
    quote_id: QuoteId = "",
    budget: Budget = None,
    deadline: Deadline = None,
    key_id: KeyId = None,
    hedging: Hedging = True,
    raise_by: RaiseBy = None,
    up_to: UpTo = None,
    asked: Asked,
    tag: Tags = None,
    wait: Wait = False,
    wait_busy: WaitBusy = True,
    out: Out = None,
    sealed: Sealed = False,
    program_files: Files = None,
    deliver: Deliver = "",
) -> None:
    """Submit inputs of a program for proving; several inputs are one batch and one bundle. Prints the task's id.

    Without a limit price the network takes 20% above what the market says now, within your budget and what you hold,
    and tells you; you pay the round's price, which may be less.
    With --wait there is a bar per slice. Ctrl-C then only detaches: the task goes on.

    With --sealed inputs are normalised here and sealed for connected provers of operators that you --allow, else of all
    that the network names. It takes a program that hides its inputs, whose files you own or have built; docs/sealed.md.

    \b
    Example:
      proofgrid submit 3f9a… digit.json --tag nightly --wait --out digit.bundle
      proofgrid submit 3f9a… --input '[0.1, 0.2]' --input '[0.3, 0.4]' --limit-price 1.5/M --budget 0.5 --deadline 10m
      proofgrid submit 3f9a… batch.json --limit-price 0.9/M --raise 10%/5s --up-to 2/M --one-proof --out batch.bundle
      proofgrid submit 3f9a… digit.json --limit-price 1.5/M --region eu --region ch --deny-operator 0x…
      proofgrid submit 3f9a… digit.json --sealed --allow 0xa1… --allow 0xb2… --wait --out digit.bundle
    """
    order = _Order(
        program=program,
        inputs=asked.read_inputs(),
        limit_price=limit_price or 0,
        quote_id=quote_id,
        budget=parse_amount(budget, field="budget") if budget else 0,
        deadline_ms=SystemClock().now_ms() + parse_duration_ms(deadline) if deadline else 0,
        idempotency_key=key_id or fresh_bytes(16).hex(),
        hedging=hedging,
        aggregate=asked.one_proof,
        ladder=parse_ladder(raise_by, up_to),
        constraints=asked.constraints(),
        subnetwork=asked.subnetwork,
        tags=tag or [],
        wait=wait or out is not None,
        wait_busy=wait_busy,
        out=out,
        sealed=sealed,
        files=program_files,
        deliver=deliver,
    )
    _run(options, order)


def _run(options: ClientOptions, order: _Order) -> None:
    _check_folder(order.out)
    _check_sealed(order)
    try:
        run_async(_submit(options, order))
    except KeyboardInterrupt:
        _say_interrupted(order)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _check_folder(out: Path | None) -> None:
    if out is not None and not out.absolute().parent.is_dir():
        raise InvalidField(f"there is no folder {out.absolute().parent}", field="out")


def _check_sealed(order: _Order) -> None:
    if order.files is not None and not order.sealed:
        raise InvalidField("only sealed inputs need the program's files here", field="files", hint="add --sealed")
    if order.sealed and order.quote_id:
        raise CannotSeal("a firm quote was bought of provers that it may not be sealed for", field="quote")
    if order.sealed and order.aggregate:
        raise CannotSeal(
            "what a proof of proofs takes is known later, so nobody could say its facts now", field="one_proof"
        )


async def _submit(options: ClientOptions, order: _Order) -> None:
    busy_seconds = BUSY_PATIENCE_SECONDS if order.wait_busy else 0.0
    async with options.client(busy_seconds=busy_seconds, on_busy=_say_busy) as client:
        terms = order.terms()
        if order.deliver:
            await client.deliveries.check(order.deliver)  # before it costs anything
        if order.sealed:
            task = await _seal(options, client, order, terms)
        else:
            task = await client.submit(
                order.program, order.inputs, aggregate=order.aggregate, quote_id=order.quote_id, **terms
            )
        if order.deliver:
            await client.deliveries.deliver(task.task_id, order.deliver)
    order.task_id = task.task_id
    if not options.json:
        money = "paid by your firm quote" if order.quote_id else f"escrow {format_amount(task.escrow)}"
        say(f"task {task.task_id}: {task.units} PU, {money}")
        if not order.limit_price and not order.quote_id:
            limit = typed_price(task.limit_price)
            say(f"at most {limit}: at most 20% above what the market says now, as you named no --limit-price")
    elif not order.wait and not order.sealed:
        print_json(plain(task))
    if order.wait:
        await _stay(options, order)


async def _seal(options: ClientOptions, client: Client, order: _Order, terms: Terms) -> Task:
    with stage_bar(json=options.json) as on_stage:
        sealed = await client.sealing.submit(order.program, order.inputs, files=order.files, on_stage=on_stage, **terms)
    if options.json:
        if not order.wait:
            print_json({**plain(sealed.task), "sealed_for": list(sealed.provers), "sealed_until_ms": sealed.until_ms})
        return sealed.task
    many = "1 prover" if len(sealed.provers) == 1 else f"{len(sealed.provers)} provers"
    say(f"sealed for {many} of {', '.join(sealed.operators)}, until {date_text(sealed.until_ms)[:16]} UTC")
    if not order.constraints.allowed_operators:
        complain("The network named these operators; --allow names those that you trust, and nobody else can read.")
    return sealed.task


async def _stay(options: ClientOptions, order: _Order) -> None:
    async with options.client(patience_seconds=WATCH_PATIENCE_SECONDS) as client:
        await follow(client, order.task_id, json=options.json)
        if order.out is not None:
            await fetch(client, order.task_id, order.out, is_verified=True, json=options.json)
        elif not options.json:
            say(f"proofgrid result {order.task_id} shows what was proven; --out FILE keeps the bundle")


def _say_busy(error: Busy) -> None:
    complain(f"The network is busy; trying again in {max(1, round(error.wait_ms / 1_000))} s, at no cost.")


def _say_interrupted(order: _Order) -> None:
    if order.task_id:
        say_detached(order.task_id)
    else:
        complain("Interrupted before the network answered: the task may or may not have been accepted.")
        complain(f"The same command with --key-id {order.idempotency_key} finds it, or submits it now; never twice.")
