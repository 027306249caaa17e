"""What is told of rounds: one round, records that were checked, records that were refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from proofgrid.cli.kit.console import print_json, print_table, say, stderr
from proofgrid.cli.kit.failures import EXIT_FAILED, error_text, error_to_json
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.money import format_price

if TYPE_CHECKING:
    from proofgrid.sdk.records import FileReport


def print_round(transcript: Mapping[str, Any]) -> None:
    """Print a round, of its transcript: orders, who traded, prices."""
    result, parameters = transcript["result"], transcript["parameters"]
    say(f"round {transcript['number']} of {transcript['lane']}", style="bold")
    say(
        "  per million PU: "
        + ", ".join(
            f"{name} {format_price(parameters[key])}"
            for name, key in (("reference", "reference"), ("floor", "floor"), ("ceiling", "ceil"))
        )
    )
    jobs: Counter[str] = Counter(placed[1] for placed in result["placements"])
    sold: Counter[str] = Counter()
    for placed in result["placements"]:
        sold[placed[2]] += placed[3]
    bids = [
        (bid["task_id"][:12], bid["units"], format_price(bid["limit_price"]), bid["rank"], jobs[bid["task_id"]] or "")
        for bid in sorted(transcript["bids"], key=lambda bid: bid["rank"])
    ]
    asks = [
        (
            ask["prover_id"][:12],
            ask["units"],
            format_price(ask["ask_price"]),
            ask["rank"],
            sold[ask["prover_id"]] or "",
            ask["carried"]["lane"] if ask["carried"] else "",
        )
        for ask in sorted(transcript["asks"], key=lambda ask: ask["rank"])
    ]
    print_table(("bid", "PU>", "limit>", "rank>", "jobs sold>"), bids, empty="no bids")
    print_table(("ask", "PU>", "ask, /M>", "rank>", "PU sold>", "carried from"), asks, empty="no asks")
    if result["placements"]:
        say(
            f"clients pay {format_price(result['buy_price'])}, operators get {format_price(result['sell_price'])}"
            " per million PU",
            style="bold green",
        )
    else:
        say("nothing was sold", style="yellow")
    say(f"next reference {format_price(transcript['next_reference'])}")


def print_reports(reports: Sequence[FileReport], count: int, seconds: float, *, pinned: bool, json: bool) -> None:
    """Print what was checked: `count` rounds in `seconds`; `pinned`: it was said whose signature counts."""
    if json:
        print_json(
            {
                "valid": True,
                "network_pinned": pinned,
                "rounds": count,
                "files": [
                    {**one.header.to_json(), "file": str(one.path), "not_compared": sorted(one.not_compared)}
                    for one in reports
                ],
            }
        )
        return
    for one in reports:
        header = one.header
        say(
            f"✓ {header.lane}: rounds {header.first} to {header.last}, {header.rounds} in all, "
            f"signed by {header.network}"
        )
        for lane in sorted(one.not_compared):
            say(f"  capacity carried from {lane} is taken as recorded: give its file too", style="yellow")
    if not pinned:
        say("  say whose signature counts: --network 0x…", style="yellow")
    say(f"{count} rounds run again in {seconds:.1f} s ({count / max(seconds, 0.001):.0f} rounds/s): all as recorded")


def refuse(error: ProofgridError, *, json: bool) -> NoReturn:
    """Print what is wrong with a record, and end with exit code 1."""
    if json:
        print_json({"valid": False, **error_to_json(error)})
    else:
        stderr().print(f"✗ {error_text(error)}", style="bold red", markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_FAILED) from None
