"""What canaries cost, whom they reach and what they move, in a database: names of one operator add up."""

from __future__ import annotations

import json

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.roles.canary.sending import Canaries, CanarySettings
from proofgrid.roles.intake.bond_moves import deposit_stake
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.rules.ledger.settlement import fund_treasury
from proofgrid.rules.reputation.canaries import OPERATOR_SHARE
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.store.canaries import INSERT_CANARY
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.makers import a_key
from tests.roles.lanes import LANE, UNITS, LaneUnderTest

REFERENCE = 1_000
COST = REFERENCE * UNITS


class Sending:
    """The role on a lane, with a canary that was proven once."""

    def __init__(self, lane: LaneUnderTest, *, budget: int, bonds: BondPolicy | None = None) -> None:
        self.lane = lane
        self.limits: list[int] = []
        settings = CanarySettings(
            for_new_provers=True, budget=budget, bonds=bonds or BondPolicy(), silent_ms=lane.silent_ms
        )
        self.canaries = Canaries(lane.database, self.submit, settings, SystemClock())

    async def submit(self, client: Address, request: ProofRequest) -> TaskId:
        """Admit a canary as any task is."""
        self.limits.append(request.limit_price)
        return TaskId(
            await self.lane.add_task(
                client=client, limit_price=request.limit_price, constraints=request.constraints, hedging=False
            )
        )

    async def open(self) -> None:
        """Fund the treasury, and let a known operator prove the canary first."""
        lane = self.lane
        async with lane.database.transaction(Transaction.JOIN_NETWORK) as connection:
            await post_transfers(connection, fund_treasury(deposit_id="f", amount=10**12))
        await lane.add_prover("known")
        first = await lane.add_task(client=NETWORK_CLIENT, limit_price=2_000)
        await self.prove()
        await lane.fetch("UPDATE tasks SET state = 'done' WHERE task_id = $1", first)
        await lane.fetch("UPDATE provers SET jobs_proven = 8")
        async with lane.database.transaction(Transaction.ADD_CANARY) as connection:
            await connection.run(
                INSERT_CANARY,
                canary_id=first,
                program_digest="p",
                inputs=["x"],
                inputs_digest="digest",
                first_task=first,
            )

    async def prove(self) -> None:
        """Sell what waits, and let the proofs be right."""
        while await self.lane.sell(rounds=10):
            await self.lane.fetch("UPDATE leases SET state = 'running' WHERE state = 'granted'")
            held = [lease for lease in await self.lane.leases() if lease["state"] == "running"]
            await self.lane.pay(*held)
        # Nothing combines in this test; canaries that were proven are over.
        await self.lane.fetch("UPDATE tasks SET state = 'done' WHERE jobs_open = 0 AND state <> 'done'")

    async def send_until_nothing_comes(self) -> None:
        """Look and prove, until a look sends nothing more."""
        sent = -1
        while sent < len(self.limits):
            sent = len(self.limits)
            await self.canaries.look()
            await self.prove()

    async def paid_to(self, operator: str) -> int:
        rows = await self.lane.fetch("SELECT balance FROM accounts WHERE account = $1", f"operator:{operator}")
        return sum(row["balance"] for row in rows)


async def test_five_names_of_one_operator_get_the_operators_part_of_the_budget_and_no_more(lane: LaneUnderTest) -> None:
    sending = Sending(lane, budget=3 * COST * OPERATOR_SHARE)
    await sending.open()
    for name in "abcde":
        await lane.add_prover("mallory", name, ask=REFERENCE, slots=4)

    await sending.send_until_nothing_comes()

    assert 0 < await sending.paid_to("mallory") <= 3 * COST
    assert len(sending.limits) == 3


async def test_many_operators_get_the_budget_and_no_more(lane: LaneUnderTest) -> None:
    sending = Sending(lane, budget=OPERATOR_SHARE * COST)
    await sending.open()
    for number in range(12):
        await lane.add_prover(f"mallory{number}", ask=REFERENCE)

    await sending.send_until_nothing_comes()

    paid = [await sending.paid_to(f"mallory{number}") for number in range(12)]
    assert sum(paid) <= OPERATOR_SHARE * COST
    assert max(paid) <= COST


async def test_where_bonds_are_asked_an_operator_gets_no_more_than_its_bond_carries(lane: LaneUnderTest) -> None:
    sending = Sending(lane, budget=100 * COST * OPERATOR_SHARE, bonds=BondPolicy(stake_permille=1_000, overcommit=1))
    await sending.open()
    await lane.add_prover("bonded", ask=1)
    await lane.add_prover("free", ask=1)
    await lane.fetch("INSERT INTO network (address) VALUES ($1) ON CONFLICT DO NOTHING", a_key().address)
    await deposit_stake(lane.database, "outside", Address("bonded"), 2 * COST, from_outside=True)

    await sending.send_until_nothing_comes()

    assert len(sending.limits) == 2
    assert await sending.paid_to("free") == 0


async def test_a_canary_bids_its_lanes_reference_and_nobody_sits_out_for_it(lane: LaneUnderTest) -> None:
    sending = Sending(lane, budget=10**12)
    await sending.open()
    [row] = await lane.fetch("SELECT next_reference FROM rounds WHERE lane = $1 ORDER BY number DESC LIMIT 1", LANE)
    await lane.add_prover("new", ask=700)
    await sending.canaries.look()
    assert sending.limits == [row["next_reference"]]
    for _ in range(4):
        await lane.add_task()

    await sending.prove()

    wide = await lane.fetch("SELECT transcript FROM rounds WHERE lane = $1", LANE)
    assert all(not json.loads(one["transcript"])["absent"] for one in wide)
    leases = await lane.leases()
    assert {lease["operator"] for lease in leases if lease["lane"] != LANE} == {"new"}
    assert all(lease["sell_price"] <= row["next_reference"] for lease in leases if lease["lane"] != LANE)
