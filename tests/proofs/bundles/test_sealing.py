"""Bundles that are sealed together: bytes instead of files, one folder for all, and a verdict for each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadBundle, BadProof
from proofgrid.proofs.bundles.bundle import Workbench, bundle_bytes, verify_bundle
from proofgrid.proofs.bundles.container import Content
from proofgrid.proofs.bundles.manifest import manifest_to_json
from proofgrid.proofs.bundles.sealing import verify_sealed
from tests.proofs.bundles.makers import NETWORK, STRANGER, Made, a_bundle, forge

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return a_bundle(tmp_path)


def in_folder(parent: Path, name: str, *inputs: str, **settings: object) -> Made:
    folder = parent / name
    folder.mkdir()
    return a_bundle(folder, *inputs, **settings)


def test_a_bundle_in_memory_has_the_bytes_of_the_file(made: Made) -> None:
    contents: dict[str, Content] = {digest: path.read_bytes() for digest, path in made.contents.items()}

    content = bundle_bytes(made.manifest, contents=contents, key=NETWORK)  # type: ignore[arg-type]

    assert content == made.path.read_bytes()


def test_bytes_verify_as_the_file_does(made: Made, tmp_path: Path) -> None:
    of_file = verify_bundle(made.path, workdir=tmp_path / "file")
    of_bytes = verify_bundle(made.path.read_bytes(), workdir=tmp_path / "bytes")

    assert of_bytes == of_file


def test_each_bundle_has_its_own_verdict(made: Made, tmp_path: Path) -> None:
    broken = made.path.read_bytes()
    forged = forge(made, manifest_to_json(made.manifest), sign=STRANGER.sign)
    wrong = manifest_to_json(replace(made.manifest, result={"outputs": ["0" * 64, "0" * 64]}))
    bundles: list[Content] = [made.path.read_bytes(), broken[:-30], forged, forge(made, wrong), made.path]

    faults, seconds = verify_sealed(bundles, made.manifest.program.digest, NETWORK.address, tmp_path)

    assert [type(fault) for fault in faults] == [type(None), BadBundle, BadBundle, BadProof, type(None)]
    assert seconds > 0


def test_the_program_s_files_are_extracted_once_for_all_that_follow(made: Made, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = made.manifest.program.digest

    def verify(content: Content) -> list[type]:
        faults, _ = verify_sealed([content], program, NETWORK.address, scratch)
        return [type(fault) for fault in faults]

    content = made.path.read_bytes()
    assert verify(content) == [type(None)]
    kept = {path: path.stat().st_mtime_ns for path in scratch.rglob("*") if path.is_file()}
    assert verify(content) == [type(None)]
    assert kept and kept == {path: path.stat().st_mtime_ns for path in scratch.rglob("*") if path.is_file()}
    # Each bundle's own copy counts, whatever is at hand.
    circuit = made.contents[made.manifest.program.files["circuit"]].read_bytes()
    assert verify(content.replace(circuit, circuit.replace(b'"rounds":10', b'"rounds":11'))) == [BadBundle]
    # Somebody tidied up: that is no fault of a bundle.
    for path in kept:
        path.unlink()
    assert verify(content) == [type(None)]


def test_large_files_of_a_program_are_not_kept(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofgrid.proofs.bundles.bundle.KEPT_BYTES_MAX", 10)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    verify_sealed([made.path], made.manifest.program.digest, NETWORK.address, scratch)

    assert not list(scratch.iterdir())


def test_a_file_that_an_earlier_bundle_brought_is_no_excuse_for_another_one(made: Made, tmp_path: Path) -> None:
    """The second bundle's own copy of the program's file has other bytes under the right name."""
    content = made.path.read_bytes()
    circuit = made.contents[made.manifest.program.files["circuit"]].read_bytes()
    assert content.count(circuit) == 1
    changed = content.replace(circuit, circuit.replace(b'"rounds":10', b'"rounds":11'))
    assert len(changed) == len(content) != 0
    bench = Workbench(tmp_path / "bench")
    verify_bundle(content, workdir=bench)

    with pytest.raises(BadBundle) as error:
        verify_bundle(changed, workdir=bench)

    assert error.value.field == "container"
    verify_bundle(content, workdir=bench)


def test_the_program_is_checked_again_when_it_is_another_one(tmp_path: Path) -> None:
    first = in_folder(tmp_path, "first", slices=1)
    second = in_folder(tmp_path, "second", slices=1, rounds=11)
    manifest: dict[str, Any] = manifest_to_json(second.manifest)
    program = dict(manifest["program"])
    program["identity"] = {**program["identity"], "circuit": digest_of(b"another circuit")}
    program["digest"] = digest_of(canonical_json({**program["identity"], "proof_system": "toy"}))
    lying = forge(second, {**manifest, "program": program})
    bench = Workbench(tmp_path / "bench")

    assert verify_bundle(first.path, workdir=bench).manifest == first.manifest
    assert verify_bundle(second.path, workdir=bench).manifest == second.manifest
    with pytest.raises(BadProof, match="circuit is not the one"):
        verify_bundle(lying, workdir=bench)
    assert verify_bundle(second.path, workdir=bench).manifest == second.manifest
