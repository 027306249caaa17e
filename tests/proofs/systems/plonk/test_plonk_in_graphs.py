"""A circuit proven by PLONK feeds one proven by Groth16: what is linked has to be equal."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import PartialProof
from proofgrid.proofs.kit.source_folders import source_in
from proofgrid.proofs.systems.graph.adapter import GraphSystem
from tests.proofs.systems.groth16.circom import files_of, with_keys
from tests.proofs.systems.plonk.circuits import trust_or_skip, unheard

INPUT: dict[str, Json] = {"a": {"a": [2, 3, 5], "b": 7, "limit": 9}, "b": {"a": [1, 1, 2], "b": 3}}


def test_a_value_of_one_system_is_the_input_of_the_other(tmp_path: Path) -> None:
    trust = trust_or_skip()
    folder = tmp_path / "graph"
    with_keys(files_of("product"), folder / "b")
    (folder / "a").mkdir()
    for node in "ab":
        for file in files_of("product").values():
            shutil.copy(file, folder / node)
    nodes = {"a": {"system": "plonk"}, "b": {"system": "groth16"}}
    (folder / "graph.json").write_text(json.dumps({"nodes": nodes, "links": [{"from": "a.product", "to": "b.limit"}]}))
    graph = GraphSystem()
    workdir = tmp_path / "work"
    workdir.mkdir()
    built = graph.build_program(source_in(folder, "graph"), {}, trust=trust, workdir=workdir, report=unheard)
    request = graph.normalise(built, [INPUT], workdir=workdir)
    outputs = [
        graph.run_job(built, job.slice_index, job.input, cache=tmp_path / "cache", workdir=workdir, report=unheard)
        for job in request.jobs
    ]
    parts = [
        PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output)
        for job, output in zip(request.jobs, outputs, strict=True)
    ]
    result = graph.combine(built, request.statement, parts, workdir=workdir)
    assert "what is linked is equal (1)" in graph.verify_whole(built, request.statement, result, parts, workdir=workdir)
    said = json.dumps(request.statement)
    assert '"210"' in said
    with pytest.raises(BadProof):
        graph.verify_whole(built, json.loads(said.replace('"210"', '"211"')), result, parts, workdir=workdir)
    swapped = [replace(parts[0], output=parts[1].output), replace(parts[1], output=parts[0].output)]
    with pytest.raises(BadProof):
        graph.verify_whole(built, request.statement, result, swapped, workdir=workdir)
