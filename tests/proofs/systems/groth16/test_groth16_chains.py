"""Circuits that feed each other are a graph: proven side by side, and held together by what they show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import PartialProof
from proofgrid.proofs.kit.source_folders import source_in
from proofgrid.proofs.systems.graph.adapter import GraphSystem
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys
from tests.proofs.systems.groth16.test_groth16 import unheard

LINKS = [{"from": "a.product", "to": "b.limit"}]
NODES = {"a": {"system": "groth16"}, "b": {"system": "groth16"}}
INPUTS: list[Json] = [
    {"a": {"a": [2, 3, 5], "b": 7, "limit": 9}, "b": {"a": [1, 1, 2], "b": 3}},
    {"a": {"a": [2, 2, 2], "b": 7, "limit": 9}, "b": {"a": [1, 1, 2], "b": 3}},
]


def test_circuits_that_feed_each_other_are_proven_side_by_side(tmp_path: Path) -> None:
    engine_or_skip()
    folder = tmp_path / "graph"
    for node in NODES:
        files = with_keys(files_of("product"), folder / node).files
        for name in ("r1cs", "wasm", "sym"):
            shutil.copy(files[name], folder / node)
    (folder / "graph.json").write_text(json.dumps({"nodes": NODES, "links": LINKS}))
    graph = GraphSystem()
    built = graph.build_program(source_in(folder, "graph"), {}, trust={}, workdir=tmp_path / "build", report=unheard)
    request = graph.normalise(built, INPUTS, workdir=tmp_path / "normalise")
    assert not any(job.depends_on for job in request.jobs)
    parts = []
    for job in request.jobs:
        output = graph.run_job(
            built, job.slice_index, job.input, cache=tmp_path / "cache", workdir=tmp_path / "job", report=unheard
        )
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    result = graph.combine(built, request.statement, parts, workdir=tmp_path / "combine")

    def verify(parts: Sequence[PartialProof], statement: Json = None) -> list[str]:
        given = statement if isinstance(statement, dict) else request.statement
        return graph.verify_whole(built, given, result, list(parts), workdir=tmp_path / "whole")

    assert "what is linked is equal (2)" in verify(parts)
    places = {(part.slice_index, part.input_index): at for at, part in enumerate(parts)}
    for one, other in (((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 0), (1, 0))):  # swapped, and of another circuit
        first, second = places[one], places[other]
        swapped = list(parts)
        swapped[first] = replace(parts[first], output=parts[second].output)
        swapped[second] = replace(parts[second], output=parts[first].output)
        with pytest.raises(BadProof):
            verify(swapped)
    with pytest.raises(BadProof):
        verify(parts[:-1])
    said = json.dumps(request.statement)
    assert '"210"' in said
    with pytest.raises(BadProof):
        verify(parts, json.loads(said.replace('"210"', '"211"')))
