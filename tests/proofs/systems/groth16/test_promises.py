"""Groth16 keeps the promises of proof systems on each curve; the circuit's public input stands in no constraint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.kit import conformance
from proofgrid.proofs.kit.conformance import CHECKS, Check, Prepared, complaint, prepare
from proofgrid.proofs.kit.samples import Samples, Source
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys

RIGHT: dict[str, Json] = {"a": [2, 3, 5], "b": 7, "limit": 9}
REFUSED: tuple[Json, ...] = (
    1,
    None,
    {},
    {"a": [2, 3, 5], "b": 7},
    {**RIGHT, "more": 1},
    {**RIGHT, "more": []},
    {**RIGHT, "a": [2, 3]},
    {**RIGHT, "a": [2, 3, 5, 7]},
    {**RIGHT, "b": -1},
    {**RIGHT, "b": True},
    {**RIGHT, "b": 1.5},
    {**RIGHT, "b": "07"},
    {**RIGHT, "b": "+7"},
    {**RIGHT, "b": "7" * 100},
    {**RIGHT, "b": 21888242871839275222246405745257275088548364400416034343698204186575808495617},
    {**RIGHT, "limit": 0},  # the circuit's own assertion
)


@pytest.fixture(scope="module", params=["bn128", pytest.param("bls12377", marks=pytest.mark.thorough)])
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    engine_or_skip()
    prime = request.param
    folder = tmp_path_factory.mktemp("groth16")
    files = files_of("product", prime=prime)
    source, other = (with_keys(files, folder / name) for name in ("keys", "other"))
    larger = with_keys(files_of("membership"), folder / "larger")
    abroad = with_keys(files_of("product", prime={"bn128": "bls12377", "bls12377": "bn128"}[prime]), folder / "abroad")
    mixed = [
        replace(source, files={**source.files, name: one.files[name]})
        for one in (larger, abroad)
        for name in source.files
        if name != "sym"
    ]
    garbage = folder / "garbage"
    garbage.write_bytes(b"r1cs\x01\x00\x00\x00\xff\xff\xff\xff" + bytes(64))
    samples = Samples(
        source=source,
        other=other,
        inputs=(RIGHT, {"a": ["1", "2", "3"], "b": [4], "limit": 1}),
        malformed=(
            Source(),
            Source(files=files),
            *mixed,
            replace(source, files={**source.files, "proving_key": other.files["proving_key"]}),
            *(replace(source, files={**source.files, name: garbage}) for name in source.files),
            replace(source, settings={"slices": 2}),
            with_keys_of(source, files_of("other_field", prime="bls12381")),
        ),
        refused_inputs=REFUSED,
    )
    return prepare(Groth16System(), samples, workdir=folder / "work")


def with_keys_of(source: Source, files: dict[str, Path]) -> Source:
    return replace(source, files={**source.files, **files})


@pytest.mark.parametrize("check", CHECKS, ids=conformance.name_of)
def test_groth16_keeps_its_promises(prepared: Prepared, check: Check) -> None:
    assert complaint(check, prepared) == ""
