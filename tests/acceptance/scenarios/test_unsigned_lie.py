"""Where bonds are asked for: a lie that nobody signed, and a second proof of the same that is none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.wire.v1 import prover_pb2 as messages
from tests.acceptance.scenarios.checkers import check_promises
from tests.acceptance.scenarios.scripted import ScriptedProver, prove, sign
from tests.acceptance.tasks import database_of, events_of, register_toy
from tests.networks import Network, running_network

BOND = 10**9


@pytest.fixture
async def network(
    tmp_path: Path, database_dsn: str, toy_system_on_path: Path, srs_file: Path
) -> AsyncIterator[Network]:
    """Alice and bob have bonds, and nobody sells without one."""
    settings = {"SRS_FILE": str(srs_file), "STAKE_PERMILLE": "500"}
    async with running_network(tmp_path, database_dsn, **settings) as network:
        async with network.administrator() as client:
            for name in ("alice", "bob"):
                await client.admin.deposit_stake(network.keys[name].address, BOND, deposit_id=name)
        yield network
        await check_promises(network)


def broken(lease: messages.Lease) -> messages.JobResult:
    """The right public values, and no proof of them."""
    result = prove(lease, "x")
    result.proof = b"no proof"
    return result


def other_values(lease: messages.Lease) -> messages.JobResult:
    """A proof, and public values that are not those of it."""
    result = prove(lease, "x")
    result.public_json = json.dumps({"end": "0" * 64})
    return result


def another_proof(lease: messages.Lease) -> messages.JobResult:
    """The right result once more, by a proof of other bytes: toy proofs are malleable."""
    result = prove(lease, "x")
    result.proof = canonical_json({**json.loads(result.proof), "chance": 7})
    return result


async def test_an_unsigned_lie_is_refused_unseen_and_a_second_proof_of_the_same_is_no_lie(
    network: Network, tmp_path: Path
) -> None:
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        async with ScriptedProver(network, "mute", "alice") as mute:
            lease = await mute.take_lease()
            unsigned = await answer(mute, broken(lease))
            unsigned_costs = await costs(network, lease)
            mute.let_go(lease)
            await mute.say(drain=messages.Drain())
            async with ScriptedProver(network, "liar", "alice") as liar:
                lease = await liar.take_lease()
                lies = [await answer(liar, sign(broken(lease), lease, network, "alice"))]
                lies.append(await answer(liar, sign(another_proof(lease), lease, network, "alice")))
                after_another_proof = await costs(network, lease)
                lies.append(await answer(liar, sign(other_values(lease), lease, network, "alice")))
                after_other_values = await costs(network, lease)
                liar.let_go(lease)
        async with ScriptedProver(network, "honest", "bob") as honest:
            lease = await honest.take_lease()
            right = [await answer(honest, sign(prove(lease, "x"), lease, network, "bob"))]
            right.append(await answer(honest, sign(another_proof(lease), lease, network, "bob")))
        events = await events_of(client, task.task_id)

    assert (unsigned.accepted, unsigned.code, unsigned_costs) == (False, "PG-402", {"missed_deadline"})
    assert [verdict.code for verdict in lies] == ["PG-400", "PG-330", "PG-330"]
    assert after_another_proof == {"invalid_proof"}
    assert after_other_values == {"invalid_proof", "equivocation"}
    assert [verdict.accepted for verdict in right] == [True, True]
    assert {event.data["operator"] for event in events if event.kind == "slashed"} == {network.keys["alice"].address}
    assert [event.data["operator"] for event in events if event.kind == "proven"] == [network.keys["bob"].address]


async def answer(prover: ScriptedProver, result: messages.JobResult) -> messages.ResultAck:
    verdict = await prover.answer(result)
    assert verdict is not None
    return verdict


async def costs(network: Network, lease: messages.Lease) -> set[str]:
    """What a lease was slashed for."""
    async with database_of(network) as connection:
        rows = await connection.fetch("SELECT kind FROM evidence WHERE lease_id::text = $1", lease.lease_id)
    return {row["kind"] for row in rows}
