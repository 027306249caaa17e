"""`proofgrid market`: the auction itself, on markets from a file."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.bars import count_bar
from proofgrid.primitives.errors import InvalidField

if TYPE_CHECKING:
    from proofgrid.cli.market.clear_items import Members, Reader

group = typer.Typer(
    name="market",
    help="The market: its public record, run again by anybody, and the same auction on markets from a file.",
    short_help="The market's public record, run again.",
    no_args_is_help=True,
)


@group.command("clear", short_help="Clear markets from a JSON file.")
def clear(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Markets as JSON; - reads standard input.")],
    json: Annotated[bool, typer.Option("--json", help="Print errors as JSON too; markets always are.")] = False,
) -> None:
    """Clear markets with the network's own auction (DARA); print them with their results, as JSON.

    FILE is a list of markets, or an object with such lists under "clear" and "classes". Two buyers, two sellers:

    \b
    [{"buyers":  [[1, 4, 30, 0], [2, 6, 40, 1]],
      "sellers": [[7, 8, 10, 0], [8, 9, 25, 1]],
      "params":  [0, 9223372036854775807, 20, [4, 5], [5, 4], [1, 1]]}]

    Orders are [id, units, price per unit, rank]: a buyer takes all her units or none, rank 0 is best. Params are
    [floor, ceil, ref, lo, hi, share]: where both clocks start, the reference price or null, the window around it and
    the largest order, as ratios [numerator, denominator]. All numbers are whole. Each market is printed with:

    \b
      pb, ps       what winning buyers pay per unit, what sellers get
      buys, sells  who trades how many units: [id, units]
      active       sellers still in, with their unsold units
      treasury     what was paid and not passed on
      slices       who serves whom: [buyer, seller, units]
      next_ref     the next reference price; it starts from "ref", by default the one in params

    Nested lanes, the most demanding first, are {"lanes": [[buyers, sellers, params], …]}: unsold capacity serves the
    lanes below, and the results of each lane tell what its sellers receive (recv).

    \b
    Example:
      proofgrid market clear markets.json
      proofgrid market clear - < markets.json
    """
    del json  # `failures.exit_with` looks for it itself
    document = _read_json(file)
    typer.echo(jsonlib.dumps(_answer(document), separators=(",", ":")))


def _read_json(file: Path) -> object:
    try:
        document: object = jsonlib.loads(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except OSError as error:
        raise InvalidField(f"{file} cannot be read: {error.strerror}", field="file") from None
    except (ValueError, RecursionError) as error:
        raise InvalidField(f"{file} is no JSON: {error}", field="file") from None
    return document


def _answer(document: object) -> object:
    """Return the document with the result fields of all its markets."""
    from proofgrid.cli.market.clear_items import READERS, read_document

    lists = read_document(document)
    read = [name for name in READERS if name in lists]
    total = sum(len(lists[name]) for name in read)
    done = count(1)
    with count_bar("markets") as show:
        show(0, total)
        answers = {
            name: list(_answers(name, READERS[name], lists[name], lambda: show(next(done), total))) for name in read
        }
    return {**document, **answers} if isinstance(document, dict) else answers["items"]


def _answers(name: str, read: Reader, items: Sequence[object], advance: Callable[[], None]) -> Iterator[Members]:
    from proofgrid.primitives.collector import no_collections
    from proofgrid.rules.market.clearing import clear_book

    for number, item in enumerate(items):
        with no_collections():
            answer = read(item, path=f"{name}[{number}]").answer(clear_book)
        yield answer
        advance()
