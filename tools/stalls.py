"""Run tests on a machine that stands still now and then: python -m tools.stalls [--seed N] [--seconds S] COMMAND...

Of the processes that the command starts, one at a time is stopped with all that it started, for SECONDS, and goes on
again: what a busy machine does to a test. The database of the tests is nobody's child and runs on, so whatever it ends
because of a silence, it ends here. A test that fails under it counts on seconds.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import suppress

import psutil

SECONDS = 3.5  #: longer than a gateway may be silent in a round
GAP_SECONDS = 3.0  #: on the average


def stand_still(first: psutil.Process, seconds: float) -> int:
    """Stop a process and its descendants for a while, but those that a test has stopped; return how many there were."""
    stopped = []
    with suppress(psutil.NoSuchProcess):
        for process in [first, *first.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_STOPPED:
                    process.suspend()
                    stopped.append(process)
    time.sleep(seconds)
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    return len(stopped)


def main() -> int:
    """Run the command to its end; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of which process is stopped when")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for which it is (default {SECONDS:g})")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311
    running = psutil.Popen(asked.command)
    stalls = 0
    while True:
        try:
            running.wait(timeout=chance.uniform(0, 2 * GAP_SECONDS))
            break
        except psutil.TimeoutExpired:
            if children := running.children():
                stalls += bool(stand_still(chance.choice(children), asked.seconds))
        except KeyboardInterrupt:
            running.wait()
            break
    print(f"{stalls} times a process stood still for {asked.seconds:g} s (seed {asked.seed})", file=sys.stderr)
    return int(running.returncode)


if __name__ == "__main__":
    sys.exit(main())
