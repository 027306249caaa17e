"""Keys of a ceremony, as snarkjs keeps them: proofs that snarkjs accepts, and what is wrong with a file found."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidProgram
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.kit.asking import Refused
from proofgrid.proofs.systems.groth16 import engine
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.systems.groth16.ceremony import snarkjs_accepts, zkeys_of
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys
from tests.proofs.systems.groth16.test_groth16 import proven, unheard

VALUE: Json = {"a": [2, 3, 5], "b": 7, "limit": 9}
BODY = range(1, 10)  #: sections that keys are made of; the tenth tells of contributions


@pytest.fixture(autouse=True)
def _engine() -> None:
    engine_or_skip()


def built(zkey: Path, folder: Path, **others: Path) -> ProgramFiles:
    source = {**files_of("product"), "zkey": zkey, **others}
    return Groth16System().build_program(source, {}, trust={}, workdir=folder, report=unheard)


def sections_of(content: bytes) -> dict[int, tuple[int, int]]:
    """Return where each section's content begins and how long it is."""
    found, at = {}, 12
    while at < len(content):
        number, size = struct.unpack_from("<IQ", content, at)
        found[number] = (at + 12, size)
        at += 12 + size
    return found


@pytest.mark.thorough
def test_keys_of_a_ceremony_prove_what_snarkjs_accepts(tmp_path: Path) -> None:
    _, zkey = zkeys_of("product")
    files = built(zkey, tmp_path / "build")
    again = built(zkey, tmp_path / "again")
    assert files.program.digest == again.program.digest
    facts, output = proven(files, VALUE, tmp_path)
    system = Groth16System()
    system.verify_partial(files, 0, facts, output, workdir=tmp_path)
    with pytest.raises(BadProof, match="does not verify"):
        system.check_proof(files, ["8"], ["210"], output.proof, workdir=tmp_path)
    coordinates = engine.words_of("bn254", output.proof, workdir=tmp_path)
    assert snarkjs_accepts(zkey, coordinates, ["210", "9"], folder=tmp_path)
    assert not snarkjs_accepts(zkey, coordinates, ["210", "8"], folder=tmp_path)


def test_keys_that_nobody_contributed_to_are_refused(tmp_path: Path) -> None:
    before, _ = zkeys_of("product")
    with pytest.raises(InvalidProgram, match="nobody has contributed"):
        built(before, tmp_path)


def test_keys_of_another_circuit_are_refused(tmp_path: Path) -> None:
    _, zkey = zkeys_of("product")
    other = tmp_path / "other.r1cs"
    content = files_of("product")["r1cs"].read_bytes()
    changed = sections_of(content)[2][0] + 8  # the first coefficient of the first constraint, behind count and wire
    other.write_bytes(content[:changed] + (3).to_bytes(32, "little") + content[changed + 32 :])
    with pytest.raises(InvalidProgram, match="another circuit"):
        built(zkey, tmp_path, r1cs=other)
    with pytest.raises(InvalidProgram) as refused:
        built(zkey, tmp_path, **{name: files_of("membership")[name] for name in ("r1cs", "wasm", "sym")})
    assert refused.value.field == "source.zkey"
    with pytest.raises(InvalidProgram, match="BLS12-377"):
        built(zkey, tmp_path, r1cs=files_of("product", prime="bls12377")["r1cs"])


def test_keys_are_brought_once(tmp_path: Path) -> None:
    _, zkey = zkeys_of("product")
    keys = with_keys(files_of("product"), tmp_path / "keys").files
    with pytest.raises(InvalidField, match="holds the proving_key too"):
        built(zkey, tmp_path, proving_key=keys["proving_key"], verifying_key=keys["verifying_key"])


def test_a_file_that_is_damaged_anywhere_is_refused(tmp_path: Path) -> None:
    _, zkey = zkeys_of("product")
    content, damaged = zkey.read_bytes(), tmp_path / "damaged.zkey"
    r1cs = files_of("product")["r1cs"]
    wrong = [content[:at] for at in range(0, sections_of(content)[9][0] + sections_of(content)[9][1], 211)]
    for number, (at, size) in sections_of(content).items():
        if number in BODY:
            wrong += [content[:flip] + bytes([content[flip] ^ 1]) + content[flip + 1 :] for flip in {at, at + size - 1}]
            wrong.append(content[: at - 8] + struct.pack("<Q", size + (1 << 40)) + content[at:])
    wrong.append(content[:8] + b"\xff\xff\xff\xff" + content[12:])
    for bad in wrong:
        damaged.write_bytes(bad)
        with pytest.raises(Refused) as refused:
            engine.convert_keys(r1cs, damaged, tmp_path / "pk", tmp_path / "vk", workdir=tmp_path, report=unheard)
        assert refused.value.field == "source.zkey"
