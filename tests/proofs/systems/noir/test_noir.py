"""What is special about Noir: types, points of a ceremony, circuits of strangers, secrets, a program of use."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.kit.engine_programs import NOIR
from proofgrid.proofs.kit.engine_recipes import find_node
from proofgrid.proofs.kit.ignition import POINT_BYTES, IgnitionBn254, points_in
from proofgrid.proofs.kit.packages import FORMAT
from proofgrid.proofs.systems.noir import engine
from proofgrid.proofs.systems.noir.abi import MODULUS
from proofgrid.proofs.systems.noir.adapter import NoirSystem
from tests.proofs.points import POINTS
from tests.proofs.systems.noir.programs import (
    ACCOUNT,
    EVERYTHING,
    MEMBER,
    built,
    built_of,
    engine_or_skip,
    of_a_slice,
    packed,
    proven,
    unheard,
)


@pytest.fixture(autouse=True)
def _engine() -> None:
    engine_or_skip()


@pytest.fixture(scope="module")
def membership(tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    engine_or_skip()
    return built("membership", tmp_path_factory.mktemp("membership"))


@pytest.fixture(scope="module")
def every_type(tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    engine_or_skip()
    return built("every_type", tmp_path_factory.mktemp("every-type"))


@pytest.fixture(scope="module")
def member(membership: ProgramFiles, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Json], JobOutput]:
    return proven(membership, MEMBER, tmp_path_factory.mktemp("member"))


def test_the_engine_is_the_one_that_the_system_says_it_is() -> None:
    command = [str(find_node()), str(NOIR.path(system="noir")), "describe"]
    said = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(said.stdout) == {
        "noir": engine.NOIR_VERSION,
        "compiler": engine.NOIR_VERSION,
        "barretenberg": engine.BARRETENBERG_VERSION,
        "protocol": 1,
    }


def test_somebody_of_a_register_is_of_age_without_saying_who(
    membership: ProgramFiles, member: tuple[dict[str, Json], JobOutput], tmp_path: Path
) -> None:
    facts, output = member
    assert facts["shown"] == {"rule": {"year": 2026, "least_age": 18}}
    answer: Any = output.public["output"]
    assert set(answer) == {"root", "seal"} and int(answer["root"]) < MODULUS
    NoirSystem().verify_partial(membership, 0, facts, output, workdir=tmp_path)


def test_public_values_cannot_be_exchanged(
    membership: ProgramFiles, member: tuple[dict[str, Json], JobOutput], tmp_path: Path
) -> None:
    facts, output = member
    shown: Any = facts["shown"]
    claimed: Any = output.public["output"]
    others: list[tuple[Json, Json]] = [
        ({"rule": {**shown["rule"], "least_age": 21}}, claimed),
        (shown, {**claimed, "root": str(int(claimed["root"]) ^ 1)}),
        (shown, {**claimed, "root": claimed["seal"], "seal": claimed["root"]}),
        (shown, {**claimed, "root": str(int(claimed["root"]) + MODULUS)}),
        (shown, {"root": claimed["root"]}),
        (shown, list(claimed.values())),
        ({"rule": {"year": "2026", "least_age": 18}}, claimed),
        ({}, claimed),
        (shown, None),
    ]
    for other_shown, other_claimed in others:
        with pytest.raises(BadProof):
            NoirSystem().check_proof(membership, other_shown, other_claimed, output.proof, workdir=tmp_path)


def test_an_element_of_a_proof_has_one_spelling(
    membership: ProgramFiles, member: tuple[dict[str, Json], JobOutput], tmp_path: Path
) -> None:
    facts, output = member
    for at in range(0, len(output.proof), 29 * 32):
        element = int.from_bytes(output.proof[at : at + 32]) + MODULUS
        respelled = output.proof[:at] + element.to_bytes(32) + output.proof[at + 32 :]
        with pytest.raises(BadProof, match="does not verify"):
            NoirSystem().check_proof(membership, facts["shown"], output.public["output"], respelled, workdir=tmp_path)


def test_two_proofs_of_one_input_differ_and_both_verify(every_type: ProgramFiles, tmp_path: Path) -> None:
    facts, first = proven(every_type, EVERYTHING, tmp_path)
    _, second = proven(every_type, EVERYTHING, tmp_path)
    assert first.proof != second.proof
    assert first.public == second.public == {"output": facts["output"]}
    for output in (first, second):
        NoirSystem().verify_partial(every_type, 0, facts, output, workdir=tmp_path)


def test_every_type_goes_in_and_comes_out(every_type: ProgramFiles, tmp_path: Path) -> None:
    request = NoirSystem().normalise(every_type, [EVERYTHING], workdir=tmp_path)
    assert request.jobs[0].facts["output"] == [ACCOUNT, "6", str(1 << 100), "-6", str((1 << 64) - 1), [1, 2, 3]]
    assert request.statement["inputs"] == [{"field": "5", "wide": str(1 << 100), "signed": "-5", "pair": [3, True]}]


@pytest.mark.parametrize(
    ("changed", "place", "rule"),
    [
        ({"account": {**ACCOUNT, "balance": 1 << 32}}, ".account.balance", "u32: an integer, at least 0, at most 2^32"),
        ({"account": {**ACCOUNT, "inner": [1, 2]}}, ".account.inner[0]", "Inner: an object with flag, small"),
        ({"account": {**ACCOUNT, "name": "long name"}}, ".account.name", "exactly 5 bytes"),
        ({"grid": [[1, 2], [3, True]]}, ".grid[1][1]", "u16"),
        ({"more": 1}, ".more", "no such name"),
        ({"account": {**ACCOUNT, "balance": 7}}, "", "the program refuses it: an account of seven"),
        ({"grid": [[1, 3], [3, 4]]}, "", "a constraint of the program fails (src/main.nr, line "),
    ],
)  # fmt: skip
def test_a_wrong_input_is_named_by_its_place_and_a_failed_constraint_by_its_text(
    every_type: ProgramFiles, tmp_path: Path, changed: Mapping[str, Json], place: str, rule: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        NoirSystem().normalise(every_type, [EVERYTHING, {**EVERYTHING, **changed}], workdir=tmp_path)
    assert refused.value.field == f"inputs[1]{place}"
    assert rule in refused.value.detail


def test_a_secret_is_in_nothing_that_is_said(
    membership: ProgramFiles,
    every_type: ProgramFiles,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    facts, output = proven(membership, MEMBER, tmp_path)
    secret: Any = MEMBER["person"]
    with pytest.raises(InvalidInput) as refused:
        NoirSystem().normalise(membership, [{**MEMBER, "rule": {"year": 1990, "least_age": 18}}], workdir=tmp_path)
    assert "too young" in refused.value.detail
    # A message that is formatted would hold what it formats.
    with pytest.raises(InvalidInput) as formatted:
        rich = {**EVERYTHING, "account": {**ACCOUNT, "balance": 777_777_777}, "field": secret["secret"]}
        NoirSystem().normalise(every_type, [rich], workdir=tmp_path)
    said = capfd.readouterr()
    texts = (said.out, said.err, str(refused.value), str(formatted.value), json.dumps([facts, dict(output.public)]))
    spelled = (secret["secret"], hex(int(secret["secret"]))[2:], "777777777", hex(777_777_777)[2:])
    assert not [text for text in texts for one in spelled if one in text]


def test_what_can_be_proven_is_known_from_the_files_of_a_slice(every_type: ProgramFiles, tmp_path: Path) -> None:
    system, files = NoirSystem(), of_a_slice(every_type, tmp_path / "files")
    (job,) = system.normalise(every_type, [EVERYTHING], workdir=tmp_path).jobs
    assert system.can_be_proven(files, 0, job.input, workdir=tmp_path) is True
    poor = job.input.replace(b'"balance":10', b'"balance":7')
    assert system.can_be_proven(files, 0, poor, workdir=tmp_path) is False
    assert system.can_be_proven(files, 0, b"{}", workdir=tmp_path) is None


def test_more_gates_than_points_is_refused_and_nothing_is_fetched(tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    (few / "bn254_g1.dat").write_bytes((POINTS / "bn254_g1.dat").read_bytes()[: 3000 * POINT_BYTES])
    with pytest.raises(InvalidProgram, match="2828 gates, and there are points for 2048") as refused:
        built("product", tmp_path, points=few)
    assert "bn254_g1.dat" in refused.value.hint


@pytest.mark.parametrize("at", [0, POINT_BYTES + 5, (1 << 14) * POINT_BYTES])
def test_points_of_another_ceremony_are_refused(tmp_path: Path, at: int) -> None:
    content = bytearray((POINTS / "bn254_g1.dat").read_bytes())
    content[at] ^= 1
    (tmp_path / "bn254_g1.dat").write_bytes(content)
    with pytest.raises(InvalidField, match="not of Aztec's Ignition"):
        IgnitionBn254().files(tmp_path)
    with pytest.raises(InvalidField):
        points_in(tmp_path / "nowhere")


def test_a_circuit_that_nargo_compiled_is_a_program_too(every_type: ProgramFiles, tmp_path: Path) -> None:
    compiled = tmp_path / "compiled.json"
    compiled.write_text(json.dumps({**json.loads(every_type.path("circuit").read_bytes()), "hash": "1", "names": []}))
    same = built_of({"circuit": compiled}, tmp_path / "same")
    assert same.program.digest == every_type.program.digest


def test_an_abi_that_lies_about_its_circuit_is_refused(every_type: ProgramFiles, tmp_path: Path) -> None:
    circuit = json.loads(every_type.path("circuit").read_bytes())
    path = tmp_path / "lying.json"

    def build_with(changed: int, visibility: str) -> ProgramFiles:
        parameters = [dict(entry) for entry in circuit["abi"]["parameters"]]
        parameters[changed]["visibility"] = visibility
        path.write_text(json.dumps({**circuit, "abi": {**circuit["abi"], "parameters": parameters}}))
        return built_of({"circuit": path}, tmp_path / "lying")

    with pytest.raises(InvalidProgram, match="not that of its circuit"):
        build_with(1, "private")
    # As many elements, and others: only an execution shows it, before anything is sold.
    circuit["abi"]["parameters"][1], circuit["abi"]["parameters"][2] = (
        {**circuit["abi"]["parameters"][1], "type": circuit["abi"]["parameters"][3]["type"]},
        {**circuit["abi"]["parameters"][2], "name": "signed"},
    )
    circuit["abi"]["parameters"][3] = {**every_abi(every_type)[1], "name": "wide"}
    path.write_text(json.dumps(circuit))
    swapped = built_of({"circuit": path}, tmp_path / "swapped")
    with pytest.raises(InvalidInput):
        NoirSystem().normalise(swapped, [EVERYTHING], workdir=tmp_path)


def every_abi(files: ProgramFiles) -> list[dict[str, Json]]:
    parameters: list[dict[str, Json]] = json.loads(files.path("circuit").read_bytes())["abi"]["parameters"]
    return parameters


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fn main(x: Field) {\n    assert(y == x);\n}", "cannot find `y` in this scope; src/main.nr:2"),
        ("fn main(", "it does not compile"),
        ("mod elsewhere; fn main() {}", "it does not compile"),
        ("fn main(x: [Field]) {}", "it does not compile"),
        ("fn main(x: call_data(0) [Field; 4], i: u32) -> pub Field { x[i] }", "neither public nor private"),
    ],
)
def test_a_package_that_cannot_be_proven_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"format": FORMAT, "files": {"main.nr": text}}))
    with pytest.raises(InvalidProgram, match=said):
        built_of({"package": path}, tmp_path / "build")


def test_a_program_that_asks_an_oracle_has_no_input(tmp_path: Path) -> None:
    text = "#[oracle(ask)] unconstrained fn ask() -> Field {}\nfn main(x: Field) { assert(unsafe { ask() } == x); }"
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"format": FORMAT, "files": {"main.nr": text}}))
    files = built_of({"package": path}, tmp_path / "build")
    with pytest.raises(InvalidInput):
        NoirSystem().normalise(files, [{"x": 1}], workdir=tmp_path)


def test_the_folder_of_a_package_does_not_matter(membership: ProgramFiles, tmp_path: Path) -> None:
    tree = json.loads(packed("membership", tmp_path).read_bytes())["files"]
    moved = tmp_path / "moved.json"
    moved.write_text(json.dumps({"format": FORMAT, "files": {f"deep/{name}": text for name, text in tree.items()}}))
    system = NoirSystem()
    files = system.build_program(
        {"package": moved}, {"package": "deep"}, trust={"ignition-bn254": POINTS}, workdir=tmp_path, report=unheard
    )
    assert files.program.digest == membership.program.digest


def test_a_program_of_a_few_gates_is_proven_too(tmp_path: Path) -> None:
    path = tmp_path / "package.json"
    path.write_text(
        json.dumps({"format": FORMAT, "files": {"main.nr": "fn main(x: Field, y: pub Field) { assert(x != y); }"}})
    )
    files = built_of({"package": path}, tmp_path / "build")
    facts, output = proven(files, {"x": 1, "y": 2}, tmp_path)
    assert (facts["shown"], output.public) == ({"y": "2"}, {"output": {}})
