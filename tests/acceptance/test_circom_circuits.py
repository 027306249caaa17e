"""A circom circuit from its folder to a bundle that a stranger verifies: real gateway, real provers, real proofs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.kit.source_folders import source_in
from tests.acceptance.tasks import check_paid_once, fetch_and_verify
from tests.networks import Network
from tests.proofs.points import points_or_skip
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys
from tests.proofs.systems.plonk.circuits import built

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
        program = await client.register_program(source_in(circuit, "groth16"), proof_system="groth16")
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


async def test_a_circuit_without_keys_is_one_program_whoever_registers_it(network: Network, tmp_path: Path) -> None:
    engine_or_skip()
    points_or_skip()
    await network.start_prover("first", "alice", ask=500, PROOF_SYSTEMS="plonk")
    inputs = [{"a": [2, 3, one], "b": 7, "limit": 9} for one in (5, 7)]
    async with network.client() as client:
        program = await client.register_program(files_of("product"), proof_system="plonk")
        alone = built("product", tmp_path / "alone").program
        assert program.digest == alone.digest
        task = await client.submit(program.digest, inputs, limit_price=2_000)
        done = await client.wait(task.task_id)
        report = await fetch_and_verify(client, network, done, tmp_path)
        result: Any = report.manifest.result
        assert result["outputs"] == [["210"], ["294"]]
        await check_paid_once(network)


@pytest.mark.thorough
async def test_a_graph_is_proven_by_provers_of_two_systems_into_one_bundle(
    network: Network, tmp_path: Path, circuit: Path
) -> None:
    folder = tmp_path / "graph"
    shutil.copytree(circuit, folder / "tree")
    links = [{"from": "tree.root", "to": "chain.start"}]
    (folder / "graph.json").write_text(
        json.dumps({"nodes": {"tree": {"system": "groth16"}, "chain": {"system": "toy"}}, "links": links})
    )
    await network.start_prover("circuits", "alice", ask=500, PROOF_SYSTEMS="groth16")
    await network.start_prover("chains", "bob", ask=600, PROOF_SYSTEMS="toy")
    async with network.client() as client:
        program = await client.register_program(source_in(folder, "graph"), proof_system="graph")
        with pytest.raises(InvalidInput) as refused:
            await client.submit(
                program.digest, [{"tree": a_member(1), "chain": {"start": "f" * 64}}], limit_price=2_000
            )
        assert refused.value.field == "inputs[0].chain.start"
        inputs = [{"tree": a_member(one), "chain": {}} for one in SECRETS]
        task = await client.submit(program.digest, inputs, limit_price=2_000)
        done = await client.wait(task.task_id)
        report = await fetch_and_verify(client, network, done, tmp_path)
        assert f"proofs: what is linked is equal ({len(SECRETS)})" in report.checks
        assert {job.lane.split("/")[1].split("@")[0] for job in report.manifest.jobs} == {"groth16", "toy"}
        await check_paid_once(network)
