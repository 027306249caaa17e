"""`proofgrid market clear`, as people and other programs run it: JSON in, the same JSON with its results out."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.clearing import FAST_FROM_ORDERS
from tests.cli.commands import proofgrid

VECTOR_FILE = Path(__file__).parents[2] / "rules" / "vectors" / "dara.json"
VECTORS: dict[str, Any] = json.loads(VECTOR_FILE.read_text())
CLEAR_INPUTS = {"buyers", "sellers", "params", "ref"}
CLASSES_INPUTS = {"lanes"}


def inputs_of(items: list[dict[str, Any]], names: set[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name in names} for item in items]


def a_market(**changes: Any) -> dict[str, Any]:
    return {
        "buyers": [[1, 4, 30, 0], [2, 6, 40, 1]],
        "sellers": [[7, 8, 10, 0], [8, 9, 25, 1]],
        "params": [0, PRICE_MAX, 20, [4, 5], [5, 4], [1, 1]],
        **changes,
    }


def cleared(document: Any, home: Path) -> Any:
    file = home / "markets.json"
    file.write_text(json.dumps(document))
    ended = proofgrid("market", "clear", str(file), home=home)
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def refusal(text: str, home: Path) -> str:
    file = home / "markets.json"
    file.write_text(text)
    ended = proofgrid("market", "clear", str(file), home=home)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize(("kind", "names"), [("clear", CLEAR_INPUTS), ("classes", CLASSES_INPUTS)])
def test_the_vectors_without_their_results_come_back_with_them(kind: str, names: set[str], tmp_path: Path) -> None:
    items = inputs_of(VECTORS[kind], names)
    assert items != VECTORS[kind]

    answers = cleared(items, tmp_path)

    assert answers == VECTORS[kind]
    assert [list(answer) for answer in answers] == [list(item) for item in VECTORS[kind]]


def test_a_whole_vector_file_comes_back_byte_for_byte(tmp_path: Path) -> None:
    bare = {
        **VECTORS,
        "clear": inputs_of(VECTORS["clear"], CLEAR_INPUTS),
        "classes": inputs_of(VECTORS["classes"], CLASSES_INPUTS),
    }
    (tmp_path / "bare.json").write_text(json.dumps(bare))

    for file in (VECTOR_FILE, tmp_path / "bare.json"):
        ended = proofgrid("market", "clear", str(file), home=tmp_path)
        assert ended.stdout.rstrip("\n") == VECTOR_FILE.read_text().rstrip("\n")


def test_wrong_results_in_the_input_are_ignored(tmp_path: Path) -> None:
    lied = [{**item, "pb": "nonsense", "buys": None, "next_ref": -1} for item in VECTORS["clear"][:20]]
    nested = [{**item, "results": []} for item in VECTORS["classes"][:5]]

    assert cleared(lied, tmp_path) == VECTORS["clear"][:20]
    assert cleared(nested, tmp_path) == VECTORS["classes"][:5]


def test_markets_are_read_from_standard_input(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "proofgrid.cli.main", "market", "clear", "-"],
        input=json.dumps([a_market()]),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    answer = json.loads(ended.stdout)[0]
    assert (answer["pb"], answer["ps"], answer["buys"], answer["sells"]) == (30, 25, [[2, 6]], [[7, 6]])
    assert (answer["active"], answer["treasury"], answer["slices"]) == ([[7, 2]], 30, [[2, 7, 6]])


def test_the_next_reference_starts_from_the_one_in_params_unless_said_otherwise(tmp_path: Path) -> None:
    first, second, third = cleared([a_market(), a_market(ref=None), a_market(ref=80)], tmp_path)

    assert (first["ref"], first["next_ref"]) == (20, 22)
    assert (second["ref"], second["next_ref"]) == (None, 27)
    assert (third["ref"], third["next_ref"]) == (80, 70)
    assert cleared([], tmp_path) == []


def test_a_book_big_enough_for_the_fast_path_gives_what_the_pure_clearing_gives(tmp_path: Path) -> None:
    from proofgrid.rules.market.dara import clear
    from tests.rules.market.test_dara_vectors import asks_of, bids_of, rules_of, units_by_id

    random = Random(5)
    size = FAST_FROM_ORDERS
    book = a_market(
        buyers=[[i, random.randint(1, 9), random.randint(0, 2**40), i] for i in range(size)],
        sellers=[[i, random.randint(1, 9), random.randint(0, 2**40), size - i] for i in range(size)],
    )

    answer = cleared([book], tmp_path)[0]

    pure = clear(bids_of(book), asks_of(book), rules_of(book))
    assert (answer["pb"], answer["ps"], answer["treasury"]) == (pure.buy_price, pure.sell_price, pure.surplus)
    assert units_by_id(answer["buys"]) == dict(pure.bought) != {}
    assert units_by_id(answer["active"]) == dict(pure.still_in)
    assert [tuple(map(str, piece[:2])) for piece in answer["slices"]] == [piece[:2] for piece in pure.slices]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"buyer": []}, "items[1].buyer", "no such field"),
        ({"buyers": {}}, "items[1].buyers", "a list is needed"),
        ({"buyers": [[1, 4, 30]]}, "items[1].buyers[0]", "id, units, bid, rank"),
        ({"sellers": [[1, 4, 30, 0], 7]}, "items[1].sellers[1]", "id, units, ask, rank"),
        ({"buyers": [[1, 4, 30, 0], [2, 0, 30, 1]]}, "items[1].buyers[1].units", "at least one unit"),
        ({"buyers": [[1, 4.5, 30, 0]]}, "items[1].buyers[0].units", "whole number"),
        ({"buyers": [[1, 4, "30", 0]]}, "items[1].buyers[0].bid", "whole number"),
        ({"sellers": [[1, 4, -1, 0]]}, "items[1].sellers[0].ask", "at least 0"),
        ({"sellers": [[1, 4, PRICE_MAX, 0]]}, "items[1].sellers[0].ask", f"below {PRICE_MAX}"),
        ({"sellers": [[1, 4, 1, None]]}, "items[1].sellers[0].rank", "from 0"),
        ({"sellers": [["x", 4, 1, 0]]}, "items[1].sellers[0].id", "whole number"),
        ({"sellers": [[True, 4, 1, 0]]}, "items[1].sellers[0].id", "whole number"),
        ({"sellers": [[1, 4, 1, 0], [1, 4, 1, 1]]}, "items[1].sellers[1].id", "there before"),
        ({"buyers": [[1, 4, 1, 3], [2, 4, 1, 3]]}, "items[1].buyers[1].rank", "there before"),
        ({"params": [0, 1, None]}, "items[1].params", "floor, ceil, ref, lo, hi, share"),
        ({"params": [0, 1, 2.0, [1, 1], [1, 1], [1, 1]]}, "items[1].params.ref", "whole number"),
        ({"params": [0, 1, None, [3, 2], [1, 1], [1, 1]]}, "items[1].params.lo", "not above"),
        ({"params": [0, 1, None, [1, 1], [1, 0], [1, 1]]}, "items[1].params.hi", "denominator"),
        ({"params": [0, 1, None, [1, 1], [1, 1], 1]}, "items[1].params.share", "a list is needed"),
        ({"params": [-1, 1, None, [1, 1], [1, 1], [1, 1]]}, "items[1].params.floor", "from 0"),
        ({"ref": -5}, "items[1].ref", "null or a whole number"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_value_that_breaks_a_rule_is_named_with_its_item(
    change: dict[str, Any], field: str, rule: str, tmp_path: Path
) -> None:
    complaint = refusal(json.dumps([a_market(), a_market(**change)]), tmp_path)
    assert complaint.startswith(f"PG-101 [{field}] ")
    assert rule in complaint


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "[file]"),
        ("[" * 100_000, "[file]"),
        ("null", "[file]"),
        (json.dumps(a_market()), "[file]"),
        ("[3]", "[items[0]]"),
        ('[{"buyers": [], "sellers": []}]', "[items[0].params]"),
        ('{"clear": [], "more": []}', "[file.more]"),
        ('{"clear": {}}', "[clear]"),
        ('{"clear": [], "maxp": 100}', "[maxp]"),
        ('{"clear": [], "fields": {}}', "[fields]"),
        ('{"classes": [{"buyers": [], "sellers": [], "params": []}]}', "[classes[0].lanes]"),
        ('[{"lanes": [[[], []]]}]', "[items[0].lanes[0]]"),
        ('[{"lanes": [], "pb": 1}]', "[items[0].pb]"),
    ],
)
def test_what_is_no_list_of_markets_is_refused_and_named(text: str, where: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path).startswith(f"PG-101 {where} ")


@pytest.mark.parametrize("place", [0, 3])
def test_a_seller_in_two_lanes_is_named_in_the_second(place: int, tmp_path: Path) -> None:
    seller, other = [1, 4, 30, 0], [2, 4, 30, 1]
    other[place] = seller[place]
    params = a_market()["params"]

    complaint = refusal(json.dumps([{"lanes": [[[], [seller], params], [[], [other], params]]}]), tmp_path)

    assert complaint.startswith(f"PG-101 [items[0].lanes[1].sellers[0].{'id' if place == 0 else 'rank'}] ")


def test_a_missing_file_is_named_also_as_json(tmp_path: Path) -> None:
    ended = proofgrid("market", "clear", str(tmp_path / "none.json"), "--json", home=tmp_path)

    error = json.loads(ended.stderr)["error"]
    assert (ended.returncode, error["field"]) == (1, "file")
    assert "none.json" in error["detail"]


def test_the_example_in_the_help_is_a_market_that_trades(tmp_path: Path) -> None:
    shown = proofgrid("market", "clear", "--help", home=tmp_path).stdout
    start = shown.index('[{"buyers"')
    example = shown[start : shown.index("}]", start) + 2]

    assert cleared(json.loads(example), tmp_path)[0]["slices"] != []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal to pretend to be")
def test_a_terminal_sees_a_bar_and_the_output_stays_pure_json(tmp_path: Path) -> None:
    file = tmp_path / "markets.json"
    file.write_text(json.dumps([a_market()] * 50))
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "proofgrid.cli.main", "market", "clear", str(file)],
        stdout=subprocess.PIPE,
        stderr=its_end,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(its_end)
        seen = b"".join(_chunks(terminal))
        output, _ = process.communicate(timeout=120)
    os.close(terminal)

    assert len(json.loads(output)) == 50
    assert b"50/50" in seen


def _chunks(terminal: int) -> Iterator[bytes]:
    """Yield what a terminal shows until the other end is closed, which Linux reports as an error."""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65_536):
            yield chunk
