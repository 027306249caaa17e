"""A Noir program about what a circom circuit produced: two systems, one program, one equality."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BrokenLink, InvalidInput, InvalidProgram
from proofgrid.proofs.base import PartialProof, ProgramFiles
from proofgrid.proofs.kit.ignition import IGNITION_BN254
from proofgrid.proofs.systems.graph.adapter import GraphSystem
from tests.proofs.points import POINTS
from tests.proofs.systems.groth16 import circom
from tests.proofs.systems.noir import programs

SYSTEM = GraphSystem()


def built(folder: Path, link: dict[str, str]) -> ProgramFiles:
    circom.engine_or_skip()
    programs.engine_or_skip()
    circuit = circom.with_keys(circom.files_of("product"), folder / "keys")
    nodes = {"numbers": {"system": "groth16"}, "limit": {"system": "noir"}}
    plan = folder / "graph.json"
    plan.write_text(json.dumps({"nodes": nodes, "links": [link]}))
    source = {"graph": plan, "limit/package": programs.packed("product", folder)}
    source |= {f"numbers/{name}": path for name, path in circuit.files.items()}
    trust = {IGNITION_BN254: POINTS}
    return SYSTEM.build_program(source, {}, trust=trust, workdir=folder / "work", report=programs.unheard)


def test_a_noir_program_takes_what_a_circuit_shows(tmp_path: Path) -> None:
    files = built(tmp_path, {"from": "numbers.product", "to": "limit.limit"})
    numbers: dict[str, Json] = {"a": [2, 3, 5], "b": 7, "limit": 1}
    value: dict[str, Json] = {"numbers": numbers, "limit": {"a": [10, 10, 10], "b": 1, "unused": 0}}
    request = SYSTEM.normalise(files, [value], workdir=tmp_path)
    parts = [
        PartialProof(
            slice_index=job.slice_index,
            input_index=job.input_index,
            output=SYSTEM.run_job(
                files, job.slice_index, job.input, cache=tmp_path, workdir=tmp_path, report=programs.unheard
            ),
        )
        for job in request.jobs
    ]
    result = SYSTEM.combine(files, request.statement, parts, workdir=tmp_path)

    assert "what is linked is equal (1)" in SYSTEM.verify_whole(
        files, request.statement, result, parts, workdir=tmp_path
    )
    with pytest.raises(InvalidInput, match="too small"):  # 210 is not less than 8
        SYSTEM.normalise(files, [{**value, "limit": {"a": [2, 2, 2], "b": 1, "unused": 0}}], workdir=tmp_path)
    with pytest.raises(InvalidInput) as caught:  # 2^40 is no u32
        SYSTEM.normalise(files, [{**value, "numbers": {**numbers, "b": 1 << 40}}], workdir=tmp_path)
    assert caught.value.field == "inputs[0].limit.limit"

    unlinked = SYSTEM.normalise(files, [{**value, "numbers": {**numbers, "b": 8}}], workdir=tmp_path)
    nodes = {**request.statement["nodes"], "limit": unlinked.statement["nodes"]["limit"]}  # type: ignore[index,call-overload,dict-item]
    with pytest.raises(BrokenLink, match=r"numbers\.product is not limit\.limit"):
        SYSTEM.combine(files, {**request.statement, "nodes": nodes}, parts, workdir=tmp_path)


def test_values_of_different_sizes_are_not_linked(tmp_path: Path) -> None:
    with pytest.raises(InvalidProgram, match="no public input 'a'"):
        built(tmp_path, {"from": "numbers.product", "to": "limit.a"})
