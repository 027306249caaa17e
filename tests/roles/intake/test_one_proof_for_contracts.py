"""Which tasks end in what a contract takes: one job's proof, one with all inside, or those of all slices."""

from __future__ import annotations

import pytest

from proofgrid.primitives.ids import TaskId
from proofgrid.roles.intake.proof_deliveries import ProofDeliveries
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.chain.delivering import NotDelivered
from proofgrid.store.proof_deliveries import SET_DELIVERY_TERMS
from proofgrid.store.transactions import Transaction
from tests.makers import a_key
from tests.roles.lanes import CLIENT, LaneUnderTest

DOOR = str(a_key(5).address)
THEIRS = Caller(CLIENT, frozenset({Role.CLIENT}))


async def test_a_task_is_brought_to_a_contract_if_it_ends_in_one_proof(lane: LaneUnderTest) -> None:
    deliveries = ProofDeliveries(lane.database)
    terms = {"chain_id": 1, "submitter": DOOR, "contracts": [DOOR], "price": 1, "gas_most": 1}
    await lane.database.write(Transaction.BRING_PROOF, SET_DELIVERY_TERMS, **terms)

    async def asked(jobs: int, *wraps: tuple[int, ...]) -> str:
        task_id = TaskId(await lane.add_task(jobs=jobs, wraps=wraps))
        return (await deliveries.deliver(THEIRS, task_id, a_key(5).address)).state

    assert await asked(1) == "wanted"
    assert await asked(3, (0, 1, 2)) == "wanted"
    assert await asked(3, (0, 1), (2, 3)) == "wanted"  # a tree: its root
    for jobs, wraps, proofs in ((2, (), 2), (3, ((0, 1),), 2), (4, ((0, 1), (2, 3)), 2)):
        with pytest.raises(NotDelivered, match=f"one proof, the task has {proofs}"):
            await asked(jobs, *wraps)

    await lane.fetch("UPDATE programs SET slices = 2")
    assert await asked(2) == "wanted"  # whether a contract holds them together is seen when they are spelled
    assert await asked(4) == "wanted"
