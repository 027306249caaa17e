"""Small worlds for tests, and the sentence that tells how to see a failing one again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from proofgrid.simulation.presets import PRESETS
from proofgrid.simulation.report import command_of
from proofgrid.simulation.scenario import Scenario
from proofgrid.simulation.world import World

SMALL: dict[str, Any] = {"provers": 24, "jobs": 500, "clients": 10, "deadline_ms": 300_000}


def a_scenario(**changes: Any) -> Scenario:
    """Return a small honest market; a change is a change of one setting."""
    return Scenario(**{"name": "market-day", "summary": "a test", **SMALL, **changes})


def a_preset(name: str, *, seed: int) -> Scenario:
    """Return a preset, made small."""
    settings = {**{one: getattr(PRESETS[name], one) for one in PRESETS[name].__dataclass_fields__}, **SMALL}
    return Scenario(**{**settings, "seed": seed})


def a_run(scenario: Scenario, **options: Any) -> World:
    """Return the world after it came to its end."""
    world = World(scenario, **options)
    assert world.run(), replay_with(scenario)
    return world


def replay_with(scenario: Scenario) -> str:
    """Every assertion over seeds says this: the command, or what to call where no command has these settings."""
    known = PRESETS[scenario.name]
    flags = ("provers", "jobs", "clients", "load_permille", "deadline_ms", "seed")
    if replace(known, **{name: getattr(scenario, name) for name in flags}) == scenario:
        return f"replay with: {command_of(scenario)}"
    usual = a_scenario().as_json()
    changes = {name: value for name, value in scenario.as_json().items() if value != usual[name]}
    return f"replay with: a_run(a_scenario(**{changes!r}))"
