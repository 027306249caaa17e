"""`proofgrid market prove-order|check-order`: orders are public, owners are not, unless they prove which was theirs."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.console import plain, print_json, say
from proofgrid.cli.kit.options import ClientOptions, JsonOption, with_client
from proofgrid.cli.market.telling import refuse
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, ProofgridError


def add_to(market: typer.Typer) -> None:
    market.command("prove-order", short_help="Make a proof that an order of a round is yours.")(prove_order)
    market.command("check-order", short_help="Check somebody's proof that an order is theirs.")(check_order)


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
      proofgrid market prove-order default/ezkl@23.0.5/small 17 TASK --out mine.json
    """
    from proofgrid.sdk.records import open_order

    opening = options.ask(lambda client: open_order(client.connection, lane, number, what))
    out.write_text(jsonlib.dumps(plain(opening), indent=2, sort_keys=True) + "\n")
    if options.json:
        print_json(plain(opening))
    else:
        say(f"order {opening.order_id} of round {number}; check it: proofgrid market check-order {out} ROUNDS-FILE")


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
        opened, order = _opened(proof, rounds)
    except ProofgridError as error:
        refuse(error, json=json)
    if json:
        print_json({**opened, "order": order})
        return
    say(f"yes: {opened['what']} is order {opened['order_id']}", style="bold green")
    for name, value in sorted(order.items()):
        say(f"  {name}: {jsonlib.dumps(value)}")


def _opened(proof: Path, rounds: list[Path]) -> tuple[dict[str, object], Mapping[str, Json]]:
    """Return what was opened, and the order as the record has it."""
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
    for group in ("bids", "idle_bids", "asks", "absent", "idle_asks"):
        for order in checked.transcript.get(group, ()):  # records of the first edition have none that are idle
            if named in (order.get("task_id"), order.get("prover_id")):
                return {"lane": lane, "number": number, "what": what, "order_id": named}, order
    unnamed = "; bids below every ask are only counted in it" if "counted" in checked.transcript else ""
    raise TranscriptMismatch(f"round {number} of {lane} has no such order{unnamed}", field="order_id")
