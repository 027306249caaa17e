"""Programs that span systems: nodes that are programs of other systems, and public values that are equal.

    source      graph.json (see plan.py), and each node's own source as NODE/NAME
    input       node -> its input, without what links fill; the gateway fills that with what earlier nodes will show
    job         a job of a node, sold to the provers of the node's system
    result      node -> its result; verified node by node, then link by link

So one request, one escrow, one deadline and one bundle hold what clients would join by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram, InvalidRequest
from proofgrid.primitives.reading import read_json
from proofgrid.proofs.base import (
    JobDraft,
    JobOutput,
    NormalisedRequest,
    PartialProof,
    Program,
    ProgramFiles,
    ProofSystem,
    Report,
    SystemDescription,
)
from proofgrid.proofs.kit.batches import check_count, same_json
from proofgrid.proofs.kit.source_folders import source_in
from proofgrid.proofs.offers import TriesInputs
from proofgrid.proofs.registry import other_systems, proof_system
from proofgrid.proofs.setup import Setup, TrustRoots, setups_of
from proofgrid.proofs.systems.graph.linking import Values, check_link, check_links, filled, foreseen
from proofgrid.proofs.systems.graph.members import (
    FORMAT,
    SYSTEM,
    Member,
    graph_of,
    links_of,
    member_at,
    members_of,
    put_together,
)
from proofgrid.proofs.systems.graph.plan import Graph, Node, read_graph

GRAPH_FILE = "graph"
GRAPH_BYTES_MAX = 1 << 20
_IN_INPUT = re.compile(r"inputs\[(\d{1,9})\](.*)", re.DOTALL)


class GraphSystem:
    """Fits proofs.base.ProofSystem; see there for what each method promises."""

    name = SYSTEM

    @property
    def setups(self) -> tuple[Setup, ...]:
        """The kinds of trust roots that programs of its nodes may need."""
        found = {setup.kind: setup for system in other_systems(self.name) for setup in setups_of(system)}
        return tuple(found.values())

    def describe(self) -> SystemDescription:
        """Say what this system is; its programs take their settings node by node."""
        return SystemDescription(
            name=self.name,
            engine="those of its nodes",
            program_format="folder: graph.json, and a folder for each node with what its own system takes",
            settings_help={},
            source_suffixes={},
        )

    def source_in(self, folder: Path) -> dict[str, Path]:
        """Return graph.json, and the files of each node's folder as NODE/NAME; a node without files has no folder."""
        plan = folder / "graph.json"
        if not plan.is_file():
            raise InvalidField(f"{folder} holds no graph.json", field="model")
        found = {GRAPH_FILE: plan}
        for node in _graph_in(found).nodes:
            if (folder / node.name).is_dir():
                own = source_in(folder / node.name, node.system)
                found |= {f"{node.name}/{name}": path for name, path in own.items()}
        return found

    def build_program(
        self,
        source: Mapping[str, Path],
        settings: Mapping[str, Json],
        *,
        trust: TrustRoots,
        workdir: Path,
        report: Report,
    ) -> ProgramFiles:
        """Build the program of each node, and look whether the links are of public values of equal size."""
        if settings:
            raise InvalidField("settings stand in graph.json, by node", field=f"settings.{next(iter(settings))}")
        graph = _graph_in(source)
        built = []
        for number, node in enumerate(graph.nodes):
            start = 1000 * number // len(graph.nodes)
            report(f"build {node.name}", start)

            def told(stage: str, permille: int, *, name: str = node.name, start: int = start) -> None:
                report(f"{name}: {stage}", start + permille // len(graph.nodes))

            built.append(_built(node, source, trust=trust, workdir=workdir / f"node-{number}", report=told))
        made = put_together(graph, built)
        for index, link in enumerate(graph.links):
            check_link(link, members_of(made.program), field=f"source.graph.links[{index}]")
        return made

    def check_program(self, files: ProgramFiles) -> None:
        """Raise BadProof unless each node's files are those that its identity names."""
        links_of(files.program)
        for member in members_of(files.program):
            with _of_node(member.name):
                proof_system(member.program.proof_system).check_program(member.files(files))

    def systems_of(self, program: Program) -> tuple[str, ...]:
        """Do what SpansSystems.systems_of promises."""
        return tuple(member.program.proof_system for member in members_of(program) for _ in member.slices)

    def normalise(self, files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
        """Normalise node by node, each with what the links from earlier nodes fill in."""
        members = members_of(files.program)
        graph = graph_of(files.program, members)
        given = _inputs_by_node(inputs, [member.name for member in members])
        shown: dict[str, Values | None] = {}
        jobs: list[JobDraft] = []
        statement: dict[str, Json] = {}
        for member in members:
            values = filled(member, given[member.name], graph.links_to(member.name), shown)
            place = workdir / member.name
            place.mkdir(parents=True, exist_ok=True)
            system = proof_system(member.program.proof_system)
            try:
                normal = system.normalise(member.files(files), values, workdir=place)
            except InvalidRequest as reason:
                raise _in_node(reason, member.name) from None
            statement[member.name] = dict(normal.statement)
            shown[member.name] = foreseen(member.program, normal)
            jobs += [_moved(job, member.first, len(jobs)) for job in normal.jobs]
        return NormalisedRequest(statement={"format": FORMAT, "nodes": statement}, jobs=tuple(jobs))

    def run_job(
        self, files: ProgramFiles, slice_index: int, job_input: bytes, *, cache: Path, workdir: Path, report: Report
    ) -> JobOutput:
        """Prove one slice of one node."""
        member, system, index = _at(files.program, slice_index)
        return system.run_job(member.files(files), index, job_input, cache=cache, workdir=workdir, report=report)

    def can_be_proven(self, files: ProgramFiles, slice_index: int, job_input: bytes, *, workdir: Path) -> bool | None:
        """Do what TriesInputs.can_be_proven promises, where the node's system does."""
        member, system, index = _at(files.program, slice_index)
        if not isinstance(system, TriesInputs):
            return None
        return system.can_be_proven(member.files(files), index, job_input, workdir=workdir)

    def verify_partial(
        self, files: ProgramFiles, slice_index: int, facts: Mapping[str, Json], output: JobOutput, *, workdir: Path
    ) -> None:
        """Raise BadProof unless `output` proves exactly the node's job that `facts` describe."""
        member, system, index = _at(files.program, slice_index)
        system.verify_partial(member.files(files), index, facts, output, workdir=workdir)

    def combine(
        self, files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof], *, workdir: Path
    ) -> Mapping[str, Json]:
        """Return each node's result; raise BrokenLink when two that are linked differ."""
        said = _by_node(statement, members_of(files.program), field="statement")
        results: dict[str, Json] = {}
        for member, system, place in _each(files.program, workdir):
            own = _parts_of(member, parts)
            results[member.name] = dict(system.combine(member.files(files), said[member.name], own, workdir=place))
        check_links(files.program, said, {name: _mapping(one, "result") for name, one in results.items()})
        return {"format": FORMAT, "nodes": results}

    def verify_whole(
        self,
        files: ProgramFiles,
        statement: Mapping[str, Json],
        result: Mapping[str, Json],
        parts: list[PartialProof],
        *,
        workdir: Path,
    ) -> list[str]:
        """Check each node as its system does, that no part is of no node, and every link."""
        members = members_of(files.program)
        said = _by_node(statement, members, field="statement")
        results = _by_node(result, members, field="result")
        if any(part.slice_index not in range(len(files.program.slices)) for part in parts):
            raise BadProof("a proof is of no slice of the graph", field="proofs")
        sentences: list[str] = []
        for member, system, place in _each(files.program, workdir):
            with _of_node(member.name):
                told = system.verify_whole(
                    member.files(files),
                    said[member.name],
                    results[member.name],
                    _parts_of(member, parts),
                    workdir=place,
                )
            sentences += [f"{member.name}: {sentence}" for sentence in told]
        count = check_links(files.program, said, results)
        return [*sentences, f"what is linked is equal ({count})"]


def _graph_in(source: Mapping[str, Path]) -> Graph:
    if GRAPH_FILE not in source:
        raise InvalidField("there is no graph.json", field=f"source.{GRAPH_FILE}")
    if source[GRAPH_FILE].stat().st_size > GRAPH_BYTES_MAX:
        raise InvalidField(f"at most {GRAPH_BYTES_MAX} bytes", field=f"source.{GRAPH_FILE}")
    described = read_json(source[GRAPH_FILE].read_bytes(), field=f"source.{GRAPH_FILE}")
    graph = read_graph(described, field=f"source.{GRAPH_FILE}")
    names = {node.name for node in graph.nodes}
    for name in source:
        if name != GRAPH_FILE and name.partition("/")[0] not in names:
            raise InvalidField("it belongs to no node of graph.json", field=f"source.{name[:80]}")
    return graph


def _built(node: Node, source: Mapping[str, Path], *, trust: TrustRoots, workdir: Path, report: Report) -> ProgramFiles:
    field = f"source.{node.name}"
    if node.system == SYSTEM:
        raise InvalidProgram("a node is no graph itself", field=f"source.graph.nodes.{node.name}.system")
    prefix = f"{node.name}/"
    own = {name.removeprefix(prefix): path for name, path in source.items() if name.startswith(prefix)}
    workdir.mkdir(parents=True)
    try:
        return proof_system(node.system).build_program(own, node.settings, trust=trust, workdir=workdir, report=report)
    except InvalidRequest as reason:
        where = reason.field.removeprefix("source.").removeprefix("source")
        raise type(reason)(reason.detail, field=f"{field}.{where}" if where else field, hint=reason.hint) from None


def _inputs_by_node(inputs: list[Json], nodes: Sequence[str]) -> dict[str, list[Json]]:
    given: dict[str, list[Json]] = {name: [] for name in nodes}
    for index, value in enumerate(check_count(inputs)):
        if not isinstance(value, Mapping):
            raise InvalidInput("an input is an object: node -> its input", field=f"inputs[{index}]")
        for name in sorted(set(value) | set(nodes)):
            if name not in value:
                raise InvalidInput(
                    "this node's input is missing", field=f"inputs[{index}].{name}", hint="{} where links fill it all"
                )
            if name not in given:
                raise InvalidInput("the graph has no such node", field=f"inputs[{index}].{name[:40]}")
            given[name].append(value[name])
    return given


def _at(program: Program, slice_index: int) -> tuple[Member, ProofSystem, int]:
    member = member_at(program, slice_index)
    return member, proof_system(member.program.proof_system), slice_index - member.first


def _each(program: Program, workdir: Path) -> Iterator[tuple[Member, ProofSystem, Path]]:
    for member in members_of(program):
        place = workdir / member.name
        place.mkdir(parents=True, exist_ok=True)
        yield member, proof_system(member.program.proof_system), place


def _parts_of(member: Member, parts: Sequence[PartialProof]) -> list[PartialProof]:
    return [
        replace(part, slice_index=part.slice_index - member.first)
        for part in parts
        if part.slice_index in member.slices
    ]


def _moved(job: JobDraft, first_slice: int, first_job: int) -> JobDraft:
    return replace(
        job,
        slice_index=job.slice_index + first_slice,
        depends_on=tuple(position + first_job for position in job.depends_on),
    )


def _by_node(value: Mapping[str, Json], members: Sequence[Member], *, field: str) -> dict[str, Mapping[str, Json]]:
    nodes = value.get("nodes")
    right = isinstance(nodes, Mapping) and set(nodes) == {member.name for member in members}
    if not right or not same_json(dict(value), {"format": FORMAT, "nodes": nodes}):
        raise BadProof(f"the {field} is not one of this graph", field=field)
    assert isinstance(nodes, Mapping)  # noqa: S101 - looked at above
    return {name: _mapping(one, f"{field}.nodes.{name}") for name, one in nodes.items()}


def _mapping(value: Json, field: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise BadProof("expected an object", field=field)
    return value


def _in_node(reason: InvalidRequest, node: str) -> InvalidRequest:
    found = _IN_INPUT.fullmatch(reason.field)
    field = f"inputs[{found[1]}].{node}{found[2]}" if found else f"{node}.{reason.field}"
    return type(reason)(reason.detail, field=field, hint=reason.hint)


@contextmanager
def _of_node(name: str) -> Iterator[None]:
    try:
        yield
    except BadProof as reason:
        field = f"{name}.{reason.field}" if reason.field else name
        raise type(reason)(f"{name}: {reason.detail}", field=field, hint=reason.hint) from None
