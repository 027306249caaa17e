"""A Miden program in eight steps, from its source to a bundle: real gateway, real provers, real proofs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.systems.miden.samples import LEDGER, payments
from tests.acceptance.tasks import check_paid_once, fetch_and_verify
from tests.networks import Network
from tests.proofs.systems.miden.engines import engine_or_skip

AMOUNTS = (123456789, 7, 1, 20, 3, 4, 987654321, 9)


async def test_a_state_over_eight_steps_is_proven_by_two_provers(network: Network, tmp_path: Path) -> None:
    engine_or_skip()
    await network.start_prover("first", "alice", ask=500)
    await network.start_prover("second", "bob", ask=600)
    source = tmp_path / "ledger.masm"
    source.write_text(LEDGER)
    async with network.client() as client:
        program = await client.register_program(
            {"masm": source}, proof_system="miden", settings={"steps": len(AMOUNTS), "cycles_max": 1024}
        )
        with pytest.raises(InvalidInput, match="the balance is too small"):
            await client.submit(program.digest, [payments(1000, *AMOUNTS)], limit_price=2_000)
        task = await client.submit(program.digest, [payments(2_000_000_000, *AMOUNTS)], limit_price=2_000)
        done = await client.wait(task.task_id)
        assert len({job.prover for job in done.jobs}) == 2
        report = await fetch_and_verify(client, network, done, tmp_path)
        result: Any = report.manifest.result
        assert result["outputs"][0][:2] == [str(2_000_000_000 - sum(AMOUNTS)), str(len(AMOUNTS))]
        assert any("begins where the one before it ended (7)" in said for said in report.checks)
        await check_paid_once(network)
    said = "".join(process.log.read_text() for process in network.processes)
    assert not [amount for amount in AMOUNTS if amount > 1000 and str(amount) in said]
