"""A prover's region wrote the clipboard of the operator who looked at a list (OSC 52): terminals get text only.

Pins down: whatever the command line prints, in sentences, tables, cards, bars and errors, and whatever a log says,
holds no control character of somebody else's, and no direction of writing.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from proofgrid.cli.kit import console, failures
from proofgrid.cli.kit.safe_console import SafeConsole
from proofgrid.cli.kit.task_screen import TaskScreen
from proofgrid.primitives.errors import InvalidField
from proofgrid.sdk.event import Event
from proofgrid.telemetry.logs import configure_logs

EVIL = "eu\x1b]52;c;cm0gLXJmIH4=\x07\x1b[2J\x9b31m\u202ewest\u200b\x7f\r"
SHOWN = "eu\\x1b]52;c;cm0gLXJmIH4=\\x07\\x1b[2J\\x9b31m\\u202ewest\\u200b\\x7f\\r"
SOURCES = Path(console.__file__).parents[1]


def is_clean(text: str) -> bool:
    """Tell whether a terminal would act on nothing of it but ends of lines."""
    return re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", text) is None


def table_of_regions() -> None:
    console.print_table(["prover", "region"], [("0xa/p", EVIL), ("0xb/p", "one\ntwo")], empty="")


def cards_of_regions() -> None:
    console.print_table(["prover" * 20, "region" * 20], [("0xa/p", EVIL)], empty="")


def a_failure() -> None:
    with pytest.raises(SystemExit):
        failures.exit_with(InvalidField(EVIL, field=EVIL, hint=EVIL))


def a_task() -> None:
    with TaskScreen() as screen:
        data = {"slice": 0, "input": 0, "prover": f"0xa/{EVIL}", "reason": EVIL, "detail": EVIL}
        screen.show(Event(1, "returned", 0, data | {"attempt": 1, "attempts_max": 5, "returns": 1}))


EXITS: dict[str, Callable[[], None]] = {
    "a sentence": lambda: console.say(EVIL, style="bold"),
    "a warning": lambda: console.complain(EVIL),
    "a table": table_of_regions,
    "cards": cards_of_regions,
    "a failure": a_failure,
    "a task": a_task,
    "JSON": lambda: console.print_json({"region": EVIL.replace("\x7f", "")}),
}


@pytest.mark.parametrize("name", EXITS)
def test_no_exit_of_the_command_line_lets_escapes_out(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    EXITS[name]()
    said = "".join(capsys.readouterr())
    assert is_clean(said), repr(said)
    assert "clipboard" not in said
    assert "52;c" in re.sub(r"\s", "", said)


def test_a_line_break_in_a_cell_makes_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    table_of_regions()
    assert "one\\ntwo" in capsys.readouterr().out


def test_on_a_terminal_our_own_colours_stay_and_bars_are_drawn_without_others() -> None:
    from rich.progress import BarColumn, Progress, TextColumn

    written = io.StringIO()
    screen = SafeConsole(file=written, highlight=False, force_terminal=True, color_system="standard", width=200)
    screen.print(EVIL, style="bold red", markup=False, soft_wrap=True)
    with Progress(TextColumn("{task.description}", markup=False), BarColumn(), console=screen) as progress:
        progress.add_task(EVIL)
    said = written.getvalue()
    shown = SHOWN.replace("\\x07", "").replace("\\r", "")  # rich leaves these two out itself
    assert f"\x1b[1;31m{shown}" in said
    assert "\x1b]52" not in said
    assert "\u202e" not in said
    assert "eu\\x1b]52;c" in said.split("\n", 1)[1]


def test_nobody_prints_past_the_one_console() -> None:
    elsewhere = [
        path.name
        for path in SOURCES.rglob("*.py")
        if path.name != "safe_console.py" and re.search(r"(?<!Safe)\bConsole\(|(?<![\w.])print\(", path.read_text())
    ]
    assert elsewhere == []


@pytest.mark.parametrize("json_lines", [False, True])
def test_a_log_shows_what_others_wrote_and_acts_on_nothing(json_lines: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    before = structlog.get_config()
    try:
        configure_logs(json_lines=json_lines)
        try:
            raise ValueError(EVIL)
        except ValueError:
            structlog.get_logger().exception("result_refused", detail=f"{EVIL}\nforged=yes", prover_id=EVIL)
    finally:
        structlog.configure(**before)
    assert is_clean(written.getvalue().replace("\x7f", "" if json_lines else "\x7f"))
    assert "\nforged" not in written.getvalue()
