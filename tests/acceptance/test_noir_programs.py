"""A Noir package from its folder to a bundle that a stranger verifies: real gateway, real provers, real proofs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.kit.source_folders import source_at
from tests.acceptance.tasks import check_paid_once, fetch_and_verify
from tests.networks import Network
from tests.proofs.systems.noir.programs import MEMBER, PACKAGES, engine_or_skip

SECRETS = ("123456789123456789", "987654321987654321")


def a_member(secret: str) -> dict[str, Any]:
    """Who knows this secret, of age, in a tree of its own."""
    return {**MEMBER, "person": {"secret": secret, "born": 1980}}


@pytest.fixture(autouse=True)
def _engine() -> None:
    engine_or_skip()


async def test_a_batch_of_members_of_age_is_proven_by_two_provers(network: Network, tmp_path: Path) -> None:
    await network.start_prover("first", "alice", ask=500)
    await network.start_prover("second", "bob", ask=600)
    async with network.client() as client:
        source = source_at(PACKAGES / "membership", "noir")
        program = await client.register_program(source, proof_system="noir")
        with pytest.raises(InvalidInput, match="born in the future"):
            child = {**a_member(SECRETS[0]), "person": {"secret": 1, "born": 2030}}
            await client.submit(program.digest, [child], limit_price=2_000)
        task = await client.submit(program.digest, [a_member(one) for one in SECRETS], limit_price=2_000)
        done = await client.wait(task.task_id)
        report = await fetch_and_verify(client, network, done, tmp_path)
        result: Any = report.manifest.result
        assert len({output["root"] for output in result["outputs"]}) == len(SECRETS)
        await check_paid_once(network)
    said = "".join(process.log.read_text() for process in network.processes)
    assert not [one for one in SECRETS if one in said]
