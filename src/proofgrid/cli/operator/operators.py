"""`proofgrid operators`: how operators and their provers stand, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_json, print_table, say
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.primitives.ids import short_prover

if TYPE_CHECKING:
    from proofgrid.sdk.answers.operators import FactCounts, OperatorStanding, ProverStanding


def add_to(cli: typer.Typer) -> None:
    cli.command("operators", short_help="Show how operators and provers stand, and why.")(run)


@with_client
def run(
    options: ClientOptions,
    address: Annotated[str, typer.Argument(metavar="[ADDRESS]", help="One operator; without it: all.")] = "",
) -> None:
    """Show the reputation of operators and their provers: what the network saw itself, nobody's word.

    Counts are of verified facts and halve in a week (or what the network set). Buckets go from 0 (best) to 3: of the
    provers that stay in a round, those of a better bucket get work first. A new prover stands in bucket 1. One that
    failed again and again is paused: no work until a time, then one job at a time until one verifies.

    \b
    Example:
      proofgrid operators
      proofgrid operators 0x52908400098527886E0F7030069857D2E4169EE7 --json
    """
    answer = options.ask(lambda client: client.operators(address))
    if options.json:
        print_json(plain(answer))
        return
    if not answer.operators:
        say("no prover of that operator was ever here" if address else "no prover was ever here")
    for operator in answer.operators:
        _print_operator(operator)
    if answer.operators:
        say(f"counts halve in {answer.half_life_days} days", style="dim")


def _print_operator(operator: OperatorStanding) -> None:
    say(f"operator {operator.operator}, bucket {operator.bucket}", style="bold")
    columns = ("prover", "bucket>", "share>", "proven>", "late>", "lost>", "crashed>", "invalid>", "breaker")
    rows = [(short_prover(p.prover_id), p.bucket, *_counts(p.counts), _breaker(p)) for p in operator.provers]
    print_table(columns, rows, empty="no provers")
    for prover in operator.provers:
        say(f"  {short_prover(prover.prover_id)}: " + "; ".join(prover.reasons))
        for speed in prover.speeds:
            say(
                f"    {speed.proof_system}/{speed.class_}: {speed.units_per_second_milli // 1_000} PU/s"
                f" from {speed.samples} proofs (confidence {speed.confidence_permille // 10} %)"
            )


def _counts(counts: FactCounts) -> tuple[str, ...]:
    milli = (
        counts.proven_milli,
        counts.late_milli,
        counts.lost_milli,
        counts.crashed_milli,
        counts.invalid_milli,
    )
    share = counts.success_share_permille
    return (f"{share // 10}.{share % 10} %", *(f"{one // 1_000}.{one % 1_000 // 100}" for one in milli))


def _breaker(prover: ProverStanding) -> str:
    if prover.breaker == "open":
        return f"open until {date_text(prover.paused_until_ms)}"
    return prover.breaker.replace("_", "-")
