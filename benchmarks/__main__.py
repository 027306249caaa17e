"""`python -m benchmarks [NAME ...] [--json | --store | --check]`: ratios against what is measured in the same run."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial

from benchmarks import (
    aggregate,
    attacks,
    control_plane,
    deviations,
    floods,
    gas,
    lenet,
    live_welfare,
    market,
    overhead,
    overload,
    parallel,
    processes,
    queue_depth,
    rounds,
    strategies,
    welfare,
)
from benchmarks.checking import check, read_stored, store
from benchmarks.measuring import Result, print_result, say, sigterm_as_ctrl_c

BENCHMARKS = {
    module.NAME: module.run
    for module in (
        market,
        rounds,
        parallel,
        overhead,
        overload,
        floods,
        control_plane,
        processes,
        queue_depth,
        welfare,
        live_welfare,
        strategies,
        deviations,
        attacks,
        lenet,
        aggregate,
        gas,
    )
}


def main() -> int:
    """Run the benchmarks that were named, or all; the exit code says whether they ran, with --check what they found."""
    options = _options()
    try:
        with sigterm_as_ctrl_c():
            return _check(options) if options.check else _measure(options)
    except KeyboardInterrupt:
        say("interrupted; everything is cleaned up")
        return 130


def _measure(options: argparse.Namespace) -> int:
    results: list[Result] = []
    try:
        for name in options.names or BENCHMARKS:
            results.append(BENCHMARKS[name](repetitions=options.repetitions))
            if not options.json:
                print_result(results[-1])
    finally:
        if options.json:  # also what was finished before an interruption
            print(json.dumps([result.as_json() for result in results], indent=2))
    if options.store:
        store(results)
    return 0


def _check(options: argparse.Namespace) -> int:
    """1 when a ratio lost, 0 when none did."""
    stored = read_stored()
    losses: list[str] = []
    for name in options.names or stored:
        if name not in stored:
            say(f"nothing is stored of {name}; python -m benchmarks {name} --store does it")
            return 2
        losses += check(name, partial(BENCHMARKS[name], repetitions=options.repetitions), stored[name])
    for line in losses or ["no ratio lost more than it may"]:
        print(line)
    return bool(losses)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--json", action="store_true", help="print machine-readable results")
    parser.add_argument("--repetitions", type=int, default=3, help="how often each is measured; the median counts")
    parser.add_argument("--store", action="store_true", help="write the watched ratios into benchmarks/ratios.json")
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare with benchmarks/ratios.json, run again what seems to have lost, and fail on a loss of over 15%%",
    )
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    if options.repetitions < 1:
        parser.error("--repetitions is at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
