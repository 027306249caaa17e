"""What a prover's role gets of its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.roles.prover.warmth import WarmBounds
from proofgrid.settings.prover import ProverSettings


def test_children_prove_several_jobs_of_a_program_within_the_bounds_that_are_set(tmp_path: Path) -> None:
    settings = ProverSettings(name="p", data_dir=tmp_path, warm_jobs=7, warm_seconds=8, warm_bytes=9)

    assert settings.node().warm == WarmBounds(jobs_max=7, seconds_max=8, bytes_max=9)
    assert 0 < ProverSettings().warm_bytes <= 1 << 30


def test_every_job_has_a_child_of_its_own_where_that_is_wished(tmp_path: Path) -> None:
    assert ProverSettings(name="p", data_dir=tmp_path, isolation="job").node().warm is None


def test_another_isolation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match="program or job") as caught:
        ProverSettings(name="p", data_dir=tmp_path, isolation="client").node()

    assert caught.value.field == "isolation"
