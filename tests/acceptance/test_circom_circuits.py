"""A circom circuit from its folder to a bundle that a stranger verifies: real gateway, real provers, real proofs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from proofgrid.cli.client.program_source import source_in
from proofgrid.primitives.errors import InvalidInput
from tests.acceptance.tasks import check_paid_once, fetch_and_verify
from tests.networks import Network
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys

LEVELS = 8
SECRETS = (123456789, 987654321, 555)


def a_member(secret: int) -> dict[str, Any]:
    """Who knows this secret is in a tree of its own."""
    return {"secret": secret, "siblings": list(range(1, LEVELS + 1)), "sides": [1, 0] * (LEVELS // 2)}


@pytest.fixture
def circuit(tmp_path: Path) -> Path:
    """A folder as a client has it."""
    engine_or_skip()
    folder = tmp_path / "membership"
    source = with_keys(files_of("membership"), folder)
    for name in ("r1cs", "wasm", "sym"):
        shutil.copy(source.files[name], folder)
    return folder


async def test_a_batch_of_memberships_is_proven_by_two_provers(network: Network, tmp_path: Path, circuit: Path) -> None:
    await network.start_prover("first", "alice", ask=500)
    await network.start_prover("second", "bob", ask=600)
    async with network.client() as client:
        program = await client.register_program(source_in(circuit, "groth16", tmp_path), proof_system="groth16")
        with pytest.raises(InvalidInput) as refused:
            await client.submit(program.digest, [{**a_member(1), "sides": [2] * LEVELS}], limit_price=2_000)
        assert "assertion" in refused.value.detail or "constraints" in refused.value.detail
        task = await client.submit(program.digest, [a_member(one) for one in SECRETS], limit_price=2_000)
        done = await client.wait(task.task_id)
        report = await fetch_and_verify(client, network, done, tmp_path)
        result: Any = report.manifest.result
        roots = [output[0] for output in result["outputs"]]
        assert len(set(roots)) == len(SECRETS)
        await check_paid_once(network)
    said = "".join(process.log.read_text() for process in network.processes)
    assert not [one for one in SECRETS[:2] if str(one) in said]
