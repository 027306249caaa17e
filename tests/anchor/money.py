"""People who pay into the vault and are paid out, as tests of the anchor speak of them."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.chain.devnet.network import LEDGER_UNIT
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.rules.ledger.payouts import request_payout
from proofgrid.rules.ledger.vault_batches import Batch, parse_batch
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.anchor.life import FINAL_AFTER, ChainLife

MANY = 12  #: steps until a batch is in force, and more
CLIENT, OPERATOR = 5, 6  #: among the people of the chain
_ALL_SAID = """
SELECT FROM (SELECT * FROM vault_batches WHERE state = 'in_force' ORDER BY sequence DESC LIMIT 1) AS b
WHERE payouts_total = (SELECT coalesce(sum(balance), 0) FROM accounts WHERE account LIKE 'payable:%')
    + (SELECT coalesce(sum(claimed), 0) FROM vault_claims)
"""


@dataclass(slots=True)
class Money:
    """Amounts are units of the ledger."""

    life: ChainLife

    def who(self, number: int) -> Address:
        """Return the address of one of the chain's people."""
        return Address(self.life.chain.chain.person(number).address)

    async def pay_in(self, number: int, amount: int) -> None:
        """Mint so many units, and pay them into the vault for oneself."""
        chain, person = self.life.chain, self.life.chain.chain.person(number)
        await person.call(chain.staked.token, "mint", person.address, amount * LEDGER_UNIT)
        await person.call(chain.staked.token, "approve", chain.vault.address, amount * LEDGER_UNIT)
        await person.call(chain.vault, "deposit", person.address, amount * LEDGER_UNIT)

    async def paid_in(self, number: int, amount: int) -> None:
        """Pay in, and be credited."""
        await self.pay_in(number, amount)
        await self.life.settle()

    async def earn(self, client: int, operator: int, amount: int) -> None:
        """Move money in the ledger as jobs do."""
        row = {
            "transfer_id": f"earned:{client}:{operator}:{amount}",
            "debit": f"client:{self.who(client)}",
            "credit": f"operator:{self.who(operator)}",
            "amount": amount,
            "reason": "proof",
        }
        await self.life.lane.fetch("SELECT post_transfers($1)", [row])

    async def backed(self) -> None:
        """Bring the tokens for what the test's lane has in its ledger by hand; it is nobody's of the chain's people."""
        rows = await self.life.lane.fetch(
            "SELECT account, balance FROM accounts WHERE balance > 0 AND account <> 'treasury'"
        )
        facts = {"credit": "treasury", "reason": "fee"}
        moved = [
            {"transfer_id": row["account"], "debit": row["account"], "amount": row["balance"], **facts} for row in rows
        ]
        await self.life.lane.fetch("SELECT post_transfers($1)", moved)
        [row] = await self.life.lane.fetch("SELECT -balance AS held FROM accounts WHERE account = 'mint'")
        chain = self.life.chain
        await chain.owner.call(chain.staked.token, "mint", chain.vault.address, row["held"] * LEDGER_UNIT)
        await self.life.chain.chain.mine(FINAL_AFTER + 1)

    async def ask_out(self, number: int, amount: int, *, kind: str = "client", name: str = "") -> None:
        """Ask to be paid out."""
        address = self.who(number)
        async with self.life.database.transaction(Transaction.HEARTBEAT) as connection:
            account = AccountId(f"{kind}:{address}")
            made = request_payout(payout_id=f"{address}:{name or amount}", account=account, to=address, amount=amount)
            await post_transfers(connection, made)

    async def held(self, number: int) -> int:
        """Return the tokens that somebody has on the chain."""
        token = self.life.chain.staked.token
        return int(await token.functions.balanceOf(self.who(number)).call()) // LEDGER_UNIT

    async def balance(self, kind: str, number: int) -> int:
        return await self.life.balance(f"{kind}:{self.who(number)}")

    async def in_force(self) -> None:
        """Step until a batch is in force that says all that was ever payable."""
        for _ in range(MANY):
            await self.life.anchor.step()
            if await self.life.lane.fetch(_ALL_SAID):
                return
            await self.life.chain.chain.mine(FINAL_AFTER + 1)
        raise AssertionError(f"no batch says everything: {await self.states()}")

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.life.lane.fetch("SELECT state FROM vault_batches ORDER BY sequence")]

    async def batch(self) -> Batch:
        """Return the newest batch in force."""
        rows = await self.life.lane.fetch(
            "SELECT file FROM vault_batches WHERE state = 'in_force' ORDER BY sequence DESC LIMIT 1"
        )
        return parse_batch(rows[0]["file"])

    async def claim(self, number: int, batch: Batch) -> None:
        """Let anybody claim for somebody."""
        account = self.who(number)
        await self.life.chain.chain.person(9).call(
            self.life.chain.vault, "claim", account, batch.payouts[account], batch.paid.proof(account)
        )
