"""`python -m tests.acceptance.scenarios --soak MINUTES [--seed N]`: scenarios at random until the time is over."""

from __future__ import annotations

import argparse
import random
import secrets
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def main() -> int:
    """Run until the time is over or a scenario fails; a seed repeats the same order."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.scenarios", description=__doc__)
    parser.add_argument("--soak", metavar="MINUTES", type=float, required=True)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    scenarios = _scenarios()
    count = sum(len(of_file) for of_file in scenarios.values())
    _say(f"seed {options.seed}, {count} scenarios, {options.soak:g} minutes")
    end = time.monotonic() + 60 * options.soak
    number = 0
    while time.monotonic() < end:
        number += 1
        # Files are alike likely, however many scenarios each has.
        scenario = chance.choice(scenarios[chance.choice(sorted(scenarios))])
        _say(f"{number}: {scenario}")
        ran = _pytest("-q", "--no-header", scenario)
        if ran.returncode != 0:
            _say(ran.stdout + ran.stderr)
            _say(f"FAILED: {scenario} in run {number} with --seed {options.seed}")
            return 1
    _say(f"{number} runs without a finding, seed {options.seed}")
    return 0


def _scenarios() -> dict[str, list[str]]:
    """The scenarios of every file."""
    listed = _pytest("--collect-only", "-q", str(HERE))
    if listed.returncode != 0:
        raise SystemExit(listed.stdout + listed.stderr)
    found: dict[str, list[str]] = defaultdict(list)
    for line in sorted(line for line in listed.stdout.splitlines() if "::" in line):
        found[line.partition("::")[0]].append(line)
    return found


def _pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
