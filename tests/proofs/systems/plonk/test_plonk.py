"""What is special about PLONK: keys of nobody, points that are proven right, every term in a gate, one spelling."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import ProgramFiles, Report
from proofgrid.proofs.kit.asking import Refused
from proofgrid.proofs.kit.circom.curves import CURVES
from proofgrid.proofs.kit.ignition import GENERATOR, IGNITION_BN254, POINT_BYTES, POINTS_FILE
from proofgrid.proofs.kit.rehearsal import unheard
from proofgrid.proofs.systems.plonk import engine
from proofgrid.proofs.systems.plonk.adapter import PlonkSystem
from tests.proofs.systems.groth16.circom import files_of
from tests.proofs.systems.groth16.test_groth16 import MEMBER
from tests.proofs.systems.plonk.circuits import built, proven, trust_or_skip

VALUE: dict[str, Json] = {"a": [2, 3, 5], "b": 7, "limit": 9}


@pytest.fixture(autouse=True)
def _points() -> None:
    trust_or_skip()


def test_membership_in_a_tree_is_proven_without_saying_who(tmp_path: Path) -> None:
    files = built("membership", tmp_path)
    assert files.program.summary["gates"] == 5240
    assert files.path("verifying_key").stat().st_size == 264
    facts, output = proven(files, MEMBER, tmp_path)
    (root,) = facts["output"]
    assert int(root) < CURVES["bn254"].modulus
    assert output.public == {"output": [root]}
    assert len(output.proof) == 512
    system = PlonkSystem()
    system.verify_partial(files, 0, facts, output, workdir=tmp_path / "verify")
    with pytest.raises(BadProof, match="does not verify"):
        system.check_proof(files, [], [str(int(root) ^ 1)], output.proof, workdir=tmp_path / "verify")
    assert str(MEMBER["secret"]) not in str(facts)


def test_a_public_input_in_no_constraint_is_bound_all_the_same(tmp_path: Path) -> None:
    files = built("product", tmp_path)
    _, output = proven(files, VALUE, tmp_path)
    system = PlonkSystem()
    system.check_proof(files, ["9"], ["210"], output.proof, workdir=tmp_path / "verify")
    with pytest.raises(BadProof, match="does not verify"):
        system.check_proof(files, ["10"], ["210"], output.proof, workdir=tmp_path / "verify")


def terms_of(r1cs: bytes) -> list[int]:
    """Return where the coefficients of all constraints stand in a file."""
    at, places = 12, []
    while at < len(r1cs):
        kind, size = int.from_bytes(r1cs[at : at + 4], "little"), int.from_bytes(r1cs[at + 4 : at + 12], "little")
        at, end = at + 12, at + 12 + size
        while kind == 2 and at < end:
            count = int.from_bytes(r1cs[at : at + 4], "little")
            places += [at + 4 + 36 * term + 4 for term in range(count)]
            at += 4 + 36 * count
        at = end
    return places


def test_every_term_of_every_constraint_is_in_a_gate(tmp_path: Path) -> None:
    """A circuit that says something else of the same wires, anywhere, has no proof."""
    files = built("shapes", tmp_path)
    inputs = {"x": ["2", "3", "5", "7"], "shown": ["11"]}
    modulus = CURVES["bn254"].modulus
    content, lied = files.path("r1cs").read_bytes(), tmp_path / "lied.r1cs"
    lagrange = tmp_path / "lagrange"
    rows = files.program.identity["rows"]
    assert isinstance(rows, int)
    engine.write_lagrange(files.path("points"), rows, lagrange, workdir=tmp_path, report=unheard)

    def prove() -> None:
        paths = {**files.paths, "r1cs": lied, "lagrange": lagrange}
        engine.prove(paths, inputs, memory=engine.memory_bytes(rows), workdir=tmp_path, report=unheard)

    lied.write_bytes(content)
    prove()
    places = terms_of(content)
    assert len(places) > 20
    for at in places:
        changed = (int.from_bytes(content[at : at + 32], "little") + 1) % modulus
        lied.write_bytes(content[:at] + changed.to_bytes(32, "little") + content[at + 32 :])
        with pytest.raises(Refused) as refused:
            prove()
        assert refused.value.field == "inputs", at


Spoiling = Callable[[bytes], bytes]


def at(place: int, point: bytes) -> Spoiling:
    """Return what puts another point into a place of a file."""
    return lambda content: content[: place * POINT_BYTES] + point + content[(place + 1) * POINT_BYTES :]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda it: at(10, it[9 * POINT_BYTES : 10 * POINT_BYTES])(it), "powers"),
        (at(7, GENERATOR), "powers"),
        (at(7, bytes(POINT_BYTES)), "none of BN254"),
        (at(7, GENERATOR[:-1] + b"\3"), "none of BN254"),
        (at(1, GENERATOR), "not of Aztec"),
        (lambda it: it[: 10 * POINT_BYTES], "takes 8 gates, and 11 points of the setup; there are 10"),
    ],
    ids=["a point twice", "another point", "no point", "a point on no curve", "another ceremony", "too few"],
)
def test_points_are_proven_right_before_keys_rest_on_them(tmp_path: Path, spoil: Spoiling, said: str) -> None:
    """The file is shorter than what is known by its digest, so that only the pairing tells."""
    root = trust_or_skip()[IGNITION_BN254]
    content = (root / POINTS_FILE if root.is_dir() else root).read_bytes()[: 12 * POINT_BYTES]
    short = tmp_path / POINTS_FILE

    def build() -> None:
        trust = {IGNITION_BN254: short}
        PlonkSystem().build_program(files_of("product"), {}, trust=trust, workdir=tmp_path, report=unheard)

    short.write_bytes(content)
    build()
    short.write_bytes(spoil(content))
    with pytest.raises((InvalidProgram, InvalidField), match=said):
        build()


def test_the_form_of_points_that_provers_need_is_derived_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    write = engine.write_lagrange

    def counted(points: Path, rows: int, lagrange: Path, *, workdir: Path, report: Report) -> None:
        asked.append(rows)
        write(points, rows, lagrange, workdir=workdir, report=report)

    monkeypatch.setattr(engine, "write_lagrange", counted)
    for name in ("product", "other_product"):
        proven(built(name, tmp_path / name), VALUE, tmp_path)
    assert asked == [8]


def test_other_spellings_of_a_proof_are_refused(tmp_path: Path) -> None:
    files = built("product", tmp_path)
    facts, output = proven(files, VALUE, tmp_path)
    system, proof = PlonkSystem(), output.proof
    points, values = proof[: 9 * 32], proof[9 * 32 :]
    infinity = bytes([0x40]) + bytes(31)
    of_gnark = points[: 8 * 32] + (6).to_bytes(4) + values[: 6 * 32] + points[8 * 32 :] + values[6 * 32 :] + bytes(4)
    whole = system.contract_call(files, proof, [210, 9], workdir=tmp_path).arguments[0]
    assert isinstance(whole, str)
    for other in (
        of_gnark,
        bytes.fromhex(whole[2:]),
        infinity * 9 + values,
        infinity * 9 + bytes(7 * 32),
        bytes([proof[0] ^ 0x40]) + proof[1:],  # the other root: the opposite point
        base64.b64encode(proof),
        points + CURVES["bn254"].modulus.to_bytes(32) + values[32:],
    ):
        with pytest.raises(BadProof):
            system.verify_partial(files, 0, facts, replace(output, proof=other), workdir=tmp_path)


def test_a_key_that_is_none_verifies_nothing(tmp_path: Path) -> None:
    files = built("product", tmp_path)
    _, output = proven(files, VALUE, tmp_path)
    key = files.path("verifying_key").read_bytes()
    for wrong in (
        b"",
        key[:-1],
        key + b"\0",
        (7).to_bytes(4) + key[4:],
        (1 << 31).to_bytes(4) + key[4:],
        key[:4] + (9).to_bytes(4) + key[8:],
        key[:4] + (3).to_bytes(4) + key[8:],
        key[:8] + b"\xff" * 32 + key[40:],
        key[:8] + key[40:72] + key[8:40] + key[72:],
    ):
        path = tmp_path / "wrong.key"
        path.write_bytes(wrong)
        with pytest.raises(BadProof):
            PlonkSystem().check_proof(
                ProgramFiles(files.program, {"verifying_key": path}), ["9"], ["210"], output.proof, workdir=tmp_path
            )


def test_what_no_program_of_it_is_said(tmp_path: Path) -> None:
    system, trust = PlonkSystem(), trust_or_skip()
    abroad = files_of("product", prime="bls12377")
    with pytest.raises(InvalidProgram, match="--prime bn128") as refused:
        system.build_program(abroad, {}, trust=trust, workdir=tmp_path, report=unheard)
    assert refused.value.field == "source.r1cs"
    keys = {**files_of("product"), "zkey": files_of("product")["r1cs"]}
    with pytest.raises(InvalidField, match="has no zkey"):
        system.build_program(keys, {}, trust=trust, workdir=tmp_path, report=unheard)
    with pytest.raises(InvalidField, match="points of Ignition"):
        system.build_program(files_of("product"), {}, trust={}, workdir=tmp_path, report=unheard)
    files = built("product", tmp_path)
    foreign = replace(files.program, identity={**files.program.identity, "gates_format": 2})
    with pytest.raises(BadProof, match="another format"):
        system.check_program(ProgramFiles(foreign, files.paths))
    job = system.normalise(files, [VALUE], workdir=tmp_path / "normalise").jobs[0]
    for rows in (-8, 0, 9, 16, 1 << 40, "8", True, None):
        lying = replace(files.program, identity={**files.program.identity, "rows": rows})
        with pytest.raises((BadProof, InvalidInput)):
            system.run_job(
                ProgramFiles(lying, files.paths), 0, job.input, cache=tmp_path, workdir=tmp_path / "job", report=unheard
            )
    with pytest.raises(InvalidInput):
        system.normalise(files, [{**VALUE, "limit": 0}], workdir=tmp_path / "normalise")
