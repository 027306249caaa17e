"""`proofgrid quote`: what a request would cost and take, before it is submitted; and a promise of it to buy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.choosing import Asked, ProgramArgument
from proofgrid.cli.kit.console import complain, plain, print_json, print_table, say
from proofgrid.cli.kit.failures import EXIT_INTERRUPTED
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.cli.kit.reading import parse_duration_ms
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import format_amount, format_price, parse_amount, typed_price
from proofgrid.rules.jobs.constraints import Constraints

if TYPE_CHECKING:
    from proofgrid.sdk.answers.quotes import FirmTerms, Quote


def add_to(cli: typer.Typer) -> None:
    cli.command("quote", short_help="Ask what a request would cost and how long it would take.")(run)


Firm = Annotated[bool, typer.Option("--firm", help="Buy it: provers hold cost, time and slots for you.")]
Hold = Annotated[str | None, typer.Option("--hold", metavar="10m", help="For how long it is held. [default: 10m]")]
CostMax = Annotated[
    str | None, typer.Option("--cost-max", metavar="TOKENS", help="Buy nothing that costs more, premium included.")
]
KeyId = Annotated[
    str | None, typer.Option("--key-id", metavar="ID", help="Idempotency key: the same one is the same quote.")
]


@with_client
def run(
    options: ClientOptions,
    program: ProgramArgument,
    *,
    asked: Asked,
    firm: Firm = False,
    hold: Hold = None,
    cost_max: CostMax = None,
    key_id: KeyId = None,
) -> None:
    """Show what a request would cost now, which limit price sells how surely, and how long it would take.

    The price now comes from the market's own clearing, run on the live book with your bid added: bid more than that and
    you still pay about that. The chances come from the latest rounds. Nothing is stored, sold or promised.

    With --firm you buy a promise from provers that offer slots ahead: for the time that it is held, as many inputs of
    the program cost exactly that, and the bundle is there in time or you get the cost back with a penalty on top, out
    of the bonds of those who did not deliver. The inputs may change until you submit.

    \b
    Example:
      proofgrid quote 3f9a… digit.json
      proofgrid quote 3f9a… digit.json --region eu --min-stake 5
      proofgrid submit 3f9a… digit.json --limit-price PRICE --wait
      proofgrid quote 3f9a… digit.json --firm --hold 30m --cost-max 0.2
      proofgrid submit 3f9a… other.json --quote ID --wait
    """
    order = _Order(
        program=program,
        inputs=asked.read_inputs(),
        constraints=asked.constraints(),
        subnetwork=asked.subnetwork,
        aggregate=asked.one_proof,
        hold_ms=parse_duration_ms(hold, field="hold") if hold else 0,
        cost_max=parse_amount(cost_max, field="cost_max") if cost_max else 0,
        idempotency_key=key_id or fresh_bytes(16).hex(),
    )
    if firm and (asked.subnetwork or not order.constraints.is_empty):
        raise InvalidField("a firm quote is for the common lanes and all provers", field="firm")
    if not firm:
        if cost_max or key_id:
            raise InvalidField("a quote that is not bought costs nothing", field="firm", hint="add --firm to buy it")
        _quote(options, order)
        return
    try:
        _buy(options, order)
    except KeyboardInterrupt:
        complain("Interrupted: the quote may or may not have been bought.")
        complain(f"The same command with --key-id {order.idempotency_key} finds it, or buys it now; never twice.")
        raise typer.Exit(EXIT_INTERRUPTED) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    program: str
    inputs: list[Json]
    constraints: Constraints
    subnetwork: str
    aggregate: bool
    hold_ms: int
    cost_max: int
    idempotency_key: str


def _quote(options: ClientOptions, order: _Order) -> None:
    quote = options.ask(
        lambda client: client.quote(
            order.program,
            order.inputs,
            hold_ms=order.hold_ms,
            constraints=order.constraints,
            subnetwork=order.subnetwork,
            aggregate=order.aggregate,
        )
    )
    if options.json:
        print_json(plain(quote))
    else:
        _show(quote)


def _buy(options: ClientOptions, order: _Order) -> None:
    quote = options.ask(
        lambda client: client.buy_quote(
            order.program,
            order.inputs,
            hold_ms=order.hold_ms,
            cost_max=order.cost_max,
            aggregate=order.aggregate,
            idempotency_key=order.idempotency_key,
        )
    )
    if options.json:
        print_json(plain(quote))
        return
    say(f"bought: {_promise(quote.terms)}", style="bold")
    one_proof = " --one-proof" if order.aggregate else ""
    say(f"proofgrid submit {order.program} INPUT_FILE --quote {quote.quote_id}{one_proof} --wait")


def _promise(terms: FirmTerms) -> str:
    return (
        f"{format_amount(terms.cost)} for {terms.units} PU, held for {_span(terms.hold_ms)} at a premium of"
        f" {format_amount(terms.premium)}; there within {_span(terms.within_ms)} of submitting, or you get the cost"
        f" back and {format_amount(terms.penalty)} on top"
    )


def _show(quote: Quote) -> None:
    rows = [
        (
            one.lane,
            one.jobs,
            one.units,
            f"{one.memory_bytes_max / (1 << 20):.0f} MiB",
            format_price(one.price_now) if one.price_now else "nobody",
            *(format_price(one.prices[percent]) for percent in sorted(one.prices)),
            f"{one.free_slots} of {one.provers}",
            _seconds(one.wait_ms + one.prove_ms),
        )
        for one in quote.lanes
    ]
    chances = [f"{percent}%>" for percent in sorted(quote.prices)]
    columns = ("lane", "jobs>", "PU>", "memory>", "now, /M>", *chances, "free slots, provers>", "expected>")
    print_table(columns, rows, empty="no jobs")
    if quote.cost_now:
        say(
            f"now: about {format_price(quote.price_now)} per million PU, {format_amount(quote.cost_now)} tokens in all",
            style="bold",
        )
    else:
        say("nobody would sell all of it now: provers are busy, or none serves a lane", style="yellow")
    limits = ", ".join(f"{typed_price(quote.prices[percent])} sold in {percent}%" for percent in sorted(quote.prices))
    say(f"limit prices, by the latest rounds: {limits}")
    say(f"expected time to the last proof: {_seconds(quote.expected_ms)}")
    if quote.firm is not None:
        say(f"firm, with --firm: {_promise(quote.firm)}")
    else:
        say("firm: no prover offers slots ahead for this now")


def _seconds(milliseconds: int) -> str:
    return f"{math.ceil(milliseconds / 100) / 10:g} s"


def _span(milliseconds: int) -> str:
    return f"{milliseconds // 60_000} min" if milliseconds % 60_000 == 0 else _seconds(milliseconds)
