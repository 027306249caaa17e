"""The peer of `overhead`: a process that proves a task's jobs in a loop, with no network around it.

stdin:  the first line is the order, {"folder", "manifest", "files"}; every further line the number of a digit
stdout: {"digest"} once it has proven; then {"seconds", "busy_cores", "processor_seconds"} per digit
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.digits import SAMPLES
from benchmarks.measuring import Stopwatch, timed
from proofgrid.cli.demo.digits import read_digit
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.manifest import program_from_json
from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem

SYSTEM = EzklProofSystem()


def main() -> None:
    """Prove once, with the keys that lie in the folder, then whenever asked."""
    order = json.loads(sys.stdin.readline())
    folder = Path(order["folder"])
    paths = {name: Path(path) for name, path in order["files"].items()}
    files = ProgramFiles(program_from_json(order["manifest"]), paths)
    _prove(files, folder, number=0)
    _answer(digest=files.program.digest)
    while line := sys.stdin.readline():
        began = time.process_time()
        watch = _prove(files, folder, number=int(line))
        used = round(time.process_time() - began, 3)  # the forward pass too: the network's has it as well
        _answer(seconds=watch.seconds, busy_cores=watch.busy_cores, processor_seconds=used)


def _prove(files: ProgramFiles, folder: Path, *, number: int) -> Stopwatch:
    """Return how long the four proofs took; the forward pass that makes their inputs is not counted."""
    request = SYSTEM.normalise(files, [read_digit(number % SAMPLES).model_input], workdir=folder)
    keys, workdir = folder / "keys", folder / "job"
    with timed() as watch:
        for job in request.jobs:
            SYSTEM.run_job(files, job.slice_index, job.input, cache=keys, workdir=workdir, report=_ignore)
    return watch


def _ignore(stage: str, share: int) -> None:
    """Report nothing."""


def _answer(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
