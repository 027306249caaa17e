"""What is special about Groth16: publics that nothing binds, keys of others, names, a circuit of use, the engine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidInput, InvalidProgram
from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.kit.asking import Refused
from proofgrid.proofs.kit.circom import engine
from proofgrid.proofs.kit.circom.curves import CURVES
from proofgrid.proofs.kit.engine_programs import GNARK
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys

LEVELS = 8
MEMBER: dict[str, Json] = {"secret": 123456789, "siblings": list(range(1, LEVELS + 1)), "sides": [0, 1] * (LEVELS // 2)}


def unheard(_stage: str, _permille: int) -> None:
    pass


@pytest.fixture(autouse=True)
def _engine() -> None:
    engine_or_skip()


def built(name: str, folder: Path, *, prime: str = "bn128") -> ProgramFiles:
    source = with_keys(files_of(name, prime=prime), folder / "keys")
    return Groth16System().build_program(source.files, {}, trust={}, workdir=folder / "build", report=unheard)


def proven(files: ProgramFiles, value: Any, folder: Path) -> tuple[Any, JobOutput]:
    system = Groth16System()
    job = system.normalise(files, [value], workdir=folder / "normalise").jobs[0]
    output = system.run_job(files, 0, job.input, cache=folder / "cache", workdir=folder / "job", report=unheard)
    return job.facts, output


def test_the_engine_is_the_one_that_the_system_says_it_is() -> None:
    said = subprocess.run([GNARK.path(system="groth16"), "describe"], capture_output=True, check=True)
    assert json.loads(said.stdout) == {"engine": engine.VERSION, "protocol": 1}


def test_membership_in_a_tree_is_proven_without_saying_who(tmp_path: Path) -> None:
    files = built("membership", tmp_path)
    assert files.program.summary["outputs"] == [{"name": "root", "size": 1}]
    facts, output = proven(files, MEMBER, tmp_path)
    (root,) = facts["output"]
    assert int(root) < CURVES["bn254"].modulus
    assert output.public == {"output": [root]}
    assert len(output.proof) == 128
    system = Groth16System()
    system.verify_partial(files, 0, facts, output, workdir=tmp_path / "verify")
    with pytest.raises(BadProof, match="does not verify"):
        system.check_proof(files, [], [str(int(root) ^ 1)], output.proof, workdir=tmp_path / "verify")


def test_a_public_input_in_no_constraint_is_bound_all_the_same(tmp_path: Path) -> None:
    files = built("product", tmp_path)
    _, output = proven(files, {"a": [2, 3, 5], "b": 7, "limit": 9}, tmp_path)
    system = Groth16System()
    system.check_proof(files, ["9"], ["210"], output.proof, workdir=tmp_path / "verify")
    with pytest.raises(BadProof, match="does not verify"):
        system.check_proof(files, ["10"], ["210"], output.proof, workdir=tmp_path / "verify")


@pytest.mark.parametrize(("prime", "curve", "size"), [("bn128", "bn254", 128), ("bls12377", "bls12377", 192)])
def test_the_prime_says_the_curve(tmp_path: Path, prime: str, curve: str, size: int) -> None:
    files = built("product", tmp_path, prime=prime)
    assert files.program.identity["curve"] == curve
    # One below the modulus of the curve is minus one.
    minus_one = str(CURVES[curve].modulus - 1)
    facts, output = proven(files, {"a": [minus_one, 3, 5], "b": minus_one, "limit": 9}, tmp_path)
    assert (facts["shown"], facts["output"]) == (["9"], ["15"])
    assert len(output.proof) == size
    system = Groth16System()
    system.verify_partial(files, 0, facts, output, workdir=tmp_path / "verify")
    with pytest.raises(InvalidInput, match=CURVES[curve].title):
        value: Json = {"a": [str(CURVES[curve].modulus), 3, 5], "b": 1, "limit": 1}
        system.normalise(files, [value], workdir=tmp_path / "normalise")


def test_an_old_program_of_bn254_is_spelled_as_before(tmp_path: Path) -> None:
    program = built("product", tmp_path).program
    assert dict(program.identity) == {
        "format": 1,
        "curve": "bn254",
        "files": dict(program.files),
        "outputs": 1,
        "public_inputs": 1,
        "constraints": program.identity["constraints"],
        "names": {"outputs": [{"name": "product", "size": 1}], "public_inputs": [{"name": "limit", "size": 1}]},
    }


def test_a_proof_of_one_curve_is_none_on_the_other(tmp_path: Path) -> None:
    value: Json = {"a": [2, 3, 5], "b": 7, "limit": 9}
    here = built("product", tmp_path / "here")
    abroad = built("product", tmp_path / "abroad", prime="bls12377")
    _, output = proven(abroad, value, tmp_path / "abroad")
    for proof in (output.proof, output.proof[:128]):
        with pytest.raises(BadProof):
            Groth16System().check_proof(here, ["9"], ["210"], proof, workdir=tmp_path / "verify")


def test_two_proofs_of_one_input_differ_and_both_verify(tmp_path: Path) -> None:
    # A proof can be re-randomised by anybody: what counts is what it shows.
    files = built("product", tmp_path)
    value: Json = {"a": [2, 3, 5], "b": 7, "limit": 9}
    facts, first = proven(files, value, tmp_path)
    _, second = proven(files, value, tmp_path)
    assert first.proof != second.proof
    assert first.public == second.public
    for output in (first, second):
        Groth16System().verify_partial(files, 0, facts, output, workdir=tmp_path / "verify")


def test_what_the_program_computes_is_held_against_the_constraints(tmp_path: Path) -> None:
    # A client's program and its constraints may disagree; no honest prover shall be blamed for that.
    files = built("product", tmp_path)
    liar = tmp_path / "liar.r1cs"
    content = files.path("r1cs").read_bytes()
    one = (1).to_bytes(32, "little")
    at = content.rindex(one)
    liar.write_bytes(content[:at] + (2).to_bytes(32, "little") + content[at + 32 :])
    lied = ProgramFiles(files.program, {**files.paths, "r1cs": liar})
    value: Json = {"a": [2, 3, 5], "b": 7, "limit": 9}
    with pytest.raises(InvalidInput, match="does not satisfy its constraints"):
        Groth16System().normalise(lied, [value], workdir=tmp_path / "normalise")
    job = Groth16System().normalise(files, [value], workdir=tmp_path / "normalise").jobs[0]
    assert Groth16System().can_be_proven(files, 0, job.input, workdir=tmp_path / "try") is True
    assert Groth16System().can_be_proven(lied, 0, job.input, workdir=tmp_path / "try") is False


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({**MEMBER, "siblings": [[1, 2], [3, True]]}, "inputs[0].siblings[1][1]"),
        ({**MEMBER, "sides": [0] * 7}, "inputs[0].sides"),
        ({**MEMBER, "nobody": 1}, "inputs[0].nobody"),
        ({"secret": 1}, "inputs[0]"),
    ],
)
def test_a_wrong_input_is_named_by_its_place(tmp_path: Path, value: Any, place: str) -> None:
    files = built("membership", tmp_path)
    with pytest.raises(InvalidInput) as refused:
        Groth16System().normalise(files, [value], workdir=tmp_path / "normalise")
    assert refused.value.field == place


def test_a_circuit_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = files_of("product")["r1cs"].read_bytes()
    path = tmp_path / "cut.r1cs"
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at])
        with pytest.raises(Refused):
            engine.circuit_of(path, workdir=tmp_path)


def test_a_secret_is_in_nothing_that_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = built("membership", tmp_path)
    facts, output = proven(files, MEMBER, tmp_path)
    with pytest.raises(InvalidInput) as refused:
        Groth16System().normalise(files, [{**MEMBER, "sides": [2] * LEVELS}], workdir=tmp_path / "normalise")
    said = capfd.readouterr()
    for text in (said.out, said.err, str(refused.value), json.dumps(facts), json.dumps(dict(output.public))):
        assert str(MEMBER["secret"]) not in text


def test_keys_of_another_circuit_are_refused_with_their_name(tmp_path: Path) -> None:
    product, membership = (with_keys(files_of(name), tmp_path / name).files for name in ("product", "membership"))
    with pytest.raises(InvalidProgram) as refused:
        Groth16System().build_program(
            {**product, "verifying_key": membership["verifying_key"]}, {}, trust={}, workdir=tmp_path, report=unheard
        )
    assert refused.value.field == "source.verifying_key"
