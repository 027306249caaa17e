"""The engine of SP1, and a real proof against all that is like it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.kit.asking import Refused
from proofgrid.proofs.kit.engine import SERVICES
from proofgrid.proofs.kit.engine_programs import SP1
from proofgrid.proofs.kit.forging import changed
from proofgrid.proofs.systems.sp1 import engine
from proofgrid.proofs.systems.sp1.adapter import Sp1System
from proofgrid.proofs.systems.sp1.ere import Proven
from proofgrid.proofs.systems.sp1.key import is_key
from tests.proofs.systems.sp1.elves import program
from tests.proofs.systems.sp1.engines import RealProof, engine_or_skip, real_proof_or_skip
from tests.proofs.systems.sp1.ere_server import EreServer, ere_server, hands_over, names_key, runs

_MODULUS = 0x7F00_0001  #: of SP1's field: x and x + modulus are one element to its library


@pytest.fixture(autouse=True, scope="module")
def _engine() -> None:
    engine_or_skip()


@pytest.fixture(scope="module")
def real() -> RealProof:
    return real_proof_or_skip()


def unheard(_stage: str, _permille: int) -> None:
    pass


def built(real: RealProof, folder: Path) -> ProgramFiles:
    """Return a program of the real key; its code is not at hand, and verifying does not ask for it."""
    elf, key = folder / "program.elf", folder / "program.vk"
    elf.write_bytes(program())
    key.write_text(real.key)
    return Sp1System().build_program({"elf": elf, "key": key}, {}, trust={}, workdir=folder / "build", report=unheard)


def test_the_engine_says_what_it_is() -> None:
    said = subprocess.run([SP1.path(system="sp1"), "describe"], capture_output=True, check=True).stdout
    assert json.loads(said) == {"engine": engine.VERSION, "protocol": 1}


def test_garbage_is_refused_with_a_sentence(tmp_path: Path) -> None:
    key = f"0x{bytes(32).hex()}"
    for proof in (b"", b"proof", bytes(1 << 20), b"\xff" * (1 << 20)):
        assert "no compressed proof" in engine.complaint_about(key, "0x", proof, workdir=tmp_path)
        with pytest.raises(Refused, match="no proof of SP1's"):
            engine.take(Proven(b"", proof), workdir=tmp_path)
    for wrong in ("0x", "0x00", f"0x{'ff' * 32}", f"0x{'00' * 28}7f000001"):
        with pytest.raises(Refused, match="key"):
            engine.complaint_about(wrong, "0x", b"", workdir=tmp_path)
        assert not is_key(wrong)


def test_what_is_no_request_is_the_engines_trouble() -> None:
    for command, content in (("verify", b"{}"), ("take", b"\xff"), ("prove", b"{}"), ("take", b'{"said": "/none"}')):
        done = subprocess.run([SP1.path(system="sp1"), command], input=content, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"panicked" not in done.stderr


# --- a real proof -------------------------------------------------------------------------------------


def complaint(real: RealProof, proof: bytes, folder: Path, **changes: str) -> str:
    given = {"key": real.key, "public_values": real.public_values} | changes
    return engine.complaint_about(given["key"], given["public_values"], proof, workdir=folder / "verify")


def taken(real: RealProof, folder: Path) -> bytes:
    proof, public_values = engine.take(Proven(b"", real.said), workdir=folder / "take")
    assert public_values == real.public_values
    return proof


def test_a_real_proof_verifies_for_its_program_and_public_values_only(real: RealProof, tmp_path: Path) -> None:
    proof = taken(real, tmp_path)
    assert complaint(real, proof, tmp_path) == ""
    other = real.key[:-1] + ("1" if real.key[-1] == "0" else "0")
    assert "does not verify" in complaint(real, proof, tmp_path, key=other)
    for public_values in ("0x", real.public_values + "00", real.public_values[:-2], "0xff" + real.public_values[4:]):
        assert "does not verify" in complaint(real, proof, tmp_path, public_values=public_values)
    with pytest.raises(Refused):
        complaint(real, proof, tmp_path, key="0x" + "ff" * 32)


def test_bytes_like_a_real_proof_are_refused(real: RealProof, tmp_path: Path) -> None:
    proof = taken(real, tmp_path)
    step = len(proof) // 12
    flipped = [proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :] for at in range(0, len(proof), step)]
    cut = [b"", proof[:-1], proof[1:], proof[: len(proof) // 2], proof + b"\0", proof + proof, bytes(len(proof))]
    counts = [proof[:at] + b"\xff" * 8 + proof[at + 8 :] for at in range(0, 400, 40)]
    for wrong in [*flipped, *cut, *counts]:
        assert complaint(real, wrong, tmp_path) != ""


def test_another_spelling_of_a_real_proof_is_refused(real: RealProof, tmp_path: Path) -> None:
    proof = taken(real, tmp_path)
    refused = 0
    for at in range(0, 400, 40):  # where digests stand, element by element
        element = int.from_bytes(proof[at : at + 4], "little")
        if 0 < element < _MODULUS:
            other = proof[:at] + (element + _MODULUS).to_bytes(4, "little") + proof[at + 4 :]
            refused += "spelled in another way" in complaint(real, other, tmp_path)
    assert refused > 4


class Served:
    """A network's prover with one service, which hands over what it is told to."""

    def __init__(self, real: RealProof, folder: Path, server: EreServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SERVICES, f"sp1={server.address}")
        self.shown = bytes.fromhex(real.public_values[2:])
        self.server, self.folder = server, folder
        server.answers = {"ProgramVk": names_key(bytes.fromhex(real.key[2:])), "Execute": runs(self.shown, 1_000)}

    def proves(self, files: ProgramFiles, said: bytes, public_values: str) -> JobOutput:
        self.server.answers["Prove"] = hands_over(self.shown, said)
        job = json.dumps({"stdin": "0x00", "public_values": public_values}).encode()
        return Sp1System().run_job(files, 0, job, cache=self.folder, workdir=self.folder / "job", report=unheard)


@pytest.fixture
def served(real: RealProof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with ere_server() as server:
        yield Served(real, tmp_path, server, monkeypatch)


def test_a_real_proof_goes_from_a_service_to_a_whole(real: RealProof, served: Served, tmp_path: Path) -> None:
    files = built(real, tmp_path)
    run: Json = {"stdin": "0x00", "public_values": real.public_values}
    request = Sp1System().normalise(files, [run], workdir=tmp_path / "normalise")
    (job,) = request.jobs
    output = served.proves(files, real.said, real.public_values)
    assert len(output.proof) < len(real.said)
    Sp1System().verify_partial(files, 0, job.facts, output, workdir=tmp_path / "partial")
    parts = [PartialProof(slice_index=0, input_index=0, output=output)]
    result = Sp1System().combine(files, request.statement, parts, workdir=tmp_path / "combine")
    public = ProgramFiles(files.program, {})
    whole = Sp1System().verify_whole(public, request.statement, result, parts, workdir=tmp_path / "whole")
    assert any("every proof verifies" in sentence for sentence in whole)
    for wrong in changed(dict(result)):
        with pytest.raises(BadProof):
            Sp1System().verify_whole(public, request.statement, wrong, parts, workdir=tmp_path / "whole")
    other = Sp1System().normalise(files, [{"stdin": "0x00", "public_values": "0x"}], workdir=tmp_path / "normalise")
    with pytest.raises(BadProof):
        Sp1System().verify_whole(public, other.statement, result, parts, workdir=tmp_path / "whole")
    with pytest.raises(BadProof, match="not what the program computes"):
        facts = {**job.facts, "output": "0x"}
        Sp1System().verify_partial(files, 0, facts, output, workdir=tmp_path / "partial")
    for forged in (output.proof[:-4], output.proof + b"\0", b"", output.proof[::-1]):
        with pytest.raises(BadProof):
            forgery = replace(output, proof=forged)
            Sp1System().verify_partial(files, 0, job.facts, forgery, workdir=tmp_path / "partial")


def test_a_real_proof_of_another_program_is_not_handed_in(real: RealProof, served: Served, tmp_path: Path) -> None:
    files = built(real, tmp_path)
    other = f"0x{bytes(32).hex()}"
    changed_key = ProgramFiles(replace(files.program, identity={**files.program.identity, "key": other}), files.paths)
    served.server.answers["ProgramVk"] = names_key(bytes(32))  # it claims to prove that one
    with pytest.raises(BadProof, match="our own proof"):
        served.proves(changed_key, real.said, real.public_values)


def test_a_real_proof_that_was_cut_or_mended_is_not_handed_in(real: RealProof, served: Served, tmp_path: Path) -> None:
    files = built(real, tmp_path)
    with pytest.raises(BadProof, match="no proof of SP1's"):
        served.proves(files, real.said[:-1], real.public_values)
    at = real.said.rindex(served.shown)
    with pytest.raises(BadProof, match="of another kind"):
        served.proves(files, bytes(12) + real.said[at - 8 :], real.public_values)
    with pytest.raises(BadProof, match="of other public values"):
        served.proves(files, real.said[:at] + b"\x1f" + real.said[at + 1 :], real.public_values)
    with pytest.raises(BadProof, match="our own proof"):
        served.proves(files, real.said[:5_000] + b"\0" + real.said[5_001:], real.public_values)
