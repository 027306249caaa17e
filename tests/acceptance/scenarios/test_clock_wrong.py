"""A prover whose clock is an hour off is told so, by code and hint, and nothing else suffers."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.errors import TokenExpired
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import register_toy
from tests.networks import Network

HOUR_MS = 3_600_000


@pytest.mark.parametrize(("error_ms", "word"), [(HOUR_MS, "not valid yet"), (-HOUR_MS, "expired")])
async def test_a_clock_an_hour_off_is_named_as_the_reason(
    network: Network, tmp_path: Path, error_ms: int, word: str
) -> None:
    with pytest.raises(TokenExpired) as refused:
        async with ScriptedProver(network, "elsewhen", "alice", clock_error_ms=error_ms):
            pass
    async with network.client() as client, ScriptedProver(network, "in-time", "bob") as prover:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await prover.say(result=prove(await prover.take_lease(), "x"))
        assert (await prover.verdict()).accepted
        task = await client.wait(task.task_id)

    assert word in refused.value.detail
    assert "clock" in refused.value.hint
    assert task.state == "done"


async def test_a_clock_a_few_seconds_off_does_no_harm(network: Network, tmp_path: Path) -> None:
    async with network.client() as client, ScriptedProver(network, "early", "alice", clock_error_ms=20_000) as prover:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await prover.say(result=prove(await prover.take_lease(), "x"))
        assert (await prover.verdict()).accepted
        await client.wait(task.task_id)
