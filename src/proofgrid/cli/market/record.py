"""`proofgrid market show|export|replay`: the market's public record, checked by anybody."""

from __future__ import annotations

import json as jsonlib
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.bars import count_bar
from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.options import ClientOptions, KeysOption, with_client
from proofgrid.cli.market.telling import print_reports, print_round, refuse
from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.primitives.event_loop import run_async

if TYPE_CHECKING:
    from proofgrid.sdk.records import FileReport

Advance = Callable[[int, int], None]  #: (done, in all)

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


@with_client
def export(
    options: ClientOptions,
    lane: Annotated[
        str, typer.Argument(metavar="LANE", help="Like default/ezkl@23.0.5/small; `proofgrid rounds` lists them.")
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
      proofgrid market export default/ezkl@23.0.5/small --since 24h --out day.rounds
    """
    since_ms = _since_ms(since)
    with count_bar("rounds") as advance:
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
    keys: KeysOption = None,
) -> None:
    """Run rounds again from their recorded orders, and check every byte, hash, signature, link and price.

    With files it needs no gateway, no database and no key. Give the files of all lanes of a stack (large, medium,
    small) to have the lots compared that gave each prover its lane, and --network to say whose signature counts. Exit 1
    when anything is wrong.

    \b
    Examples:
      proofgrid market replay default/ezkl@23.0.5/small --from 100
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
            with count_bar("rounds") as advance:
                reports, count = _check(files, options.network, advance, keys)
        else:
            reports, count = _fetch_and_check(options, what[0], first, last, keys)
    except ProofgridError as error:
        refuse(error, json=options.json)
    print_reports(reports, count, time.monotonic() - started, pinned=options.network is not None, json=options.json)


@with_client
def show(
    options: ClientOptions,
    lane: Annotated[str, typer.Argument(metavar="LANE")],
    number: Annotated[int, typer.Argument(metavar="ROUND", min=1)],
) -> None:
    """Show a round as anybody may see it: orders under names of this round only, what they bid, what came of them.

    \b
    Example:
      proofgrid market show default/ezkl@23.0.5/small 17
    """
    with tempfile.TemporaryDirectory(prefix="proofgrid-round-") as folder:
        path = Path(folder) / "round"
        run_async(_export(options, lane, path, number, number, 0, lambda done, total: None))
        transcript = jsonlib.loads(path.read_bytes().splitlines()[1])["transcript"]
    if options.json:
        print_json(transcript)
    else:
        print_round(transcript)


async def _export(
    options: ClientOptions,
    lane: str,
    out: Path,
    first: int,
    last: int,
    since_ms: int,
    advance: Advance,
) -> int:
    from proofgrid.sdk.records import export_rounds

    async with options.client() as client:
        return await export_rounds(
            client.connection, lane, out, first=first, last=last, since_ms=since_ms, on_rounds=advance
        )


def _fetch_and_check(
    options: ClientOptions, lane: str, first: int, last: int, keys: Path | None
) -> tuple[list[FileReport], int]:
    with tempfile.TemporaryDirectory(prefix="proofgrid-replay-") as folder:
        path = Path(folder) / "rounds"
        with count_bar("rounds") as advance:
            run_async(_export(options, lane, path, first, last, 0, advance))
        with count_bar("checked") as advance:
            return _check([path], options.network, advance, keys)


def _check(files: list[Path], network: str | None, advance: Advance, keys: Path | None) -> tuple[list[FileReport], int]:
    from proofgrid.primitives.signatures import parse_address
    from proofgrid.sdk.network_keys import read_list_file
    from proofgrid.sdk.records import check_records

    count = 0

    def note(_checked: object) -> None:
        nonlocal count
        count += 1
        advance(count, 0)

    expected = parse_address(network, field="network") if network else None
    return check_records(files, network=expected, keys=read_list_file(keys), on_round=note), count


def _since_ms(text: str) -> int:
    if not text:
        return 0
    found = _AGO.fullmatch(text)
    if found is None:
        raise InvalidField("a time like 24h, 30m, 7d", field="since")
    from proofgrid.primitives.clock import SystemClock

    return SystemClock().now_ms() - 1_000 * int(found[1]) * _SECONDS[found[2]]
