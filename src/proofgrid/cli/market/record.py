"""`proofgrid market export|replay|prove-order|check-order`: the market's public record, checked by anybody."""

from __future__ import annotations

import json as jsonlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proofgrid.cli.kit.console import print_json, print_table, say, stderr
from proofgrid.cli.kit.failures import EXIT_FAILED, error_text, error_to_json
from proofgrid.cli.kit.options import ClientOptions, JsonOption, run_async, with_client
from proofgrid.primitives.errors import InvalidField, ProofgridError

if TYPE_CHECKING:
    from proofgrid.sdk.records import FileReport

_AGO = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

FirstOption = Annotated[
    int, typer.Option("--from", min=0, metavar="NUMBER", help="The first round. [default: all]", show_default=False)
]
LastOption = Annotated[
    int, typer.Option("--to", min=0, metavar="NUMBER", help="The last round. [default: latest]", show_default=False)
]


def add_to(market: typer.Typer) -> None:
    market.command("show", short_help="Show one round: its orders, who traded, at which price.")(show)
    market.command("export", short_help="Write a lane's rounds to a file that anybody can check.")(export)
    market.command("replay", short_help="Run rounds again and check them, from a lane or from files.")(replay)
    market.command("prove-order", short_help="Make a proof that an order of a round is yours.")(prove_order)
    market.command("check-order", short_help="Check somebody's proof that an order is theirs.")(check_order)


@with_client
def export(
    options: ClientOptions,
    lane: Annotated[
        str, typer.Argument(metavar="LANE", help="Like default/ezkl/small; `proofgrid rounds` lists them.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write.")],
    first: FirstOption = 0,
    last: LastOption = 0,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Only the latest, like 24h, 30m, 7d.")] = "",
) -> None:
    """Write the public record of a lane's rounds: every order without its owner, ranks, prices, results, signatures.

    The file needs nobody's word: `proofgrid market replay FILE` runs every round again.

    \b
    Example:
      proofgrid market export default/ezkl/small --since 24h --out day.rounds
    """
    since_ms = _since_ms(since)
    with _bar("rounds") as advance:
        count = run_async(_export(options, lane, out, first, last, since_ms, advance))
    if options.json:
        print_json({"lane": lane, "rounds": count, "file": str(out)})
    else:
        say(f"{count} rounds of {lane} in {out}; check them: proofgrid market replay {out}")


@with_client
def replay(
    options: ClientOptions,
    what: Annotated[
        list[str], typer.Argument(metavar="LANE|FILE…", help="A lane, fetched now; or files made by `market export`.")
    ],
    first: FirstOption = 0,
    last: LastOption = 0,
) -> None:
    """Run rounds again from their recorded orders, and check every byte, hash, signature, link and price.

    With files it needs no gateway, no database and no key. Give the files of all lanes of a stack (large, medium,
    small) to have carried capacity compared too, and --network to say whose signature counts. Exit 1 when anything is
    wrong.

    \b
    Examples:
      proofgrid market replay default/ezkl/small --from 100
      proofgrid market replay day-large.rounds day-small.rounds --network 0x…
    """
    files = [Path(text) for text in what if Path(text).is_file()]
    started = time.monotonic()
    try:
        if files and len(files) != len(what):
            raise InvalidField("lanes or files, not both", field="what")
        if not files and len(what) > 1:
            raise InvalidField(f"no files: {', '.join(what)}; or one lane at a time", field="what")
        if files:
            with _bar("rounds") as advance:
                reports, count = _check(files, options.network, advance)
        else:
            reports, count = _fetch_and_check(options, what[0], first, last)
    except ProofgridError as error:
        _refuse(error, json=options.json)
    _print_reports(reports, count, time.monotonic() - started, pinned=options.network is not None, json=options.json)


@with_client
def show(
    options: ClientOptions,
    lane: Annotated[str, typer.Argument(metavar="LANE")],
    number: Annotated[int, typer.Argument(metavar="ROUND", min=1)],
) -> None:
    """Show a round as anybody may see it: orders under names of this round only, what they bid, what came of them.

    
    Example:
      proofgrid market show default/ezkl/small 17
    """
    with tempfile.TemporaryDirectory(prefix="proofgrid-round-") as folder:
        path = Path(folder) / "round"
        run_async(_export(options, lane, path, number, number, 0, lambda done, total: None))
        transcript = jsonlib.loads(path.read_bytes().splitlines()[1])["transcript"]
    if options.json:
        print_json(transcript)
    else:
        _show(transcript)


@with_client
def prove_order(
    options: ClientOptions,
    lane: Annotated[str, typer.Argument(metavar="LANE")],
    number: Annotated[int, typer.Argument(metavar="ROUND", min=0)],
    what: Annotated[str, typer.Argument(metavar="TASK|PROVER", help="Your task's id, or your prover: 0x…/name.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the proof.")],
) -> None:
    """Make a file that proves to anybody which order of a round was yours. Orders are public, owners are not.

    \b
    Example:
      proofgrid market prove-order default/ezkl/small 17 TASK --out mine.json
    """
    opening = run_async(_open(options, lane, number, what))
    out.write_text(jsonlib.dumps(opening, indent=2, sort_keys=True) + "\n")
    if options.json:
        print_json(opening)
    else:
        say(f"order {opening['order_id']} of round {number}; check it: proofgrid market check-order {out} ROUNDS-FILE")


def check_order(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="Made by `market prove-order`.")],
    rounds: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Made by `market export`; has that round.")],
    json: JsonOption = False,
) -> None:
    """Check that a proof opens an order of a recorded round, and print the order.

    \b
    Example:
      proofgrid market check-order mine.json day.rounds
    """
    try:
        order = _opened(proof, rounds)
    except ProofgridError as error:
        _refuse(error, json=json)
    if json:
        print_json(order)
        return
    say(f"yes: {order['what']} is order {order['order_id']}", style="bold green")
    for name, value in sorted(order["order"].items()):
        say(f"  {name}: {jsonlib.dumps(value)}")


async def _export(
    options: ClientOptions, lane: str, out: Path, first: int, last: int, since_ms: int, advance: Callable[..., None]
) -> int:
    from proofgrid.sdk.records import export_rounds

    async with options.client() as client:
        return await export_rounds(
            client.connection, lane, out, first=first, last=last, since_ms=since_ms, on_rounds=advance
        )


async def _open(options: ClientOptions, lane: str, number: int, what: str) -> dict[str, Any]:
    from proofgrid.cli.kit.console import plain
    from proofgrid.sdk.records import open_order

    async with options.client() as client:
        return plain(await open_order(client.connection, lane, number, what))


def _fetch_and_check(options: ClientOptions, lane: str, first: int, last: int) -> tuple[list[FileReport], int]:
    with tempfile.TemporaryDirectory(prefix="proofgrid-replay-") as folder:
        path = Path(folder) / "rounds"
        with _bar("rounds") as advance:
            run_async(_export(options, lane, path, first, last, 0, advance))
        with _bar("checked") as advance:
            return _check([path], options.network, advance)


def _check(files: list[Path], network: str | None, advance: Callable[..., None]) -> tuple[list[FileReport], int]:
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.sdk.records import check_records

    count = 0

    def note(_checked: object) -> None:
        nonlocal count
        count += 1
        advance(count, 0)

    expected = parse_address(network, field="network") if network else None
    return check_records(files, network=expected, on_round=note), count


def _opened(proof: Path, rounds: list[Path]) -> dict[str, Any]:
    from proofgrid.rules.market.blinding import order_id
    from proofgrid.rules.market.rounds import TranscriptMismatch
    from proofgrid.sdk.records import round_of

    try:
        opening = jsonlib.loads(proof.read_text())
        lane, number, what = str(opening["lane"]), int(opening["number"]), str(opening["what"])
        named = order_id(what, bytes.fromhex(opening["nonce"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidField(f"{proof} is no proof of an order", field="proof") from None
    checked = round_of(rounds, lane, number)
    for group, key in (("bids", "task_id"), ("asks", "prover_id"), ("absent", "prover_id")):
        for order in checked.transcript[group]:
            if order[key] == named:
                return {"lane": lane, "number": number, "what": what, "order_id": named, "order": order}
    raise TranscriptMismatch(f"round {number} of {lane} has no such order", field="order_id")


def _show(transcript: dict[str, Any]) -> None:
    result, parameters = transcript["result"], transcript["parameters"]
    say(f"round {transcript['number']} of {transcript['lane']}", style="bold")
    say(f"  reference {parameters['reference']}, floor {parameters['floor']}, ceiling {parameters['ceil']}")
    jobs: Counter[str] = Counter(placed[1] for placed in result["placements"])
    sold: Counter[str] = Counter()
    for placed in result["placements"]:
        sold[placed[2]] += placed[3]
    bids = [
        (bid["task_id"][:12], bid["units"], bid["limit_price"], bid["rank"], jobs[bid["task_id"]] or "")
        for bid in sorted(transcript["bids"], key=lambda bid: bid["rank"])
    ]
    asks = [
        (
            ask["prover_id"][:12],
            ask["units"],
            ask["ask_price"],
            ask["rank"],
            sold[ask["prover_id"]] or "",
            ask["carried"]["lane"] if ask["carried"] else "",
        )
        for ask in sorted(transcript["asks"], key=lambda ask: ask["rank"])
    ]
    print_table(("bid", "PU>", "limit>", "rank>", "jobs sold>"), bids, empty="no bids")
    print_table(("ask", "PU>", "ask>", "rank>", "PU sold>", "carried from"), asks, empty="no asks")
    if result["placements"]:
        say(f"clients pay {result['buy_price']}, operators get {result['sell_price']} per PU", style="bold green")
    else:
        say("nothing was sold", style="yellow")
    say(f"next reference {transcript['next_reference']}")


def _print_reports(reports: list[FileReport], count: int, seconds: float, *, pinned: bool, json: bool) -> None:
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


def _refuse(error: ProofgridError, *, json: bool) -> None:
    if json:
        print_json({"valid": False, **error_to_json(error)})
    else:
        stderr().print(f"✗ {error_text(error)}", style="bold red", markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_FAILED) from None


def _since_ms(text: str) -> int:
    if not text:
        return 0
    found = _AGO.fullmatch(text)
    if found is None:
        raise InvalidField("a time like 24h, 30m, 7d", field="since")
    from proofgrid.primitives.clock import SystemClock

    return SystemClock().now_ms() - 1_000 * int(found[1]) * _SECONDS[found[2]]


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how far it is."""
    console = stderr()
    if not console.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(bar_width=40), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total or None)
