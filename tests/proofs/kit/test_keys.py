"""Keys that are derived once are kept within a limit, and none goes while somebody proves with it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from proofgrid.proofs.kit.keys import KeptKeys, derived_once, keep_within

SIZE = 1_000
HOLDER = """
import sys, time
from pathlib import Path
from proofgrid.proofs.kit.keys import derived_once

def derive(target):
    target.write_bytes(bytes(1_000))
    if sys.argv[3] == "while deriving":
        print("ready", flush=True)
        time.sleep(600)

with derived_once(Path(sys.argv[1]), sys.argv[2], derive):
    print("ready", flush=True)
    time.sleep(600)
"""


@contextmanager
def another_process(cache: Path, name: str, when: str = "while proving") -> Iterator[subprocess.Popen[str]]:
    """A process that holds a key, or is at deriving it, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(cache), name, when], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def written(target: Path) -> None:
    target.write_bytes(bytes(SIZE))


def not_again(_target: Path) -> None:
    raise AssertionError("derived a second time")


def a_key(cache: Path, name: str, *, used: int) -> Path:
    """A key that was last used at this second."""
    with derived_once(cache, name, written) as path:
        pass
    os.utime(path, (used, used))
    return path


def names_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    for number in range(4):
        a_key(tmp_path, f"{number}.pk", used=100 + number)
    with derived_once(tmp_path, "0.pk", not_again):
        pass  # used again: the youngest of all

    assert keep_within(tmp_path, 2 * SIZE) == KeptKeys(keys=2, bytes=2 * SIZE, removed=2, removed_bytes=2 * SIZE)
    assert names_in(tmp_path) == ["0.pk", "3.pk"]
    assert keep_within(tmp_path, 2 * SIZE) == KeptKeys(keys=2, bytes=2 * SIZE)


def test_the_key_that_was_used_last_stays_however_large_it_is(tmp_path: Path) -> None:
    a_key(tmp_path, "old.pk", used=1)
    a_key(tmp_path, "large.pk", used=2)
    assert keep_within(tmp_path, 1).keys == 1
    assert names_in(tmp_path) == ["large.pk"]


def test_there_may_be_no_cache_yet(tmp_path: Path) -> None:
    assert keep_within(tmp_path / "none", 1) == KeptKeys(keys=0, bytes=0)


def test_a_key_that_another_process_uses_stays_until_that_one_is_killed(tmp_path: Path) -> None:
    with another_process(tmp_path, "held.pk") as process:
        os.utime(tmp_path / "held.pk", (1, 1))
        a_key(tmp_path, "free.pk", used=2)
        a_key(tmp_path, "last.pk", used=3)
        assert keep_within(tmp_path, SIZE).removed == 1
        assert names_in(tmp_path) == ["held.pk", "last.pk"]
        process.kill()
        process.wait()
        assert keep_within(tmp_path, SIZE) == KeptKeys(keys=1, bytes=SIZE, removed=1, removed_bytes=SIZE)


def test_what_is_being_derived_stays_and_what_a_killed_process_left_of_it_goes(tmp_path: Path) -> None:
    a_key(tmp_path, "last.pk", used=1)
    with another_process(tmp_path, "begun.pk", "while deriving") as process:
        assert keep_within(tmp_path, SIZE).bytes == 2 * SIZE
        assert names_in(tmp_path) == ["begun.part", "last.pk"]
        process.kill()
        process.wait()
        assert keep_within(tmp_path, 10 * SIZE) == KeptKeys(keys=1, bytes=SIZE)
        assert names_in(tmp_path) == ["last.pk"]


def test_whoever_uses_a_key_has_it_whole_while_others_remove_what_they_can(tmp_path: Path) -> None:
    def derive(target: Path) -> None:
        target.write_bytes(bytes(SIZE // 2))
        with target.open("ab") as file:
            file.write(bytes(SIZE // 2))

    def use(seed: int) -> int:
        chance = random.Random(seed)
        for _ in range(60):
            with derived_once(tmp_path, f"{chance.randrange(4)}.pk", derive) as key:
                assert len(key.read_bytes()) == SIZE
                keep_within(tmp_path, SIZE)
                assert len(key.read_bytes()) == SIZE
        return seed

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [0, 1, 2, 3]
