"""A circuit proven by PLONK feeds one proven by Groth16: what is linked has to be equal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import PartialProof
from proofgrid.proofs.kit.rehearsal import build, rehearse
from proofgrid.proofs.kit.samples import Source
from proofgrid.proofs.kit.source_folders import source_in
from proofgrid.proofs.systems.graph.adapter import GraphSystem
from tests.proofs.systems.groth16.circom import files_of, with_keys
from tests.proofs.systems.plonk.circuits import trust_or_skip

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
    source, workdir = Source(files=source_in(folder, "graph")), tmp_path / "work"
    built = build(graph, source, trust, workdir=workdir)
    done = rehearse(graph, built, [INPUT], cache=tmp_path / "cache", workdir=workdir)

    def verify(statement: Mapping[str, Json], parts: list[PartialProof]) -> list[str]:
        return graph.verify_whole(built, statement, done.result, parts, workdir=workdir)

    statement, parts = done.request.statement, done.parts
    assert "what is linked is equal (1)" in verify(statement, parts)
    said = json.dumps(statement)
    assert '"210"' in said
    with pytest.raises(BadProof):
        verify(json.loads(said.replace('"210"', '"211"')), parts)
    with pytest.raises(BadProof):
        verify(statement, [replace(parts[0], output=parts[1].output), replace(parts[1], output=parts[0].output)])
