"""A program is named by its content: the same content gives the same name, and other content another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.digests import digest_of_file
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.manifest import program_from_json, program_to_json
from proofgrid.proofs.systems.ezkl.circuits.cutting import cut_that_fits
from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs, unheard
from proofgrid.proofs.systems.ezkl.circuits.plan import plan_build
from proofgrid.proofs.systems.ezkl.reference.checking import check_reference_string
from proofgrid.proofs.systems.ezkl.reference.files import open_reference_file
from proofgrid.proofs.systems.ezkl.setup import KZG_BN254
from tests.proofs.conftest import DIGITS_MODEL, DIGITS_SETTINGS, SYSTEM, build, ignore_progress
from tests.proofs.systems.ezkl.models import a_convolutional_model, an_mlp, save

TENSOR: dict[str, Any] = {"name": "x", "shape": [1, 10], "type": "float32", "scale": 7, "visibility": "public"}


def keys_of(files: ProgramFiles) -> list[Any]:
    identity: Any = files.program.identity
    return [part["vk"] for part in identity["slices"]]


@pytest.mark.thorough
def test_a_second_build_gives_the_same_digest_keys_and_estimates(
    digits_program: ProgramFiles, srs: Path, tmp_path: Path
) -> None:
    again = build(DIGITS_MODEL, DIGITS_SETTINGS, srs=srs, workdir=tmp_path)

    assert again.program.digest == digits_program.program.digest
    assert keys_of(again) == keys_of(digits_program)
    assert again.program.slices == digits_program.program.slices
    assert len({*keys_of(again)}) == 4


@pytest.mark.thorough
def test_a_model_with_lookups_is_built_to_the_same_digest_twice(srs: Path, tmp_path: Path) -> None:
    model = save(a_convolutional_model(), tmp_path / "model")

    first, second = (build(model, {"slices": 2}, srs=srs, workdir=tmp_path / name) for name in ("first", "second"))

    lookups = [json.loads(first.path(f"slice/{i}/settings").read_text())["required_lookups"] for i in (0, 1)]
    assert sorted(map(len, lookups)) == [0, 2]  # two tables in one slice: their order decides the layout
    assert first.program.digest == second.program.digest


@pytest.mark.thorough
def test_other_settings_or_another_model_are_another_program(srs: Path, tmp_path: Path) -> None:
    one, other = (save(an_mlp(4, 4, 2, seed=seed), tmp_path / f"model{seed}") for seed in (1, 2))
    built = [
        build(one, {}, srs=srs, workdir=tmp_path / "0"),
        build(other, {}, srs=srs, workdir=tmp_path / "1"),
        build(one, {"scale": 6}, srs=srs, workdir=tmp_path / "2"),
        build(one, {"slices": 2}, srs=srs, workdir=tmp_path / "3"),
        build(one, {"input_visibility": "committed"}, srs=srs, workdir=tmp_path / "4"),
    ]

    assert len({files.program.digest for files in built}) == len(built)
    assert len({tuple(keys_of(files)) for files in built}) == len(built)


@pytest.mark.thorough
def test_a_calibration_file_is_part_of_the_program(srs: Path, tmp_path: Path) -> None:
    model = save(an_mlp(4, 4, 2), tmp_path / "model")
    calibration = tmp_path / "calibration"
    calibration.write_text(json.dumps({"inputs": [[0.5, -0.25, 3, 0], [1, 1, 1, 1]]}))

    with_file = SYSTEM.build_program(
        {"model": model, "calibration": calibration},
        {},
        trust={KZG_BN254: srs},
        workdir=tmp_path / "a",
        report=ignore_progress,
    )

    assert with_file.program.identity["calibration"] == digest_of_file(calibration)
    assert with_file.program.digest != build(model, {}, srs=srs, workdir=tmp_path / "b").program.digest


def test_an_open_batch_dimension_becomes_a_batch_of_one(srs: Path, tmp_path: Path) -> None:
    model = save(an_mlp(4, 4, 2, batch="batch"), tmp_path / "model")

    files = build(model, {}, srs=srs, workdir=tmp_path)

    identity: Any = files.program.identity
    tensor = {"type": "float32", "scale": 7, "visibility": "public"}
    assert identity["inputs"] == [{"name": "x", "shape": [1, 4], **tensor}]
    assert identity["outputs"] == [{"name": "y", "shape": [1, 2], **tensor}]


@pytest.mark.thorough
def test_auto_takes_the_decomposition_that_needs_the_fewest_rows(srs: Path, tmp_path: Path) -> None:
    model = save(an_mlp(6, 5, 3), tmp_path / "model")
    rows = {}
    for decomposition in ("auto", "1024x3", "4096x3"):
        files = build(model, {"decomposition": decomposition}, srs=srs, workdir=tmp_path / decomposition)
        settings = json.loads(files.path("slice/0/settings").read_text())
        summary: Any = files.program.summary
        rows[decomposition] = 2 ** summary["logrows"]
        assert settings["run_args"]["decomp_base"] < rows[decomposition]

    assert rows["auto"] < rows["1024x3"] < rows["4096x3"]


def test_a_string_much_longer_than_the_circuits_is_cut_once_and_names_the_same_program(tmp_path: Path) -> None:
    model = save(an_mlp(3, 2), tmp_path / "model")
    settings = {"decomposition": "16x3", "logrows_max": 8}
    long = tmp_path / "long.srs"
    make_development_srs(long, 10)

    files = build(model, settings, srs=long, workdir=tmp_path / "cut")

    cut = open_reference_file(files.path("srs"))
    assert cut is not None
    assert cut.logrows == files.program.summary["logrows"] == 7
    check_reference_string(cut, unheard)  # every point belongs to the one tau
    (tmp_path / "fits").mkdir()
    fits = tmp_path / "fits" / f"kzg{cut.logrows}.srs"
    fits.write_bytes(files.path("srs").read_bytes())
    again = build(model, settings, srs=fits.parent, workdir=tmp_path / "fit")
    assert again.program.digest == files.program.digest
    with_the_long_one = replace(files, paths={**files.paths, "srs": long})
    (job,) = SYSTEM.normalise(files, [[0.5, -1, 2]], workdir=tmp_path / "work").jobs
    for name, one in (("long", with_the_long_one), ("cut", files)):  # each derives a key of its own
        folders: dict[str, Any] = {"cache": tmp_path / name, "workdir": tmp_path / "work"}
        output = SYSTEM.run_job(one, 0, job.input, report=ignore_progress, **folders)
        SYSTEM.verify_partial(files, 0, job.facts, output, workdir=tmp_path / "work")


@pytest.mark.thorough
def test_auto_cuts_again_when_a_slice_would_need_more_rows_than_are_allowed(srs: Path, tmp_path: Path) -> None:
    source = {"model": save(an_mlp(32, 32, 32, 32, 8), tmp_path / "model")}
    cuts = {}
    for logrows_max in (12, 11):
        settings = {"logrows_max": logrows_max, "decomposition": "1024x3"}
        plan = plan_build(source, settings, srs=srs, workdir=tmp_path / str(logrows_max))
        slices, circuits = cut_that_fits(plan, ignore_progress)
        assert circuits.logrows == logrows_max
        cuts[logrows_max] = len(slices)

    assert cuts[11] > cuts[12]


def test_every_file_of_the_manifest_is_at_hand_and_has_its_digest(digits_program: ProgramFiles) -> None:
    program = digits_program.program

    assert {name: digest_of_file(path) for name, path in digits_program.paths.items()} == program.files
    assert set(program.verifying_files) < set(program.files)
    assert all(set(spec.files) <= set(program.files) for spec in program.slices)
    assert not any(path.suffix == ".pk" or path.name == "pk" for path in digits_program.paths.values())
    SYSTEM.check_program(digits_program)


def test_a_manifest_survives_json(digits_program: ProgramFiles) -> None:
    sent = canonical_json(program_to_json(digits_program.program))

    assert program_from_json(json.loads(sent)) == digits_program.program


def test_units_and_memory_are_sane_for_a_small_slice(digits_program: ProgramFiles) -> None:
    for spec in digits_program.program.slices:
        assert 500 <= spec.units <= 5_000
        assert 100 << 20 <= spec.memory_bytes <= 1 << 30


@pytest.mark.parametrize("name", ["srs.verifier", "slice/2/vk", "slice/0/settings", "model", "slice/1/compiled", "srs"])
def test_a_file_that_is_not_the_programs_is_noticed(digits_program: ProgramFiles, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    content = bytearray(digits_program.path(name).read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)

    with pytest.raises(BadProof) as caught:
        SYSTEM.check_program(replace(digits_program, paths={**digits_program.paths, name: other}))

    assert caught.value.field == f"program.files.{name}"


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 3},
        {"format": 1},
        {"format": True},
        {"slices": [1, 2, 3, 4]},
        {"slices": None},
        {"outputs": []},
        {"outputs": [{**TENSOR, "shape": [1, "10"]}]},
        {"inputs": [{**TENSOR, "scale": 10**9}]},
        {"inputs": [TENSOR, TENSOR]},
        {"inputs": [{**TENSOR, "visibility": "glimpsed"}]},
        {"inputs": [{**TENSOR, "type": "string"}]},
        {"inputs": {"x": TENSOR}},
    ],
)
def test_a_malformed_identity_is_refused(digits_program: ProgramFiles, changes: dict[str, Any]) -> None:
    program = digits_program.program
    malformed = replace(program, identity={**program.identity, **changes})

    with pytest.raises(BadProof) as caught:
        SYSTEM.check_program(replace(digits_program, program=malformed))

    assert caught.value.field == "program.identity"


def test_a_manifest_that_contradicts_its_identity_is_refused(digits_program: ProgramFiles) -> None:
    program = digits_program.program
    files = {**program.files, "slice/0/vk": program.files["slice/1/vk"]}
    paths = {**digits_program.paths, "slice/0/vk": digits_program.path("slice/1/vk")}

    with pytest.raises(BadProof, match="slice/0/vk"):
        SYSTEM.check_program(ProgramFiles(replace(program, files=files), paths))
    with pytest.raises(BadProof, match="slices disagree"):
        SYSTEM.check_program(replace(digits_program, program=replace(program, slices=program.slices[:-1])))
    with pytest.raises(BadProof, match="made for ezkl 1"):
        identity = {**program.identity, "engine": "ezkl 1"}
        SYSTEM.check_program(replace(digits_program, program=replace(program, identity=identity)))
