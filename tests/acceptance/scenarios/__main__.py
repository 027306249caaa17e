"""Scenarios over and over, `python -m tests.acceptance.scenarios --repeat 20`, or at random, `--soak MINUTES`."""

from __future__ import annotations

import argparse
import random
import secrets
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@dataclass(frozen=True, slots=True)
class Run:
    """One file, or one scenario, run once."""

    what: str
    number: int
    seconds: float
    failure: str  #: what pytest printed; empty when it passed


def main() -> int:
    """Run as asked; exit with 1 when a scenario failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.scenarios", description=__doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--soak", metavar="MINUTES", type=float, help="scenarios at random, until one fails")
    kind.add_argument("--repeat", metavar="TIMES", type=int, help="every file so often, whatever fails")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="repeats the order of a soak")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (default 1)")
    parser.add_argument("files", nargs="*", help="only these files, like test_network_cut.py")
    options = parser.parse_args()
    scenarios = {file: of_file for file, of_file in _scenarios().items() if _is_wanted(file, options.files)}
    if options.repeat:
        return _repeat(scenarios, options.repeat, options.jobs)
    return _soak(scenarios, options.soak, options.seed)


def _repeat(scenarios: dict[str, list[str]], times: int, jobs: int) -> int:
    """Run every file `times` times, each pass over all files before the next; say how often each passed in a row."""
    count = sum(len(of_file) for of_file in scenarios.values())
    _say(f"{count} scenarios in {len(scenarios)} files, {times} times, {jobs} at a time")
    passed: Counter[str] = Counter()
    failed: list[Run] = []
    with ThreadPoolExecutor(jobs) as pool:
        runs: list[Future[Run]] = [
            pool.submit(_run, file, number) for number in range(1, times + 1) for file in sorted(scenarios)
        ]
        for future in as_completed(runs):
            run = future.result()
            passed[run.what] += not run.failure
            _say(f"{run.number}: {run.what}: {'FAILED' if run.failure else 'passed'} in {run.seconds:.0f} s")
            if run.failure:
                failed.append(run)
                _say(run.failure)
    for file in sorted(scenarios):
        _say(f"{file}: passed {passed[file]} of {times}")
    _say(f"{len(runs) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _soak(scenarios: dict[str, list[str]], minutes: float, seed: int) -> int:
    """Run until the time is over or a scenario fails; a seed repeats the same order."""
    chance = random.Random(seed)
    count = sum(len(of_file) for of_file in scenarios.values())
    _say(f"seed {seed}, {count} scenarios, {minutes:g} minutes")
    end = time.monotonic() + 60 * minutes
    number = 0
    while time.monotonic() < end:
        number += 1
        # Files are alike likely, however many scenarios each has.
        scenario = chance.choice(scenarios[chance.choice(sorted(scenarios))])
        _say(f"{number}: {scenario}")
        run = _run(scenario, number)
        if run.failure:
            _say(run.failure)
            _say(f"FAILED: {scenario} in run {number} with --seed {seed}")
            return 1
    _say(f"{number} runs without a finding, seed {seed}")
    return 0


def _run(what: str, number: int) -> Run:
    started = time.monotonic()
    ran = _pytest("-q", "--no-header", what)
    failure = "" if ran.returncode == 0 else ran.stdout + ran.stderr
    return Run(what, number, time.monotonic() - started, failure)


def _scenarios() -> dict[str, list[str]]:
    """The scenarios of every file."""
    listed = _pytest("--collect-only", "-q", str(HERE))
    if listed.returncode != 0:
        raise SystemExit(listed.stdout + listed.stderr)
    found: dict[str, list[str]] = defaultdict(list)
    for line in sorted(line for line in listed.stdout.splitlines() if "::" in line):
        found[line.partition("::")[0]].append(line)
    return found


def _is_wanted(file: str, wanted: list[str]) -> bool:
    return not wanted or any(Path(file).name == Path(name).name for name in wanted)


def _pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
