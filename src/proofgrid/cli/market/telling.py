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

Order = Mapping[str, Any]  #: one of a record, or a whole record


def print_round(transcript: Order) -> None:
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
        (
            bid["task_id"][:12],
            size,
            format_price(bid["limit_price"]),
            bid.get("rank", "idle"),
            jobs[bid["task_id"]] or "",
        )
        for bid, size in _sized(transcript, "bids", "idle_bids")
    ]
    asks = [
        (
            ask["prover_id"][:12],
            size,
            format_price(ask["ask_price"]),
            ask.get("rank", "idle"),
            sold[ask["prover_id"]] or "",
        )
        for ask, size in _sized(transcript, "asks", "absent", "idle_asks")
    ]
    print_table(("bid", "jobs>", "limit>", "rank>", "jobs sold>"), bids, empty="no bids")
    counted = transcript.get("counted", {"prices": []})["prices"]
    if counted:
        say(f"and {sum(number for _, number in counted)} bids below every ask, at most {format_price(counted[0][0])}")
    print_table(("ask", "slots>", "ask, /M>", "rank>", "PU sold>"), asks, empty="no asks")
    if result["placements"]:
        say(
            f"clients pay {format_price(result['buy_price'])}, operators get {format_price(result['sell_price'])}"
            " per million PU",
            style="bold green",
        )
    else:
        say("nothing was sold", style="yellow")
    say(f"next reference {format_price(transcript['next_reference'])}")


def _sized(transcript: Order, *groups: str) -> list[tuple[Order, int]]:
    """Return orders with their slots, the best ranks first; those without a rank could not trade in this round."""
    orders = [order for group in groups for order in transcript.get(group, ())]
    orders.sort(key=lambda order: order.get("rank", len(orders)))
    return [(order, order.get("slots", order.get("units", 0))) for order in orders]


def print_reports(reports: Sequence[FileReport], count: int, seconds: float, *, pinned: bool, json: bool) -> None:
    """Print what was checked: `count` rounds in `seconds`; `pinned`: it was said whose signature counts."""
    if json:
        print_json(
            {
                "valid": True,
                "network_pinned": pinned,
                "rounds": count,
                "files": [
                    {**one.header.to_json(), "file": str(one.path), "not_compared": one.not_compared} for one in reports
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
        if one.not_compared:
            say(
                f"  {one.not_compared} rounds were held together with those of other lanes: "
                "give the files of all lanes to have their draws compared",
                style="yellow",
            )
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
