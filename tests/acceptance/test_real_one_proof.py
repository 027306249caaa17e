"""A batch of circom inputs by three provers to one proof, and every way to change what is said of it.

Keys of wraps take minutes of processor time, so this runs when it is told how many inputs: `make test-wraps PARTS=8`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import BadBundle, BadProof
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.kit.source_folders import source_in
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.acceptance.tasks import check_paid_once, fetch_and_verify
from tests.networks import Network
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys

PARTS = int(os.environ.get("WRAP_PARTS", "0"))
SECONDS_PER_PART = 900  #: a setup, on a machine that others use


def unheard(_stage: str, _permille: int) -> None:
    pass


def an_input(number: int) -> dict[str, Any]:
    return {"a": [number, 2, 3], "b": 5, "limit": number + 1}


@pytest.fixture
def circuit(tmp_path: Path) -> Path:
    """A folder as a client has it, with keys of wraps."""
    engine_or_skip()
    folder = tmp_path / "product"
    source = with_keys(files_of("product", prime="bls12377"), folder)
    for name in ("r1cs", "wasm", "sym"):
        shutil.copy(source.files[name], folder)
    Groth16System().make_wrap_keys(source.files, folder, parts=PARTS, workdir=tmp_path / "work", report=unheard)
    return folder


@pytest.mark.skipif(not PARTS, reason="keys of wraps take minutes: make test-wraps PARTS=8")
@pytest.mark.timeout(SECONDS_PER_PART * (PARTS + 1))
async def test_a_batch_by_three_provers_ends_in_one_proof(network: Network, tmp_path: Path, circuit: Path) -> None:
    for number, operator in enumerate(["alice", "alice", "bob"]):
        await network.start_prover(f"p{number}", operator, ask=500 + number, MEMORY_BYTES=str(1 << 40))
    async with network.client() as client:
        source = source_in(circuit, "groth16")
        settings = {"wrap_parts": PARTS}
        program = await client.register_program(source, proof_system="groth16", settings=settings)
        inputs = [an_input(number) for number in range(PARTS)]
        task = await client.submit(program.digest, inputs, limit_price=2_000, aggregate=True)
        done = await client.wait(task.task_id)
        report = await fetch_and_verify(client, network, done, tmp_path)
        await check_paid_once(network)

    manifest: Any = report.manifest
    assert manifest.wrapped.jobs == PARTS
    assert [output[0] for output in manifest.result["outputs"]] == [str(30 * number) for number in range(PARTS)]
    built = Groth16System().build_program(source, settings, trust={}, workdir=tmp_path / "build", report=unheard)
    assert built.program.digest == program.digest
    check_lies(built, manifest, proof_in(tmp_path / f"{task.task_id}.bundle", manifest), tmp_path)


def proof_in(bundle: Path, manifest: Any) -> bytes:
    import zipfile

    with zipfile.ZipFile(bundle) as container:
        return container.read(f"files/{manifest.jobs[0].proof}")


def check_lies(files: ProgramFiles, manifest: Any, proof: bytes, folder: Path) -> None:
    """Nothing that a network could say instead verifies."""
    bundled = ProgramFiles(replace(files.program, wraps=()), files.paths)
    one = PartialProof(slice_index=1, input_index=0, output=JobOutput(proof=proof, public={}))
    said = (dict(manifest.statement), dict(manifest.result), [one])
    system = Groth16System()

    def verify(statement: Any, result: Any, parts: Any) -> list[str]:
        return system.verify_whole(bundled, statement, result, parts, workdir=folder / "verify")

    assert len(proof) == 288
    assert "one proof verifies" in verify(*said)[0]
    statement, result, _ = said
    shown, outputs = list(statement["inputs"]), list(result["outputs"])
    flipped = [proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :] for at in (0, 47, 100, 287)]
    lies = [
        ({**statement, "inputs": [["7"], *shown[1:]]}, result, [one]),
        ({**statement, "inputs": shown + shown[:1]}, {**result, "outputs": outputs + outputs[:1]}, [one]),
        ({**statement, "inputs": shown[::-1]}, {**result, "outputs": outputs[::-1]}, [one]) if PARTS > 1 else None,
        (statement, {**result, "outputs": [["7"], *outputs[1:]]}, [one]),
        (statement, {**result, "between": [[]] * PARTS}, [one]),
        ({**statement, "one_proof": 1}, result, [one]),
        ({**statement, "one_proof": False}, result, [one]),
        (statement, result, [one, one]),
        (statement, result, [replace(one, slice_index=0)]),
        (statement, result, [replace(one, output=JobOutput(proof=proof, public={"output": []}))]),
        *((statement, result, [replace(one, output=JobOutput(proof=other, public={}))]) for other in flipped),
    ]
    for lie in lies:
        if lie is not None:
            with pytest.raises((BadProof, BadBundle)):
                verify(*lie)
