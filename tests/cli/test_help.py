"""The help of the command line."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

import proofgrid
from proofgrid.cli.main import whole_command_line
from proofgrid.cli.run import gateway, prover
from proofgrid.cli.verbs import VERBS, asked_verb, typed_so_far
from proofgrid.settings.declared import declared
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.settings.prover import ProverSettings
from tests.cli.commands import proofgrid as run_proofgrid


def _commands(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not hasattr(command, "commands"):
        return [path]
    return [found for name, child in command.commands.items() for found in _commands(child, (*path, name))]


WHOLE: Any = typer.main.get_command(whole_command_line())
COMMANDS = _commands(WHOLE)


Help = Callable[..., str]


@pytest.fixture
def help_of(capsys: pytest.CaptureFixture[str]) -> Help:
    """What `proofgrid … --help` shows, of the words between."""

    def shown(path: tuple[str, ...], **settings: Any) -> str:
        assert WHOLE.main([*path, "--help"], prog_name="proofgrid", standalone_mode=False, **settings) == 0
        return capsys.readouterr().out

    return shown


def test_every_verb_of_the_design_is_there() -> None:
    verbs = {path[0] for path in COMMANDS}
    assert verbs >= {
        "demo",
        "gateway",
        "prover",
        "submit",
        "watch",
        "result",
        "verify",
        "status",
        "account",
        "keys",
        "admin",
    }
    assert len(COMMANDS) == len(set(COMMANDS)) > 20


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_shows_it_in_an_example(path: tuple[str, ...], help_of: Help) -> None:
    shown = help_of(path)
    assert f"  proofgrid {' '.join(path)}" in shown.split("Example", 1)[1]
    if path not in [("keys", "new"), ("webhook", "listen")]:  # the second prints nothing else
        assert "--json" in shown


@pytest.mark.thorough
def test_help_fits_a_narrow_terminal(help_of: Help) -> None:
    columns = 60
    for path in [(), *COMMANDS]:
        shown = help_of(path, terminal_width=columns)
        # What is to be copied, and tables of words, stay on their lines.
        assert [line for line in shown.splitlines() if len(line) > columns and not line.startswith("    ")] == [], path


@pytest.mark.parametrize(("command", "settings"), [(gateway.run, GatewaySettings), (prover.run, ProverSettings)])
def test_every_setting_of_a_process_is_a_flag(command: Any, settings: Any) -> None:
    flags = set(inspect.signature(command).parameters) - {"lifeline", "json", "self_check", "check"}
    # A password on a command line would be in every list of processes.
    assert flags == {one.name for one in declared(settings) if not one.told.is_secret}


def test_the_top_help_teaches_the_flow_in_order(help_of: Help) -> None:
    shown = help_of(())
    steps = ["demo", "gateway", "keys new", "admin grant", "prover --key", "program register", "submit", "verify"]
    places = [shown.index(f"  proofgrid {step}") for step in steps]
    assert places == sorted(places)


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    assert run_proofgrid("--version", home=tmp_path).stdout == f"proofgrid {proofgrid.__version__}\n"


def test_showing_help_loads_nothing_heavy() -> None:
    heavy = ["grpc", "pydantic", "eth_account", "numpy", "onnx", "ezkl", "asyncpg", "uvloop"]
    program = f"import sys, proofgrid.cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


def test_every_verb_is_that_of_its_modules() -> None:
    assert set(WHOLE.commands) == set(VERBS)
    for verb in VERBS:
        assert asked_verb([verb, "--help"]) == asked_verb(["--config", "a.toml", verb]) == verb
        assert asked_verb(["--config=a.toml", verb]) == verb
    for words in ([], ["--help"], ["--version"], ["submi"], ["--config"], ["--config", "submit"]):
        assert asked_verb(words) is None


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("proofgrid submit --limit", "submit"),
        ("proofgrid doctor ", "doctor"),
        ("proofgrid quote", None),  # or quotes
        ("proofgrid sub", None),
        ("proofgrid ", None),
        ("proofgrid", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("name", ["COMP_WORDS", "_TYPER_COMPLETE_ARGS"])  # bash's; those of the other shells
def test_a_verb_is_known_while_its_line_is_completed(name: str, line: str, verb: str | None) -> None:
    assert asked_verb(typed_so_far({name: line})) == verb
