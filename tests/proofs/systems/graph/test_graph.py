"""Graphs of toys: one program of several, whose public values are equal where they are linked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import BadProof, BrokenLink, InvalidInput, InvalidProgram, InvalidRequest
from proofgrid.proofs.base import NormalisedRequest, PartialProof, ProgramFiles
from proofgrid.proofs.kit.conformance import check_conformance
from proofgrid.proofs.kit.samples import Samples, Source
from proofgrid.proofs.registry import look_again, proven_names, systems_of
from proofgrid.proofs.systems.graph.adapter import GraphSystem

SYSTEM = GraphSystem()
PLAN = {
    "nodes": {"first": {"system": "toy", "settings": {"rounds": 3}}, "then": {"system": "toy"}},
    "links": [{"from": "first.end", "to": "then.start"}],
}


@pytest.fixture(autouse=True)
def with_toys(toy_system_on_path: Path) -> Iterator[None]:
    look_again()
    yield
    look_again()


def written(folder: Path, plan: Mapping[str, Any] = PLAN) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "graph.json"
    path.write_text(json.dumps(plan))
    return path


def built(folder: Path, plan: Mapping[str, Any] = PLAN) -> ProgramFiles:
    source = {"graph": written(folder, plan)}
    (folder / "work").mkdir()
    return SYSTEM.build_program(source, {}, trust={}, workdir=folder / "work", report=lambda stage, permille: None)


def proven(files: ProgramFiles, request: NormalisedRequest, folder: Path) -> list[PartialProof]:
    return [
        PartialProof(
            slice_index=job.slice_index,
            input_index=job.input_index,
            output=SYSTEM.run_job(
                files, job.slice_index, job.input, cache=folder, workdir=folder, report=lambda stage, permille: None
            ),
        )
        for job in request.jobs
    ]


def test_graphs_keep_the_promises_of_a_proof_system(tmp_path: Path) -> None:
    other = {**PLAN, "nodes": {**PLAN["nodes"], "then": {"system": "toy", "settings": {"rounds": 11}}}}  # type: ignore[dict-item]
    samples = Samples(
        source=Source(files={"graph": written(tmp_path / "one")}),
        other=Source(files={"graph": written(tmp_path / "other", other)}),
        inputs=({"first": "one", "then": {}}, {"first": "two", "then": {}}),
        malformed=(Source(files={"graph": written(tmp_path / "odd", {"nodes": {}, "links": []})}), Source()),
        refused_inputs=({"first": "one"}, {"first": "one", "then": "two"}, "one", {"first": 1, "then": {}}),
    )

    check_conformance(SYSTEM, samples, workdir=tmp_path / "work")


def test_a_batch_is_proven_node_by_node_and_linked(tmp_path: Path) -> None:
    files = built(tmp_path)
    request = SYSTEM.normalise(files, [{"first": text, "then": {}} for text in "ab"], workdir=tmp_path)
    parts = proven(files, request, tmp_path)
    for job, part in zip(request.jobs, parts, strict=True):
        SYSTEM.verify_partial(files, job.slice_index, job.facts, part.output, workdir=tmp_path)
    result = SYSTEM.combine(files, request.statement, parts, workdir=tmp_path)

    sentences = SYSTEM.verify_whole(files, request.statement, result, parts, workdir=tmp_path)

    assert len(request.jobs) == 8  # two inputs, two nodes of two slices
    assert sentences[-1] == "what is linked is equal (2)"
    assert {sentence.partition(":")[0] for sentence in sentences[:-1]} == {"first", "then"}


def test_a_node_that_starts_elsewhere_breaks_the_link(tmp_path: Path) -> None:
    linked, loose = built(tmp_path / "linked"), built(tmp_path / "loose", {**PLAN, "links": []})
    request = SYSTEM.normalise(loose, [{"first": "a", "then": "b"}], workdir=tmp_path)
    parts = proven(loose, request, tmp_path)
    result = SYSTEM.combine(loose, request.statement, parts, workdir=tmp_path)

    assert SYSTEM.verify_whole(loose, request.statement, result, parts, workdir=tmp_path)
    with pytest.raises(BrokenLink, match=r"first\.end is not then\.start"):
        SYSTEM.verify_whole(linked, request.statement, result, parts, workdir=tmp_path)
    with pytest.raises(BrokenLink, match=r"first\.end is not then\.start"):
        SYSTEM.combine(linked, request.statement, parts, workdir=tmp_path)


def test_a_proof_of_one_node_is_none_of_the_other(tmp_path: Path) -> None:
    files = built(tmp_path, {"nodes": {"a": {"system": "toy"}, "b": {"system": "toy"}}, "links": []})
    request = SYSTEM.normalise(files, [{"a": "x", "b": "y"}], workdir=tmp_path)
    parts = proven(files, request, tmp_path)
    job = request.jobs[0]
    swapped = next(part for part in parts if part.slice_index == 2)

    with pytest.raises(BadProof):
        SYSTEM.verify_partial(files, job.slice_index, job.facts, swapped.output, workdir=tmp_path)


def test_lanes_are_those_of_the_nodes_systems_and_nobody_offers_graphs(tmp_path: Path) -> None:
    assert systems_of(built(tmp_path).program) == ("toy",) * 4
    assert "graph" not in proven_names()
    assert "toy" in proven_names()


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"links": [{"from": "first.middle", "to": "then.start"}]}, "source.graph.links[0].from", "shows no 'middle'"),
        ({"links": [{"from": "first.end[1]", "to": "then.start"}]}, "source.graph.links[0].from", "has 1 integers"),
        ({"links": [{"from": "first.end", "to": "then.end"}]}, "source.graph.links[0].to", "no public input 'end'"),
        ({"nodes": {**PLAN["nodes"], "then": {"system": "graph"}}}, "source.graph.nodes.then.system", "no graph"),  # type: ignore[dict-item]
        (
            {"nodes": {**PLAN["nodes"], "then": {"system": "toy", "settings": {"rounds": "x"}}}},  # type: ignore[dict-item]
            "source.then.settings.rounds",
            "another type",
        ),
    ],
)
def test_what_cannot_be_linked_or_built_is_named(
    change: Mapping[str, Any], field: str, rule: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        built(tmp_path, {**PLAN, **change})

    assert caught.value.field == field
    assert rule in caught.value.detail


def test_a_file_of_no_node_is_named(tmp_path: Path) -> None:
    source = {"graph": written(tmp_path), "third/r1cs": written(tmp_path)}

    with pytest.raises(InvalidRequest) as caught:
        SYSTEM.build_program(source, {}, trust={}, workdir=tmp_path, report=lambda stage, permille: None)

    assert caught.value.field == "source.third/r1cs"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"first": 1, "then": {}}, "inputs[1].first"),
        ({"first": "a", "then": {"start": "b"}}, "inputs[1].then.start"),
        ({"first": "a"}, "inputs[1].then"),
        ({"first": "a", "then": {}, "third": 1}, "inputs[1].third"),
        (7, "inputs[1]"),
    ],
)
def test_a_wrong_input_is_named_with_its_node(value: Any, field: str, tmp_path: Path) -> None:
    files = built(tmp_path)

    with pytest.raises(InvalidInput) as caught:
        SYSTEM.normalise(files, [{"first": "a", "then": {}}, value], workdir=tmp_path)

    assert caught.value.field == field


def test_a_program_whose_identity_was_changed_is_malformed(tmp_path: Path) -> None:
    files = built(tmp_path)
    for member, value in (("order", ["first"]), ("nodes", {}), ("links", [{"from": "x"}]), ("format", 2)):
        program = files.program
        changed = ProgramFiles(
            type(program)(
                proof_system=program.proof_system,
                identity={**program.identity, member: value},
                files=program.files,
                verifying_files=program.verifying_files,
                slices=program.slices,
            ),
            files.paths,
        )
        with pytest.raises(BadProof, match="malformed"):
            SYSTEM.check_program(changed)


def test_programs_of_the_same_graph_have_the_same_digest(tmp_path: Path) -> None:
    reordered = {"links": PLAN["links"], "nodes": dict(reversed(PLAN["nodes"].items()))}  # type: ignore[attr-defined]

    assert built(tmp_path / "one").program.digest == built(tmp_path / "other", reordered).program.digest


def test_an_unprovable_graph_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(InvalidProgram, match="circle"):
        built(tmp_path, {**PLAN, "links": [{"from": "first.end", "to": "first.start"}]})
