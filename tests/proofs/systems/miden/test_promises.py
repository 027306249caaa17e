"""Miden keeps the promises of proof systems, on a program of two steps: forged proofs, links, killed jobs."""

from __future__ import annotations

import pytest

from proofgrid.proofs.kit import conformance
from proofgrid.proofs.kit.conformance import CHECKS, Check, Prepared, complaint, prepare
from proofgrid.proofs.systems.miden.adapter import MidenSystem
from tests.proofs.systems.miden.engines import engine_or_skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    engine_or_skip()
    folder = tmp_path_factory.mktemp("miden")
    samples = MidenSystem().samples(folder)
    return prepare(MidenSystem(), samples, workdir=folder / "work")


@pytest.mark.parametrize("check", CHECKS, ids=conformance.name_of)
def test_miden_keeps_its_promises(prepared: Prepared, check: Check) -> None:
    assert complaint(check, prepared) == ""
