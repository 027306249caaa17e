"""A prover's keys stay within its limit, and it says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from proofgrid.cli.run.prover import event_sentence
from proofgrid.proofs.kit.keys import derived_once
from proofgrid.roles.prover.key_shelf import KeyShelf
from proofgrid.telemetry.metrics.of_prover import KEYS, KEYS_BYTES

MIB = 1 << 20


def written(target: Path) -> None:
    target.write_bytes(bytes(MIB))


def leave_key(folder: Path, name: str, used: int) -> None:
    with derived_once(folder, name, written) as path:
        pass
    os.utime(path, (used, used))


async def test_keys_beyond_the_limit_go_after_the_job_and_are_told(tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    shelf = KeyShelf(tmp_path / "keys", 2 * MIB, tell=lambda what, **details: told.append((what, details)))
    await shelf.open()
    for number in range(3):
        leave_key(tmp_path / "keys", f"{number}.pk", used=number + 1)
        await shelf.tidy()

    # At the start, and when the third key was one too many.
    assert [(what, said["kept"], said["removed"]) for what, said in told] == [("keys", 0, 0), ("keys", 2, 1)]
    assert sorted(path.name for path in (tmp_path / "keys").glob("*.pk")) == ["1.pk", "2.pk"]
    assert (KEYS.of(), KEYS_BYTES.of()) == (2, 2 * MIB)
    said = "proving keys kept: 2, 2 MiB of 2 MiB; 1 not used for longest removed"
    assert event_sentence(*told[-1]) == said


async def test_a_folder_that_cannot_be_tidied_is_no_reason_to_stop(tmp_path: Path) -> None:
    shelf = KeyShelf(tmp_path / "keys", MIB, tell=lambda what, **details: None)
    await shelf.open()
    (tmp_path / "keys").rmdir()
    (tmp_path / "keys").symlink_to(tmp_path / "keys")
    await shelf.tidy()
