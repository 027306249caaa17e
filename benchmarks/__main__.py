"""`python -m benchmarks [NAME ...] [--json]`: ratios against something named and measured in the same run."""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks import (
    control_plane,
    deviations,
    lenet,
    live_welfare,
    market,
    overhead,
    parallel,
    processes,
    queue_depth,
    rounds,
    strategies,
    welfare,
)
from benchmarks.measuring import print_result, say, sigterm_as_ctrl_c

BENCHMARKS = {
    module.NAME: module.run
    for module in (
        market,
        rounds,
        parallel,
        overhead,
        control_plane,
        processes,
        queue_depth,
        welfare,
        live_welfare,
        strategies,
        deviations,
        lenet,
    )
}


def main() -> int:
    """Run the benchmarks that were named, or all; the exit code says whether they ran, not what they found."""
    options = _options()
    results = []
    try:
        with sigterm_as_ctrl_c():
            for name in options.names or BENCHMARKS:
                result = BENCHMARKS[name](repetitions=options.repetitions)
                results.append(result.as_json())
                if not options.json:
                    print_result(result)
    except KeyboardInterrupt:
        say("interrupted; everything is cleaned up")
        return 130
    finally:
        if options.json:  # also what was finished before an interruption
            print(json.dumps(results, indent=2))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--json", action="store_true", help="print machine-readable results")
    parser.add_argument("--repetitions", type=int, default=3, help="how often each is measured; the median counts")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    if options.repetitions < 1:
        parser.error("--repetitions is at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
