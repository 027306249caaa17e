"""Noir keeps the promises of proof systems, on a program one of whose public inputs stands in no constraint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.proofs.kit import conformance
from proofgrid.proofs.kit.conformance import CHECKS, Check, Prepared, complaint, prepare
from proofgrid.proofs.kit.ignition import IGNITION_BN254
from proofgrid.proofs.kit.samples import Source
from proofgrid.proofs.systems.noir.adapter import NoirSystem
from tests.proofs.points import POINTS
from tests.proofs.systems.noir.programs import engine_or_skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    engine_or_skip()
    folder = tmp_path_factory.mktemp("noir")
    samples = replace(NoirSystem().samples(folder), trust={IGNITION_BN254: POINTS})
    old = folder / "old.json"
    old.write_text(json.dumps({"noir_version": "1.0.0-beta.1", "bytecode": "", "abi": {}}))
    package = samples.source.files["package"]
    malformed = (
        *samples.malformed,
        Source(files={"circuit": old}),
        Source(files={"circuit": package}),
        Source(files={"package": package, "circuit": old}),
        Source(files={"package": old}),
        Source(files={"model": package}),
        replace(samples.source, settings={"package": 1}),
    )
    return prepare(NoirSystem(), replace(samples, malformed=malformed), workdir=folder / "work")


@pytest.mark.thorough  # the same checks run of Groth16
@pytest.mark.parametrize("check", CHECKS, ids=conformance.name_of)
def test_noir_keeps_its_promises(prepared: Prepared, check: Check) -> None:
    assert complaint(check, prepared) == ""


def test_a_machine_can_check_itself(tmp_path: Path) -> None:
    engine_or_skip()
    assert NoirSystem().self_check(workdir=tmp_path).startswith("proved and verified 1 job")
