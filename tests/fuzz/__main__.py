"""Fuzz one target, led by coverage: `make fuzz TARGET=record MINUTES=30`; without a target, say which there are.

What is found lies in .fuzz/TARGET/findings, one input for each place that an error came from; the run goes on.
What ends the process itself, and what hangs, ends the run: libFuzzer leaves its input in .fuzz/TARGET.
`--keep` puts the smallest inputs that together reach what was reached into tests/fuzz/corpus/TARGET.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import atheris

ROOT = Path(__file__).parents[2]
HANG_SECONDS = 120  #: by the clock: a busy machine is slow; bounds.py counts processor time
MEMORY_MIB = 4_096
KEPT_MAX, KEPT_BYTES_MAX = 12, 3_000  #: files of a corpus in the repository, and bytes of each
_SHOWN_FRAMES = 6


class Findings:
    """Keeps one input for each place that an error came from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.places: set[str] = set()

    def note(self, data: bytes, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/proofgrid/" in frame.filename] or frames[-1:]
        place = f"{type(error).__name__} {Path(ours[-1].filename).name}:{ours[-1].lineno}"
        if place in self.places:
            return
        self.places.add(place)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / hashlib.sha256(place.encode()).hexdigest()[:12]
        path.write_bytes(data)
        shown = " <- ".join(f"{Path(one.filename).name}:{one.lineno}" for one in frames[-_SHOWN_FRAMES:][::-1])
        print(f"FOUND {place}: {str(error)[:200]!r}\n  {shown}\n  {path}", flush=True)


def main() -> None:
    """Read the command line, and fuzz in this process; libFuzzer ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", default="")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--keep", action="store_true", help="put the smallest inputs into the repository's corpus")
    parser.add_argument("--merge", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with atheris.instrument_imports(include=["proofgrid"], enable_loader_override=False):
        from tests.fuzz.bounds import taken_within_bounds
        from tests.fuzz.targets import TARGETS, Target
    if arguments.target not in TARGETS:
        print("\n".join(f"{name:15} {target.what}" for name, target in TARGETS.items()))
        sys.exit("which target?" if not arguments.target else f"no target {arguments.target}")
    target: Target = TARGETS[arguments.target]
    work = ROOT / ".fuzz" / arguments.target
    (work / "corpus").mkdir(parents=True, exist_ok=True)
    if arguments.keep:
        _keep(arguments.target, work)
        return
    for seed in target.corpus(arguments.target):
        (work / "corpus" / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    findings = Findings(work / "findings")

    def test_one(data: bytes) -> None:
        try:
            taken_within_bounds(target, data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            findings.note(data, error)

    options = [f"-max_total_time={round(arguments.minutes * 60)}", "-print_final_stats=1", "-verbosity=1"]
    if target.words:
        options.append(f"-dict={_dictionary(target.words, work / 'words')}")
    folders = [str(work / "corpus")]
    if arguments.merge is not None:
        options, folders = ["-merge=1"], [str(arguments.merge), str(work / "corpus")]
    _fuzz(test_one, target.mutate, [*options, *_bounds(target.bytes_max, work), *folders])


def _bounds(bytes_max: int, work: Path) -> list[str]:
    return [
        f"-max_len={bytes_max}",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-artifact_prefix={work}/",
    ]


def _dictionary(words: Sequence[bytes], path: Path) -> Path:
    """Write a target's words as libFuzzer reads them."""
    spelled = ("".join(f"\\x{one:02x}" for one in word) for word in words)
    path.write_text("".join(f'"{word}"\n' for word in spelled))
    return path


def _fuzz(test_one: Callable[[bytes], None], mutate: Callable[[bytes, Random], bytes], options: list[str]) -> None:
    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        chance = Random(seed)
        # By turns: libFuzzer knows what was compared with what, ours knows what the bytes mean.
        made: Any = atheris.Mutate(data, max_size) if chance.randrange(3) == 0 else mutate(data, chance)
        return bytes(made)[:max_size]

    atheris.Setup([sys.argv[0], *options], test_one, custom_mutator=mutated)
    atheris.Fuzz()


def _keep(name: str, work: Path) -> None:
    smallest, kept = work / "smallest", Path(__file__).with_name("corpus") / name
    shutil.rmtree(smallest, ignore_errors=True)
    smallest.mkdir()
    command = [sys.executable, "-m", "tests.fuzz", name, "--merge", str(smallest)]
    subprocess.run(command, cwd=ROOT, check=True)
    kept.mkdir(parents=True, exist_ok=True)
    found = sorted(smallest.iterdir(), key=lambda path: path.stat().st_size)
    for path in [one for one in found if 0 < one.stat().st_size <= KEPT_BYTES_MAX][-KEPT_MAX:]:
        content = path.read_bytes()
        (kept / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


if __name__ == "__main__":
    main()
