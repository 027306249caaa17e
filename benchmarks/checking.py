"""`make bench-check`: are the watched ratios still what ratios.json says, or did this commit lose more than 15%?

A machine that is busy for a moment loses more than that, so a loss counts only when it is seen in every one of a few
runs; of each ratio the best one counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measuring import Ratio, Result, commit, machine, print_result, say

STORED = Path(__file__).parent / "ratios.json"
LOSS_MAX = 0.15
RUNS_MAX = 3

Run = Callable[[], Result]
Stored = Mapping[str, Mapping[str, Any]]  #: benchmark -> commit, day, machine, and its ratios by name


def read_stored() -> Stored:
    """Return what is stored; nothing, when nothing is."""
    return json.loads(STORED.read_text()) if STORED.exists() else {}


def store(results: Sequence[Result]) -> None:
    """Write down the ratios of results, in place of those of the same benchmarks."""
    stored = dict(read_stored())
    for result in results:
        if result.ratios:
            stored[result.name] = {
                "commit": commit(),
                "day": time.strftime("%Y-%m-%d", time.gmtime()),
                "machine": machine(),
                "ratios": {name: asdict(ratio) for name, ratio in result.ratios.items()},
            }
    STORED.write_text(json.dumps(stored, indent=2) + "\n")
    say(f"written to {STORED.name}: {', '.join(stored)}")


def check(name: str, run: Run, stored: Mapping[str, Any]) -> list[str]:
    """Run a benchmark, again while it seems to have lost; return a line for each ratio that did."""
    before = {key: Ratio(**value) for key, value in stored["ratios"].items()}
    best: dict[str, Ratio] = {}
    losses: list[str] = []
    for attempt in range(RUNS_MAX):
        result = run()
        print_result(result)
        best = better_of(best, result.ratios)
        losses = [f"{name}: {line}" for line in losses_between(before, best)]
        if not losses:
            break
        say(f"run {attempt + 1} of at most {RUNS_MAX}: {'; '.join(losses)}")
    return losses


def better_of(one: Mapping[str, Ratio], other: Mapping[str, Ratio]) -> dict[str, Ratio]:
    """Return the better one of each ratio."""
    return {**one, **{name: ratio for name, ratio in other.items() if name not in one or loss(one[name], ratio) < 0}}


def losses_between(before: Mapping[str, Ratio], now: Mapping[str, Ratio]) -> list[str]:
    """Say which ratios lost more than LOSS_MAX, or are not measured any more."""
    return [
        f"{name} was {ratio.value:.3g} and is {now[name].value:.3g} ({ratio.better} is better)"
        if name in now
        else f"{name} was {ratio.value:.3g} and is not measured any more"
        for name, ratio in before.items()
        if name not in now or loss(ratio, now[name]) > LOSS_MAX
    ]


def loss(before: Ratio, now: Ratio) -> float:
    """Return how much worse a ratio got, in parts of itself: 0.15 is fifteen percent; negative where it got better."""
    if before.better == "more":
        return 1 - now.value / before.value
    return now.value / before.value - 1
