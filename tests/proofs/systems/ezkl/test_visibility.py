"""What of inputs and outputs is public, hashed, committed, private or fixed, tensor by tensor, and who could lie."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.kit.contract_calls import call_of
from proofgrid.proofs.systems.ezkl.felts import value_of
from proofgrid.proofs.systems.ezkl.layout import layout_of
from proofgrid.proofs.systems.ezkl.proving.contracts import FUNCTION
from proofgrid.proofs.systems.ezkl.proving.verify import claim_of, instances_of
from tests.proofs.conftest import SYSTEM, ProvenRequest, build, prove_all
from tests.proofs.evm.running import answers_of
from tests.proofs.systems.ezkl.models import a_model, node, save, weights

INPUTS: list[Any] = [{"x": [0.5, -0.25, 1], "z": [-1, -2, -3]}, {"x": [0.25, 0.75, 0], "z": [1, 2, 3]}]


def a_joining_model() -> onnx.ModelProto:
    """Two inputs of the same shape that are not interchangeable, then a cut, then two outputs."""
    return a_model(
        [
            node("MatMul", "x w", "wide"),
            node("Sub", "wide z", "both"),
            node("Relu", "both", "bent"),
            node("Neg", "bent", "low"),
            node("Add", "bent bent", "high"),
        ],
        [weights("w", 3, 3)],
        inputs=[("x", (1, 3)), ("z", (1, 3))],
        outputs=["low", "high"],
    )


#: Settings by which its circuits are small and take INPUTS.
FITTING: dict[str, Any] = {"decomposition": "128x4", "input_range": [-3, 3]}
KINDS: Mapping[str, dict[str, Any]] = {
    "hashed": {"slices": 2, "input_visibility": "hashed", "output_visibility": "hashed"},
    "private": {"slices": 2, "input_visibility": "private"},
    "committed": {"slices": 2, "input_visibility": "committed", "output_visibility": "committed"},
    "public beside private": {"input_visibility": {"z": "private"}},
    "public beside committed": {"input_visibility": {"z": "committed"}},
    "public beside hashed": {"input_visibility": {"x": "hashed", "z": "public"}},
}
IN_SHORT = ("committed", "public beside hashed")


@dataclass(frozen=True, slots=True)
class Case:
    """A program, and two inputs proven for it."""

    kind: str
    files: ProgramFiles
    proven: ProvenRequest

    def verify(self, workdir: Path, **changed: Any) -> list[str]:
        files = ProgramFiles(
            self.files.program, {name: self.files.path(name) for name in self.files.program.verifying_files}
        )
        said: dict[str, Any] = {
            "statement": self.proven.request.statement,
            "result": self.proven.result,
            "parts": self.proven.parts,
        }
        said |= changed
        return SYSTEM.verify_whole(files, said["statement"], said["result"], said["parts"], workdir=workdir)


@pytest.fixture(
    scope="module",
    params=[kind if kind in IN_SHORT else pytest.param(kind, marks=pytest.mark.thorough) for kind in KINDS],
)
def case(request: pytest.FixtureRequest, srs: Path, key_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("visible")
    settings = FITTING | KINDS[request.param]
    files = build(save(a_joining_model(), folder / "model"), settings, srs=srs, workdir=folder)
    return Case(request.param, files, prove_all(files, INPUTS, cache=key_cache, workdir=folder))


def test_each_kind_is_proven_and_verified_with_the_verifying_files_alone(case: Case, tmp_path: Path) -> None:
    said = case.verify(tmp_path)

    slices = len(case.files.program.slices)
    assert f"every proof verifies ({2 * slices})" in said
    for part, job in zip(case.proven.parts, case.proven.request.jobs, strict=True):
        SYSTEM.verify_partial(case.files, part.slice_index, job.facts, part.output, workdir=tmp_path)


def test_the_statement_shows_what_is_public_and_nothing_else(case: Case) -> None:
    statement: Any = case.proven.request.statement
    shown = {name: set(tensor) for name, tensor in statement["inputs"][0].items()}
    numbers = {"values", "integers"}

    assert (
        shown
        == {
            "hashed": {"x": {"hash"}, "z": {"hash"}},
            "private": {"x": set(), "z": set()},
            "committed": {"x": {"commitment"}, "z": {"commitment"}},
            "public beside private": {"x": numbers, "z": set()},
            "public beside committed": {"x": {*numbers, "commitment"}, "z": {"commitment"}},
            "public beside hashed": {"x": {"hash"}, "z": {*numbers, "hash"}},
        }[case.kind]
    )
    output = set(case.proven.result["outputs"][0]["low"]) - {"shape", "scale"}
    assert output == ({"hash"} if case.kind == "hashed" else {"commitment"} if case.kind == "committed" else numbers)


#: What a forger says instead, as consistently as can be.
OTHER: Mapping[str, Mapping[str, Any]] = {
    "integers": {"values": ["0.75"] * 3, "integers": [96] * 3},
    "hash": {"hash": "01" + "00" * 31},
    "commitment": {"commitment": "01" * 64},
}


def forged(said: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    """Return a statement or a result with each thing that it says of its first input's tensors changed."""
    made = []
    for tensor, shown in said[member][0].items():
        for kind in set(OTHER) & set(shown):
            changed: Any = copy.deepcopy(dict(said))
            changed[member][0][tensor] |= OTHER[kind]
            made.append(changed)
    return made


def test_every_value_that_is_said_is_bound_by_the_proofs(case: Case, tmp_path: Path) -> None:
    statements = forged(case.proven.request.statement, "inputs")
    results = forged(case.proven.result, "outputs")

    assert len(statements) == {"private": 0, "public beside private": 1, "hashed": 2, "committed": 2}.get(case.kind, 3)
    assert len(results) == 2
    for statement in statements:
        with pytest.raises(BadProof):
            case.verify(tmp_path, statement=statement)
    for result in results:
        with pytest.raises(BadProof):
            case.verify(tmp_path, result=result)


def test_calls_of_contracts_have_the_public_values_of_the_proofs(case: Case, tmp_path: Path) -> None:
    proven = case.proven
    calls = SYSTEM.contract_calls(case.files, proven.request.statement, proven.parts, workdir=tmp_path)

    for part, job, call in zip(proven.parts, proven.request.jobs, calls, strict=True):
        known: Any = job.facts
        shown, hashes = known["public_input"], known["input_hashes"]
        public = instances_of(layout_of(case.files.program), shown, hashes, claim_of(part.output))
        assert call.arguments == ("0x" + part.output.proof.hex(), [str(value_of(felt)) for felt in public])


def test_a_contract_takes_public_inputs_beside_hashed_ones(case: Case, tmp_path: Path) -> None:
    """Of this kind alone, which has public values of every kind in the oddest order: compiling takes seconds."""
    if case.kind != "public beside hashed":
        return
    (contract,) = SYSTEM.contracts(case.files, workdir=tmp_path)
    calls = SYSTEM.contract_calls(case.files, case.proven.request.statement, case.proven.parts, workdir=tmp_path)
    said: Any = calls[0].arguments[1]
    values = [int(value) for value in said]
    forged = [
        call_of(FUNCTION, case.proven.parts[0].output.proof, [*values[:at], values[at] + 1, *values[at + 1 :]]).calldata
        for at in range(len(values))
    ]

    answers = answers_of(contract, [*(call.calldata for call in calls), *forged])
    assert [one.returned for one in answers] == ["0x" + "1".zfill(64)] * 2 + [None] * len(forged)


def test_tensors_that_swap_their_names_are_refused(case: Case, tmp_path: Path) -> None:
    statement: Any = copy.deepcopy(dict(case.proven.request.statement))
    result: Any = copy.deepcopy(dict(case.proven.result))
    inputs, outputs = statement["inputs"][0], result["outputs"][0]
    inputs["x"], inputs["z"] = inputs["z"], inputs["x"]
    outputs["low"], outputs["high"] = outputs["high"], outputs["low"]

    with pytest.raises(BadProof):
        case.verify(tmp_path, result=result)
    if case.kind != "private":  # of which nothing is said
        with pytest.raises(BadProof):
            case.verify(tmp_path, statement=statement)


def test_more_than_the_program_shows_is_not_believed(case: Case, tmp_path: Path) -> None:
    for name, member in (("x", "values"), ("z", "commitment"), ("z", "hash"), ("z", "note")):
        statement: Any = copy.deepcopy(dict(case.proven.request.statement))
        if member not in statement["inputs"][0][name]:
            statement["inputs"][0][name][member] = "1"
            with pytest.raises(BadProof):
                case.verify(tmp_path, statement=statement)


def test_a_proof_of_another_input_is_refused_by_the_gateway(case: Case, tmp_path: Path) -> None:
    slices = len(case.files.program.slices)
    for position in range(slices):
        other, job = case.proven.parts[slices + position], case.proven.request.jobs[position]
        for output in (other.output, replace(case.proven.parts[position].output, public={"hashes": ["00" * 32] * 2})):
            with pytest.raises(BadProof):
                SYSTEM.verify_partial(case.files, position, job.facts, output, workdir=tmp_path)


def test_the_inputs_of_a_batch_cannot_change_places(case: Case, tmp_path: Path) -> None:
    parts = [replace(part, input_index=1 - part.input_index) for part in case.proven.parts]

    with pytest.raises(BadProof):
        case.verify(tmp_path, parts=parts)


@pytest.fixture(scope="module")
def fixed_program(srs: Path, tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    """The same model with one input fixed and one output left out."""
    folder = tmp_path_factory.mktemp("fixed")
    settings = {"fixed": {"z": [-1, -2.5, -3]}, "output_visibility": {"low": "private"}, "decomposition": "128x4"}
    return build(save(a_joining_model(), folder / "model"), settings, srs=srs, workdir=folder)


def test_a_fixed_input_is_part_of_the_program_and_a_private_output_is_not(
    fixed_program: ProgramFiles, key_cache: Path, tmp_path: Path
) -> None:
    identity: Any = fixed_program.program.identity
    assert [tensor["name"] for tensor in (*identity["inputs"], *identity["outputs"])] == ["x", "high"]
    assert identity["settings"]["fixed"] == {"z": ["-1", "-2.5", "-3"]}

    proven = prove_all(fixed_program, [[0.5, -0.25, 1]], cache=key_cache, workdir=tmp_path)

    SYSTEM.verify_whole(fixed_program, proven.request.statement, proven.result, proven.parts, workdir=tmp_path)
    assert [*proven.result["outputs"][0]] == ["high"]
    with pytest.raises(InvalidInput, match="no input 'z'"):
        SYSTEM.normalise(fixed_program, [{"x": [1, 2, 3], "z": [-1, -2.5, -3]}], workdir=tmp_path)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"input_visibility": {"x": "private", "z": "hashed"}}, "settings.input_visibility"),
        ({"input_visibility": {"x": "private"}, "slices": 2}, "settings.input_visibility"),
        ({"input_visibility": {"x": "private"}, "output_visibility": "hashed"}, "settings.input_visibility"),
        ({"input_range": {"y": [0, 1]}}, "settings.input_range.y"),
        ({"input_visibility": {"y": "private"}}, "settings.input_visibility.y"),
        ({"input_visibility": {"x": "fixed"}}, "settings.input_visibility.x"),
        ({"output_visibility": {"low": "hashed"}}, "settings.output_visibility"),
        ({"output_visibility": {"low": "private", "high": "private"}}, "settings.output_visibility"),
        ({"output_visibility": "private"}, "settings.output_visibility"),
        ({"output_visibility": {"lower": "private"}}, "settings.output_visibility.lower"),
        ({"fixed": {"z": [1, 2]}}, "settings.fixed.z"),
        ({"fixed": {"z": [1, 2, "nan"]}}, "settings.fixed.z"),
        ({"fixed": {"y": [1]}}, "settings.fixed.y"),
        ({"fixed": {"x": [1, 2, 3], "z": [1, 2, 3]}}, "settings.fixed"),
        ({"fixed": [1]}, "settings.fixed"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(srs: Path, tmp_path: Path, settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        build(save(a_joining_model(), tmp_path / "model"), settings, srs=srs, workdir=tmp_path)

    assert caught.value.field == field


def test_what_a_client_tells_of_sealed_inputs_is_taken_as_it_is_and_refused_when_it_is_changed(
    case: Case, tmp_path: Path
) -> None:
    told = case.proven.request
    assert SYSTEM.shows_inputs(case.files.program) == ""
    SYSTEM.check_told(case.files, told, workdir=tmp_path)
    first, last = told.jobs[0], told.jobs[-1]
    statement: Any = told.statement
    wrong = [
        replace(told, statement={**statement, "inputs": statement["inputs"][:1]}),
        replace(told, statement={**statement, "inputs": [*statement["inputs"], {}]}),
        replace(told, statement={}),
        replace(told, statement={**statement, "more": 1}),
        *(replace(told, jobs=(replace(first, facts=facts), *told.jobs[1:])) for facts in _other_facts(first.facts)),
        *(replace(told, jobs=(*told.jobs[:-1], replace(last, facts=facts))) for facts in _other_facts(last.facts)),
    ]
    for one in wrong:
        with pytest.raises(BadProof):
            SYSTEM.check_told(case.files, one, workdir=tmp_path)


def _other_facts(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return facts of another form, each changed in one place."""
    return [
        {**facts, "more": 1},
        {name: value for name, value in facts.items() if name != "public_input"},
        {**facts, "public_input": [*facts["public_input"], 1]},
        {**facts, "public_output": [*facts["public_output"], 1]},
        {**facts, "public_output": [1 << 300]},
        {**facts, "public_output": [True]},
        {**facts, "input_hashes": [*facts["input_hashes"], "00" * 32]},
        {**facts, "output_hashes": ["no hash"]},
        {**facts, "input_commitment": "zz"},
        {**facts, "output_commitment": [1]},
    ]


def test_a_program_that_shows_its_inputs_is_not_sealed(srs: Path, tmp_path: Path) -> None:
    files = build(save(a_joining_model(), tmp_path / "model"), {"input_range": [-3, 3]}, srs=srs, workdir=tmp_path)
    assert "input_visibility" in SYSTEM.shows_inputs(files.program)
