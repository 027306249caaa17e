"""The vault pays what its batches say, keeps what it owes, and lets everybody out when the network falls silent."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from proofgrid.chain.accounts import Sender, TransactionReverted
from proofgrid.chain.devnet.network import TOKEN, ChainNetwork
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.payout_tree import PayoutTree

pytestmark = pytest.mark.asyncio(loop_scope="session")
RECORDS = bytes(31) + b"\x07"
Amounts = Mapping[Address, int]


class Vault:
    """The vault and its people, as a test speaks of them."""

    def __init__(self, network: ChainNetwork) -> None:
        self.network = network

    def who(self, number: int) -> Address:
        """Return the address of one of the chain's people."""
        return Address(self.network.chain.person(number).address)

    async def deposit(self, number: int, amount: int) -> None:
        """Mint and pay in."""
        person = self.network.chain.person(number)
        await person.call(self.network.staked.token, "mint", person.address, amount)
        await person.call(self.network.staked.token, "approve", self.network.vault.address, amount)
        await person.call(self.network.vault, "deposit", person.address, amount)

    async def post(self, payouts: Amounts, balances: Amounts, seen: int) -> None:
        """Post a batch and wait until it is in force."""
        await self.call(self.network.slasher, "post", self.batch(payouts, balances, seen))
        await self.network.chain.mine(self.network.terms.vault_delay)

    def batch(self, payouts: Amounts, balances: Amounts, seen: int) -> tuple[object, ...]:
        """Return a batch as the contract takes it."""
        paid, owed = PayoutTree(payouts), PayoutTree(balances)
        return (paid.root, owed.root, RECORDS, seen, 0, paid.total, owed.total, False)

    async def claim(self, payouts: Amounts, account: Address) -> None:
        """Let anybody claim for an account."""
        await self.call(self.person(18), "claim", account, payouts[account], PayoutTree(payouts).proof(account))

    async def exit(self, balances: Amounts, account: Address) -> None:
        """Let anybody take an account's balance out for it."""
        await self.call(self.person(18), "exit", account, balances[account], PayoutTree(balances).proof(account))

    async def held(self, account: Address) -> int:
        """Return the tokens of an account."""
        return int(await self.network.staked.token.functions.balanceOf(account).call())

    async def call(self, by: Sender, name: str, *arguments: object) -> None:
        """Call the vault."""
        await by.call(self.network.vault, name, *arguments)

    async def refused(self, by: int, name: str, *arguments: object) -> str:
        """Return why the vault refuses a call."""
        with pytest.raises(TransactionReverted) as caught:
            await self.call(self.person(by), name, *arguments)
        return caught.value.reason

    async def silent(self) -> None:
        """Let the network fall silent, and somebody freeze the vault."""
        await self.network.chain.mine(self.network.terms.vault_silence + 1)
        await self.call(self.person(17), "freeze")

    def person(self, number: int) -> Sender:
        """Return one of the chain's people."""
        return self.network.chain.person(number)


@pytest.fixture
def vault(network: ChainNetwork) -> Vault:
    return Vault(network)


async def test_in_claimed_and_out(vault: Vault) -> None:
    client, operator = vault.who(5), vault.who(6)
    await vault.deposit(5, 100 * TOKEN)
    await vault.post({operator: 30 * TOKEN}, {client: 70 * TOKEN}, 1)
    await vault.claim({operator: 30 * TOKEN}, operator)
    assert await vault.held(operator) == 30 * TOKEN
    later = {operator: 45 * TOKEN, client: 5 * TOKEN}
    await vault.post(later, {client: 50 * TOKEN}, 1)
    await vault.claim(later, operator)
    await vault.claim(later, client)
    assert (await vault.held(operator), await vault.held(client)) == (45 * TOKEN, 5 * TOKEN)
    proof = PayoutTree(later).proof(operator)
    assert await vault.refused(6, "claim", operator, 45 * TOKEN, proof) == "AlreadyDone"
    assert await vault.refused(6, "claim", operator, 46 * TOKEN, proof) == "NotInBatch"
    assert await vault.refused(6, "claim", client, 45 * TOKEN, proof) == "NotInBatch"


async def test_a_batch_that_the_vault_could_not_pay_is_refused(vault: Vault) -> None:
    client = vault.who(5)
    await vault.deposit(5, 10 * TOKEN)
    await vault.deposit(6, 10 * TOKEN)
    over = vault.batch({client: TOKEN}, {client: 9 * TOKEN + 1}, 1)
    assert await vault.refused(1, "post", over) == "NotCovered"  # the second deposit is not its to give
    await vault.post({client: TOKEN}, {client: 9 * TOKEN}, 1)
    assert await vault.refused(1, "post", vault.batch({client: 2 * TOKEN}, {client: 9 * TOKEN}, 1)) == "NotCovered"
    assert await vault.refused(1, "post", vault.batch({client: TOKEN // 2}, {}, 1)) == "GoesBack"
    assert await vault.refused(1, "post", vault.batch({client: TOKEN}, {}, 0)) == "GoesBack"
    assert await vault.refused(1, "post", vault.batch({client: TOKEN}, {}, 3)) == "NothingThere"
    assert await vault.refused(5, "post", vault.batch({client: TOKEN}, {}, 1)) == "NotThePoster"


async def test_a_batch_waits_and_can_be_struck(vault: Vault) -> None:
    thief, client = vault.who(7), vault.who(5)
    await vault.deposit(5, 10 * TOKEN)
    await vault.call(vault.person(1), "post", vault.batch({thief: 10 * TOKEN}, {}, 1))
    stolen = PayoutTree({thief: 10 * TOKEN}).proof(thief)
    assert await vault.refused(7, "claim", thief, 10 * TOKEN, stolen) == "NoBatchInForce"
    assert await vault.refused(7, "strike", 0) == "NotTheGuardian"
    await vault.call(vault.person(0), "strike", 0)
    await vault.network.chain.mine(vault.network.terms.vault_delay)
    assert await vault.refused(7, "claim", thief, 10 * TOKEN, stolen) == "NoBatchInForce"
    await vault.post({client: TOKEN}, {client: 9 * TOKEN}, 1)
    assert await vault.refused(0, "strike", 1) == "TooLate"
    await vault.claim({client: TOKEN}, client)


async def test_everybody_leaves_when_the_network_is_silent(vault: Vault) -> None:
    client, operator = vault.who(5), vault.who(6)
    await vault.deposit(5, 100 * TOKEN)
    payouts, balances = {operator: 30 * TOKEN}, {client: 60 * TOKEN, operator: 10 * TOKEN}
    await vault.post(payouts, balances, 1)
    await vault.deposit(7, 40 * TOKEN)
    assert await vault.refused(5, "freeze") == "NotSilent"
    proof = PayoutTree(balances).proof(client)
    assert await vault.refused(5, "exit", client, 60 * TOKEN, proof) == "NotFrozen"
    assert await vault.refused(7, "takeBack", 1) == "NotFrozen"
    await vault.silent()
    assert await vault.refused(1, "post", vault.batch(payouts, balances, 2)) == "IsFrozen"
    assert await vault.refused(5, "deposit", client, TOKEN) == "IsFrozen"
    for account in (client, operator):
        await vault.exit(balances, account)
        again = PayoutTree(balances).proof(account)
        assert await vault.refused(5, "exit", account, balances[account], again) == "AlreadyDone"
    await vault.claim(payouts, operator)
    await vault.call(vault.person(18), "takeBack", 1)
    assert await vault.refused(7, "takeBack", 1) == "AlreadyDone"
    assert await vault.refused(5, "takeBack", 0) == "WasSeen"
    assert [await vault.held(who) for who in (client, operator, vault.who(7))] == [60 * TOKEN, 40 * TOKEN, 40 * TOKEN]
    assert await vault.held(Address(str(vault.network.vault.address))) == 0


async def test_only_whole_units_of_the_ledger_come_in(vault: Vault) -> None:
    assert await vault.refused(5, "deposit", vault.who(5), 10**9 + 1) == "NotWholeUnits"
    assert await vault.refused(5, "deposit", vault.who(5), 0) == "NotWholeUnits"


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_nobody_goes_short(vault: Vault, seed: int) -> None:
    """Random deposits, sales, batches, strikes and claims; then the network dies, and everybody gets all of it."""
    dice, people = random.Random(seed), [vault.who(number) for number in range(5, 9)]
    ledger, paid = dict.fromkeys(people, 0), dict.fromkeys(people, 0)  # of the network
    put_in, numbers, seen = dict.fromkeys(people, 0), 0, 0
    in_force: tuple[dict[Address, int], dict[Address, int]] = ({}, {})
    waiting: list[tuple[Address, int]] = []
    for _ in range(14):
        act = dice.choice(("deposit", "deposit", "sale", "payout", "post", "post", "claim", "struck"))
        who, other = dice.sample(people, 2)
        if act == "deposit":
            amount = dice.randrange(1, 50) * TOKEN
            await vault.deposit(5 + people.index(who), amount)
            put_in[who] += amount
            waiting.append((who, amount))
            numbers += 1
        elif act == "sale":
            amount = dice.randrange(ledger[who] + 1)
            ledger[who], ledger[other] = ledger[who] - amount, ledger[other] + amount
        elif act == "payout":
            amount = dice.randrange(ledger[who] + 1)
            ledger[who], paid[who] = ledger[who] - amount, paid[who] + amount
        elif act == "struck":
            await vault.call(vault.person(1), "post", vault.batch(in_force[0], {}, seen))
            await vault.call(vault.person(0), "strike", await vault.network.vault.functions.batches().call() - 1)
        elif act == "post":
            for account, amount in waiting:
                ledger[account] += amount
            waiting, seen = [], numbers
            in_force = ({a: n for a, n in paid.items() if n}, {a: n for a, n in ledger.items() if n})
            await vault.post(*in_force, seen)
        elif in_force[0].get(who, 0) > await vault.network.vault.functions.claimed(who).call():
            await vault.claim(in_force[0], who)
    await vault.silent()
    for account in in_force[1]:
        await vault.exit(in_force[1], account)
    for account in in_force[0]:
        if in_force[0][account] > await vault.network.vault.functions.claimed(account).call():
            await vault.claim(in_force[0], account)
    for number in range(seen, numbers):
        await vault.call(vault.person(18), "takeBack", number)
    owed = {who: in_force[0].get(who, 0) + in_force[1].get(who, 0) for who in people}
    unseen = {who: sum(amount for account, amount in waiting if account == who) for who in people}
    assert {who: await vault.held(who) for who in people} == {who: owed[who] + unseen[who] for who in people}
    assert sum(put_in.values()) == sum(owed.values()) + sum(unseen.values())
    assert await vault.held(Address(str(vault.network.vault.address))) == 0
