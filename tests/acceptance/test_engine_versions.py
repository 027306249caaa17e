"""Two versions of a proof system in one network: each has its gateway and its prover, and one can be stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.engine_errors import EngineBroken, EngineStopped
from proofgrid.proofs import registry
from proofgrid.sdk.client import Client
from tests.acceptance.tasks import check_paid_once, register_toy, wait_for
from tests.networks import Network
from tests.packages import HERE, install_package

OLD, NEW = "toy@1.0", "toy@2.0"


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Return packages in which the toy is of the next version."""
    source = (HERE / "toy_system.py").read_text()
    assert source.count('engine="toy 1.0"') == 1
    (tmp_path / "toy_system.py").write_text(source.replace('engine="toy 1.0"', 'engine="toy 2.0"'))
    site = tmp_path / "newer"
    install_package(site, "toy", tmp_path / "toy_system.py", group=registry.GROUP, entry="ToySystem")
    return site


async def engines_of(client: Client) -> dict[str, tuple[int, int]]:
    return {one.engine: (one.provers, one.tasks_open) for one in await client.engines.known() if "toy" in one.engine}


async def test_an_upgrade_side_by_side_loses_no_job_and_a_broken_version_is_stopped(
    network: Network, tmp_path: Path, newer: Path
) -> None:
    first, second = network.address, await network.start_another_gateway(path=newer)
    old = await network.start_prover(
        "old", "alice", ask=500, GATEWAY=f"{second},{first}", PROOF_SYSTEMS="toy"
    )  # sent on
    await network.start_prover("new", "bob", ask=500, GATEWAY=f"{first},{second}", path=newer, PROOF_SYSTEMS="toy")
    async with network.client(gateways=first) as at_first, network.client(gateways=second) as at_second:
        program = await register_toy(at_first, tmp_path, slices=1, behaviour="slow", sleep_ms=400)
        task = await at_first.submit(program.digest, ["x"], limit_price=1_500)
        sold = await wait_for(at_first, task.task_id, "sold")
        again = await register_toy(at_second, tmp_path, slices=1, behaviour="slow", sleep_ms=400)
        other = await at_second.submit(again.digest, ["y"], limit_price=1_500)
        sold_too = await wait_for(at_second, other.task_id, "sold")

        # The old version drains before it leaves.
        assert await old.stop() == 0
        assert (await at_first.wait(task.task_id)).state == "done"
        assert (await at_second.wait(other.task_id)).state == "done"
        drained = await engines_of(at_second)

        hold = network.hold("new", "bob")
        before = (await at_second.account()).balance
        held = await at_second.submit(again.digest, ["z"], limit_price=1_500)
        await wait_for(at_second, held.task_id, "stage", stage="prove")
        async with Client(first, network.admin_key) as admin:
            await admin.engines.stop(NEW, "accepts anything")
            ended = await at_second.wait(held.task_id)
            accepted = await admin.engines.accepted(NEW)
        hold.let_go()
        with pytest.raises(EngineStopped, match="accepts anything"):
            await at_second.submit(again.digest, ["w"], limit_price=1_500)
        after = (await at_second.account()).balance

    assert program.digest == again.digest
    assert (sold.data["lane"], sold_too.data["lane"]) == (f"default/{OLD}/small", f"default/{NEW}/small")
    assert drained == {OLD: (0, 0), NEW: (1, 0)}
    assert (ended.state, ended.failure_code, after) == ("failed", EngineBroken.code, before)
    assert [proof.task_id for proof in accepted] == [other.task_id]
    await check_paid_once(network)
