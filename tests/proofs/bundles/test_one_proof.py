"""A bundle that holds one proof of many jobs: version 2."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import BadBundle, BadProof, ProofgridError
from proofgrid.proofs.bundles.bundle import BundleReport, read_bundle, verify_bundle
from proofgrid.proofs.bundles.manifest import manifest_to_json
from tests.proofs.bundles.makers import Made, forge, one_proof_of, set_at

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return one_proof_of(tmp_path / "made", "seven", "eight", "nine", slices=2, wraps=2)


def verify(path: Path) -> BundleReport:
    return verify_bundle(path, workdir=path.parent / f"{path.name}-work")


def test_one_proof_stands_for_all(made: Made) -> None:
    report = verify(made.path)

    assert report.manifest == made.manifest
    assert report.manifest.wrapped is not None
    assert (len(report.manifest.jobs), report.manifest.wrapped.jobs) == (1, 6 + 4)
    assert "jobs: one proof, of 10 others; prices and payments add up" in report.checks
    assert manifest_to_json(made.manifest)["version"] == 2


def test_its_size_does_not_grow_with_the_number_of_proofs(tmp_path: Path) -> None:
    sizes = []
    for count in (1, 4, 16):
        made = one_proof_of(tmp_path / str(count), *(["same"] * count), slices=4, wraps=2)
        said = read_bundle(made.path).manifest
        # What is public of each input, and its result, are there: a digest each, spelled with its quotes and a comma.
        sizes.append(made.path.stat().st_size - 2 * 67 * count - len(str(said.wrapped)))
    assert max(sizes) - min(sizes) < 16


LIES: dict[str, tuple[Callable[[dict[str, Any]], None], type[ProofgridError], str]] = {
    "another statement": (set_at("statement", "starts", 0, to="0" * 64), BadProof, "proofs"),
    "one input fewer": (lambda it: it["statement"]["starts"].pop(), BadProof, "proofs"),
    "another result": (set_at("result", "outputs", 0, to="0" * 64), BadProof, "result"),
    "not one proof after all": (set_at("statement", "one_proof", to=False), BadProof, "proofs"),
    "the proof of a part": (set_at("jobs", 0, "slice", to=1), BadBundle, "manifest.jobs"),
    "of another wrap": (set_at("jobs", 0, "slice", to=3), BadProof, "proofs"),
    "of nothing": (set_at("wrapped", "jobs", to=0), BadBundle, "manifest.wrapped.jobs"),
    "for less than nothing": (set_at("wrapped", "paid", to=-1), BadBundle, "manifest.wrapped.paid"),
    "with more to say": (set_at("wrapped", "more", to=1), BadBundle, "manifest.wrapped"),
    "of the first version": (set_at("version", to=1), BadBundle, "manifest"),
    "twice": (lambda it: it["jobs"].append(it["jobs"][0]), BadBundle, "manifest.jobs"),
    "no job": (set_at("jobs", to=[]), BadBundle, "manifest.jobs"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_of_the_network_itself_is_found_and_named(made: Made, name: str) -> None:
    edit, kind, field = LIES[name]
    manifest: Any = copy.deepcopy(manifest_to_json(made.manifest))
    edit(manifest)

    with pytest.raises(kind) as caught:
        verify(forge(made, manifest))

    assert caught.value.field == field
