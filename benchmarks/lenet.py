"""LeNet-5 on the network of the demo, sliced over three provers, beside one bare `ezkl` run of the whole model.

The network is `proofgrid demo --model lenet`, as anybody runs it. The peer is `benchmarks/bare_lenet.py`, a process
that calls the engine's commands with the same scale, and otherwise as the engine chooses: 2^19 rows. Each has all
cores, one after the other.
Making reference strings is told and not counted: a ceremony's are there.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measuring import Result, Target, busy_percent, say, temporary_folder, uninterrupted

NAME = "lenet"
DIGIT = 7
LOOK_SECONDS = 0.25
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Watched:
    """What a command said, and the memory of it and all that it started."""

    said: Mapping[str, Any]
    seconds: float
    peak_bytes: int  #: of all processes together
    largest_bytes: int  #: of the one that had most


def run(*, repetitions: int) -> Result:
    """Measure each once: they take minutes, and `repetitions` is not heeded."""
    del repetitions
    busy = busy_percent()
    with temporary_folder() as folder:
        say("one bare ezkl run of the whole model; about ten minutes on two idle cores")
        bare = _watched([sys.executable, "-m", "benchmarks.bare_lenet", str(folder), str(DIGIT)])
        say("the network's demo: builds, three provers of one core each prove; about ten minutes on two idle cores")
        demo = ("demo", "--model", "lenet", "--digit", str(DIGIT), "--data-dir", str(folder / "demo"), "--json")
        network = _watched([sys.executable, "-m", "proofgrid.cli.main", *demo])
    rows = _rows(bare, network)
    counted = rows[-2]
    ratio = counted["network_seconds"] / counted["bare_seconds"]
    return Result(
        name=NAME,
        measured=f"LeNet-5 built, proven and verified on the network, {counted['network_seconds']:.0f} s",
        against=f"one bare ezkl run of the whole model, {counted['bare_seconds']:.0f} s",
        ratio=round(ratio, 3),
        targets=(Target(text="every score within the demo's tolerance", met=not network.said["faults"]),),
        table=tuple(rows),
        busy_before_percent=busy,
    )


def _rows(bare: Watched, network: Watched) -> list[dict[str, Any]]:
    steps, build = bare.said["seconds"], dict(network.said["build_seconds"])
    titles = list(network.said["seconds"].items())
    building, proving, verifying = (seconds for _, seconds in titles[3:6])
    srs = build.pop("srs", 0.0)
    rows = [
        _row("reference string, not counted", steps["srs"], srs),
        _row("settings, calibration, circuits, keys", _sum(steps, "settings", "calibrate", "setup"), building - srs),
        _row("witness and proofs", _sum(steps, "witness", "prove"), proving),
        _row("verify", steps["verify"], verifying),
    ]
    whole = [sum(row[key] for row in rows[1:]) for key in ("bare_seconds", "network_seconds")]
    return [
        *rows,
        _row("all that counts", *whole),
        {
            "part": f"MB at the peak: all; the largest process ({len(network.said['jobs'])} slices)",
            "bare_seconds": f"{bare.peak_bytes // _MEGABYTE}; {bare.largest_bytes // _MEGABYTE}",
            "network_seconds": f"{network.peak_bytes // _MEGABYTE}; {network.largest_bytes // _MEGABYTE}",
            "ratio": f"{network.peak_bytes / bare.peak_bytes:.2f}; {network.largest_bytes / bare.largest_bytes:.2f}",
        },
    ]


def _row(part: str, bare: float, network: float) -> dict[str, Any]:
    return {
        "part": part,
        "bare_seconds": round(bare, 2),
        "network_seconds": round(network, 2),
        "ratio": round(network / bare, 2) if bare else "",
    }


def _sum(steps: Mapping[str, float], *names: str) -> float:
    return sum(steps[name] for name in names)


def _watched(command: Sequence[str]) -> Watched:
    """Run a command that prints one JSON object; look at its processes until it ends."""
    started_at = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1], text=True) as process:
        try:
            peak, largest = _peaks_of(psutil.Process(process.pid), process)
            output = process.communicate()[0]
        except BaseException:
            with uninterrupted():
                process.send_signal(signal.SIGTERM)  # the demo stops all that it has started
                process.communicate()
            raise
    assert process.returncode == 0, f"{command[2]} ended with {process.returncode}; its complaint stands above"
    said = json.loads(output.strip().splitlines()[-1])  # the engine has its own things to say before
    return Watched(said, time.perf_counter() - started_at, peak, largest)


def _peaks_of(root: psutil.Process, process: subprocess.Popen[str]) -> tuple[int, int]:
    peak = largest = 0
    while process.poll() is None:
        sizes = []
        with suppress(psutil.Error):
            for one in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):
                    sizes.append(_private_bytes(one))
        peak, largest = max(peak, sum(sizes)), max([largest, *sizes])
        time.sleep(LOOK_SECONDS)
    return peak, largest


def _private_bytes(process: psutil.Process) -> int:
    """Return what a process has for itself: pages that it shares with others are not counted many times."""
    memory = process.memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))
