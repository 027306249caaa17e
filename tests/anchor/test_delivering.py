"""A real proof, brought to a contract by the anchor: once, whatever dies; and never for a stranger who does not pay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

import pytest
import pytest_asyncio
from eth_utils.address import to_checksum_address

from proofgrid.chain.signing import ChainSigner
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.ids import Address
from proofgrid.roles.anchor.delivering import Deliverer
from proofgrid.rules.chain.delivering import DeliveryTerms, name_of_task
from proofgrid.store.programs import INSERT_PROGRAM
from proofgrid.store.transactions import Transaction
from tests.anchor.killing import dying, places
from tests.anchor.life import ChainLife
from tests.chain.test_program_verifiers import groth16
from tests.makers import a_program
from tests.proofs.evm.running import compiled
from tests.roles.lanes import CLIENT, UNITS

pytestmark = pytest.mark.thorough

PROGRAM = digest_of(b"a circuit of a product")
PRICE, GAS_MOST = 5_000, 1_000_000
LIMIT_AT = 4 + 8 * 32 + 32  #: where the circuit's public input stands in the call: behind the proof, and the product
BOUNDARIES = 14  #: of the transactions that bring a proof, both sides of each, and some more


@dataclass(slots=True)
class Bringing:
    """A network whose anchor brings proofs to one contract, which knows one program."""

    life: ChainLife
    contract: Address
    call: bytes
    verifier: str

    @property
    def submitter(self) -> str:
        return self.life.chain.slasher.address

    def open(self, *, price: int = PRICE, gas_most: int = GAS_MOST) -> None:
        """Begin with a new anchor, as after a restart."""
        self.life.open()
        acting = self.life.anchor._acting
        assert acting is not None
        terms = DeliveryTerms(contracts=(self.contract,), price=price, gas_most=gas_most)
        deliverer = Deliverer(self.life.database, ChainSigner(self.life.chain.slasher.account), terms)
        self.life.anchor._acting = replace(acting, deliverer=deliverer)

    async def teach(self, *, submitter_at: int = 0) -> None:
        """Let the contract know the program."""
        named = (self.verifier, self.call[:4], False, submitter_at)
        await self.life.chain.owner.call(self.life.chain.verifiers, "add", bytes.fromhex(PROGRAM), named)

    async def wanted(self, call: bytes | None = None) -> UUID:
        """Let a task be done whose proof is to be brought, and is spelled as a call."""
        lane = self.life.lane
        task_id = await lane.add_task()
        await lane.fetch("UPDATE tasks SET state = 'done', program_digest = $2 WHERE task_id = $1", task_id, PROGRAM)
        await lane.fetch(
            "INSERT INTO proof_deliveries (task_id, target, state, call) VALUES ($1, $2, 'ready', $3)",
            task_id,
            self.contract,
            call or self.call,
        )
        return task_id

    async def steps(self, blocks: int = 12) -> None:
        for _ in range(blocks):
            await self.life.anchor.step()
            await self.life.chain.chain.mine()

    async def state(self, task_id: UUID) -> tuple[str, int, str]:
        """Return (state, price, detail)."""
        query = "SELECT state, price, detail FROM proof_deliveries WHERE task_id = $1"
        [row] = await self.life.lane.fetch(query, task_id)
        return row["state"], row["price"], row["detail"]

    async def told(self, task_id: UUID) -> list[str]:
        query = "SELECT kind FROM task_events WHERE task_id = $1 AND kind LIKE '%delivered' ORDER BY seq"
        return [row["kind"] for row in await self.life.lane.fetch(query, task_id)]

    async def delivered(self) -> list[bytes]:
        """Return the tasks of every receipt in the contract's events."""
        logs = await self.life.chain.verifiers.events.Delivered().get_logs(from_block=0)
        return [bytes(log["args"]["task"]) for log in logs]


@pytest.fixture(scope="session")
def proof(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """The bytecode of a circuit's contract, and the call of one proof of it."""
    contract, call = groth16(tmp_path_factory.mktemp("product"))
    return compiled(contract), bytes.fromhex(call[2:])


@pytest_asyncio.fixture
async def bringing(proof: tuple[str, bytes], life: ChainLife) -> Bringing:
    bytecode, call = proof
    verifier = await life.chain.owner.deploy([], bytecode)
    async with life.database.transaction(Transaction.REGISTER_PROGRAM) as connection:
        await connection.run(INSERT_PROGRAM, **a_program(digest=PROGRAM, units=UNITS))
    await life.close()
    brought = Bringing(life, Address(str(life.chain.verifiers.address)), call, str(verifier.address))
    brought.open()
    return brought


async def test_a_proof_is_brought_paid_and_its_receipt_told(bringing: Bringing) -> None:
    await bringing.teach()
    before = await bringing.life.balance(f"client:{CLIENT}")
    task_id = await bringing.wanted()
    held = await bringing.life.balance(f"client:{CLIENT}")
    await bringing.steps()

    assert await bringing.state(task_id) == ("delivered", PRICE, "")
    assert await bringing.delivered() == [name_of_task(task_id)]
    assert await bringing.told(task_id) == ["delivered"]
    assert await bringing.life.balance(f"client:{CLIENT}") == held - PRICE < before
    assert await bringing.life.balance("treasury") == PRICE
    [row] = await bringing.life.lane.fetch("SELECT hash, block, gas FROM proof_deliveries")
    receipt = await bringing.life.chain.chain.web3.eth.get_transaction_receipt(row["hash"])
    assert (receipt["blockNumber"], receipt["gasUsed"]) == (row["block"], row["gas"])
    assert receipt["from"] == bringing.submitter


async def test_an_altered_proof_ends_at_the_dry_run_and_costs_nothing(bringing: Bringing) -> None:
    await bringing.teach()
    altered = bringing.call[:-1] + bytes([bringing.call[-1] ^ 1])
    task_id = await bringing.wanted(altered)
    nonce = await bringing.life.chain.chain.web3.eth.get_transaction_count(to_checksum_address(bringing.submitter))
    await bringing.steps(3)

    state, price, detail = await bringing.state(task_id)
    assert (state, price) == ("refused", 0)
    assert "ProofRefused" in detail
    assert await bringing.told(task_id) == ["not_delivered"]
    assert await bringing.life.balance("treasury") == 0
    assert (
        await bringing.life.chain.chain.web3.eth.get_transaction_count(to_checksum_address(bringing.submitter)) == nonce
    )
    assert not await bringing.life.lane.fetch("SELECT FROM chain_outbox")


async def test_a_program_that_the_contract_does_not_know_is_refused(bringing: Bringing) -> None:
    task_id = await bringing.wanted()
    await bringing.steps(2)
    assert "UnknownProgram" in (await bringing.state(task_id))[2]


async def test_who_cannot_pay_gets_no_gas(bringing: Bringing) -> None:
    await bringing.teach()
    await bringing.life.close()
    bringing.open(price=10**15)
    task_id = await bringing.wanted()
    await bringing.steps(2)
    state, price, detail = await bringing.state(task_id)
    assert (state, price) == ("refused", 0)
    assert "the account does not hold them" in detail
    assert not await bringing.life.lane.fetch("SELECT FROM chain_outbox")


async def test_a_call_that_takes_more_gas_than_it_may_is_refused(bringing: Bringing) -> None:
    await bringing.teach()
    await bringing.life.close()
    bringing.open(gas_most=100_000)
    task_id = await bringing.wanted()
    await bringing.steps(2)
    assert (await bringing.state(task_id))[:2] == ("refused", 0)


async def test_a_contract_that_is_not_named_any_more_gets_none(bringing: Bringing) -> None:
    task_id = await bringing.wanted()
    await bringing.life.lane.fetch("UPDATE proof_deliveries SET target = $1", bringing.verifier)
    await bringing.steps(2)
    assert "not brought proofs any more" in (await bringing.state(task_id))[2]


async def test_a_proof_that_names_another_submitter_is_refused(bringing: Bringing) -> None:
    await bringing.teach(submitter_at=LIMIT_AT)
    task_id = await bringing.wanted()
    await bringing.steps(2)
    assert "OtherSubmitter" in (await bringing.state(task_id))[2]


async def test_what_was_paid_comes_back_where_nothing_was_signed(bringing: Bringing) -> None:
    kept = await bringing.life.chain.chain.snapshot()
    await bringing.teach()
    task_id = await bringing.wanted()
    held = await bringing.life.balance(f"client:{CLIENT}")
    acting = bringing.life.anchor._acting
    assert acting is not None
    acting.outbox._fee_cap = 1  # gas is dear
    await bringing.life.anchor.step()
    assert (await bringing.state(task_id))[:2] == ("sending", PRICE)

    await bringing.life.chain.chain.go_back(kept)
    await bringing.life.chain.chain.mine(3)
    await bringing.life.anchor.step()
    assert (await bringing.state(task_id))[:2] == ("refused", 0)
    assert await bringing.life.balance(f"client:{CLIENT}") == held
    assert await bringing.told(task_id) == ["not_delivered"]


async def test_one_that_reverts_in_its_block_is_told_and_paid(bringing: Bringing) -> None:
    await bringing.teach()
    task_id = await bringing.wanted()
    await bringing.life.anchor.step()
    await bringing.life.lane.fetch("UPDATE chain_outbox SET stage = 'failed'")
    await bringing.life.anchor.step()
    assert (await bringing.state(task_id))[:2] == ("failed", PRICE)
    assert await bringing.told(task_id) == ["not_delivered"]


async def test_an_anchor_that_is_killed_brings_it_once(bringing: Bringing) -> None:
    await bringing.teach()
    brought = []
    for place in places(BOUNDARIES, few=5):
        task_id = await bringing.wanted()
        with dying(bringing.life.database, place, "bring_proof", "send_chain"):
            await bringing.steps()
        await bringing.life.close()
        bringing.open()
        await bringing.steps()
        brought.append(name_of_task(task_id))
        assert await bringing.delivered() == brought, place
        assert (await bringing.state(task_id))[0] == "delivered"
        assert await bringing.told(task_id) == ["delivered"]
        assert await bringing.life.balance("treasury") == PRICE * len(brought)


async def test_two_anchors_at_once_bring_it_once(bringing: Bringing, monkeypatch: pytest.MonkeyPatch) -> None:
    await bringing.teach()
    task_id = await bringing.wanted()
    await bringing.life.played_out_by(*bringing.life.two_at_once(monkeypatch, bringing.open))
    assert await bringing.delivered() == [name_of_task(task_id)]
    assert await bringing.told(task_id) == ["delivered"]
    assert await bringing.life.balance("treasury") == PRICE


async def test_a_block_that_is_gone_is_brought_again(bringing: Bringing) -> None:
    await bringing.teach()
    task_id = await bringing.wanted()
    kept = await bringing.life.chain.chain.snapshot()
    await bringing.life.stepped()
    assert await bringing.delivered()
    await bringing.life.chain.chain.go_back(kept)
    assert not await bringing.delivered()
    await bringing.steps()
    assert await bringing.delivered() == [name_of_task(task_id)]
    assert (await bringing.state(task_id))[0] == "delivered"
