"""What a prover publishes of its confinement is what a probe found that tried to escape."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.proofs.confinement.files import version
from proofgrid.proofs.kit.engine import SERVICES
from proofgrid.roles.prover import probe
from proofgrid.roles.prover.probe import measured
from proofgrid.rules.jobs.confinement import Confinement
from tests.bubblewrap import working_bubblewrap

needs_landlock = pytest.mark.skipif(version() == 0, reason="this kernel has no Landlock")


@needs_landlock
async def test_what_the_machine_can_do_is_measured_and_nothing_is_left_behind(tmp_path: Path) -> None:
    level, bubblewrap = await measured(tmp_path)

    assert level is (Confinement.NAMESPACES if working_bubblewrap() else Confinement.RULES)
    assert bubblewrap == working_bubblewrap()
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


@needs_landlock
async def test_without_namespaces_it_is_the_kernels_rules(tmp_path: Path) -> None:
    assert await measured(tmp_path, Confinement.RULES) == (Confinement.RULES, "")


async def test_rules_that_do_not_hold_are_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The siblings of a child are let in: a folder above them is one that programs lie in.
    monkeypatch.setenv("PROOFGRID_ENGINES", str(tmp_path))

    assert (await measured(tmp_path))[0] is Confinement.PROCESS


async def test_a_bubblewrap_that_makes_nothing_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(probe, "find_bubblewrap", lambda: str(broken))
    (tmp_path / "scratch").mkdir()

    level, bubblewrap = await measured(tmp_path / "scratch")

    assert bubblewrap == ""
    assert level in (Confinement.RULES, Confinement.PROCESS)


async def test_a_prover_whose_children_ask_services_publishes_no_more_than_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SERVICES, "sp1=127.0.0.1:1")

    assert (await measured(tmp_path))[0] is Confinement.PROCESS
