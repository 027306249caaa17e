"""The demo with stake on it, step by step.

gateway -> chain -> anchor -> operators join through EigenLayer -> a lie -> the client gets its proof all the same
-> the slash is proposed, waits for a veto, is carried out -> who has what now
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

from proofgrid.chain.devnet.network import LEDGER_UNIT
from proofgrid.cli.demo.drills.drill_system import LIE, WRONG
from proofgrid.cli.demo.drills.scratch import Scratch, scratch_network
from proofgrid.cli.demo.staked.stakes import STAKE_TOKENS, Stakes, open_stakes
from proofgrid.cli.demo.telling import Telling
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.money import BASE_UNITS_PER_TOKEN, format_amount
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.jobs.events import sentence
from proofgrid.sdk.answers.operators import ChainDebt
from proofgrid.sdk.event import Event
from proofgrid.sdk.keys import new_key, write_key

ASKS = {"alice": 200_000_000, "bob": 220_000_000}  #: base units per PU
LIMIT_PRICE = 300_000_000
DEPOSIT = 10 * BASE_UNITS_PER_TOKEN
STAKE_PERMILLE = 500  #: of a lease's value that a bond has to carry
SECONDS = 90.0
LOOK_SECONDS = 0.1
_TOLD = ("accepted", "sold", "returned", "slashed", "proven", "done", "failed", "cancelled")
_GATEWAY = ("--stake-permille", str(STAKE_PERMILLE), "--reference-price", str(ASKS["alice"]))
_MEANT = {
    "owed": "owed: the anchor will ask the chain for it",
    "proposed": "proposed in the contract: the owner may veto it for {veto} blocks",
    "executed": "carried out: EigenLayer has taken it, once its block is final it stays taken",
    "final": "final: nothing undoes it any more",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the demo has shown. Amounts in base units of the ledger."""

    avs: str
    liar: str  #: the EigenLayer address
    staked_before: int
    staked_after: int
    debt: ChainDebt
    slash_taken: int  #: by the contract's own word
    task: str
    client_before: int
    client_after: int
    cost: int  #: of the task
    compensation: int  #: to the client, for the lie
    rescuer_earned: int

    @property
    def faults(self) -> list[str]:
        """What does not hold; empty when all is well."""
        taken = self.debt.taken
        held = {
            "the ledger is owed as much as the contract took": taken == self.debt.amount == self.slash_taken > 0,
            "the liar's stake is less by what was taken": self.staked_before - self.staked_after == taken,
            "the client paid for one proof, and was paid for the lie": (
                self.client_before - self.cost + self.compensation == self.client_after and self.compensation > 0
            ),
            "whoever proved it was paid": self.rescuer_earned > 0,
        }
        return [f"it does not hold that {what}" for what, is_so in held.items() if not is_so]


class StakedStory:
    """One run of it."""

    def __init__(self, scratch: Scratch, telling: Telling) -> None:
        self._scratch = scratch
        self._telling = telling
        self._keys: dict[str, SigningKey] = {}

    async def tell(self) -> Outcome:
        """Run the steps; raises the first error."""
        async with AsyncExitStack() as stack:
            async with self._telling.step("A chain of our own, with EigenLayer and the network's contracts on it"):
                network = self._scratch.ready.network
                stakes = await stack.enter_async_context(open_stakes(self._scratch.folder, network))
                await self._show_chain(stakes)
            async with self._telling.step("An anchor, which holds the network to the chain"):
                await self._start_anchor(stakes)
            async with self._telling.step("Two operators stake through EigenLayer, and join"):
                await self._let_operators_in(stakes)
            async with self._telling.step("Carol asks for a proof, and alice lies"):
                task = await self._prove()
            async with self._telling.step("Alice's stake pays for the lie, on the chain"):
                debt = await self._until_slashed(stakes)
            async with self._telling.step("Who has what now"):
                return await self._compare(stakes, task, debt)

    # --- the steps -------------------------------------------------------------------------------

    async def _show_chain(self, stakes: Stakes) -> None:
        tell, network = self._telling.tell, stakes.network
        tell(f"anvil at {network.chain.url}, block {await stakes.block()}; it ends with this demo")
        tell(f"EigenLayer's core    {network.service.core.allocations} (AllocationManager)")
        tell(f"ProofgridAvs         {stakes.avs}: who is a member, and slashes")
        tell(f"ProgramVerifiers     {network.verifiers.address}: proofs, verified by contracts")
        tell(f"ProofgridVault       {network.vault.address}: deposits and payouts")

    async def _start_anchor(self, stakes: Stakes) -> None:
        slasher = self._scratch.folder / "slasher.key"
        write_key(SigningKey(bytes(stakes.network.slasher.account.key)), slasher)
        await self._scratch.fleet.start_anchor(
            *("--data-dir", str(self._scratch.data), "--rpc", stakes.network.chain.url),
            *("--avs", stakes.avs, "--slasher-key", str(slasher), "--stake-mode", "eigenlayer"),
            *("--lease-blocks", "1", "--poll-ms", "200"),
        )
        terms = stakes.network.terms
        self._telling.tell("bonds stand on EigenLayer's stake alone; the anchor proposes slashes, and can do no more:")
        self._telling.tell(f"the owner may veto each for {terms.veto_blocks} blocks, then anybody carries it out")

    async def _let_operators_in(self, stakes: Stakes) -> None:
        for name, role in (("carol", "client"), ("alice", "operator"), ("bob", "operator")):
            key = self._keys[name] = new_key()
            write_key(key, self._scratch.folder / f"{name}.key")
            self._telling.people[key.address] = name
            async with self._scratch.client() as admin:
                await admin.admin.grant(key.address, role, label=name)
        async with self._scratch.client() as admin:
            await admin.admin.deposit(self._keys["carol"].address, DEPOSIT, deposit_id="demo")
            await admin.admin.fund_treasury(DEPOSIT, deposit_id="demo")
        for name in ("alice", "bob"):
            steps = await stakes.join(name, self._keys[name])
            self._telling.tell(f"{name:<6} {stakes.stakers[name].address}, hot key {self._keys[name].address}")
            for what, block in steps:
                self._telling.tell(f"       block {block:>4}  {what}")
        for name in ("alice", "bob"):
            staked = await self._until_it_counts(name)
            self._telling.tell(
                f"the network counts {format_amount(staked)} staked tokens of {name}: the block is final"
            )
        self._telling.tell("on a real chain: proofgrid chain join, which says each delay before it signs", style="dim")

    async def _until_it_counts(self, name: str) -> int:
        async with self._scratch.client(self._keys[name]) as me, asyncio.timeout(SECONDS):
            while not (staked := (await me.bonds.show()).staked):  # noqa: ASYNC110 - another process reads it
                await asyncio.sleep(LOOK_SECONDS)
        return staked

    async def _prove(self) -> str:
        await self._start_prover("alice", number=1)
        for folder in self._scratch.folder.glob("alice-1/**/keys"):
            (folder / LIE).write_text(WRONG)
        async with self._scratch.client(self._keys["carol"]) as client:
            source = self._scratch.folder / "nothing"
            source.write_text("this program needs no source")
            program = await client.register_program({"nothing": source}, proof_system="drill")
            self._telling.tell("the program hashes a text once: this story is about money, not about mathematics")
            task = await client.submit(program.digest, ["is this proof right?"], limit_price=LIMIT_PRICE)
            async with aclosing(client.watch(task.task_id)) as events:
                async for event in events:
                    self._show(event)
                    if event.kind == "returned":
                        await self._start_prover("bob", number=2)
            done = await client.task(task.task_id)
        if done.state != "done":
            raise ProofgridError(f"the task {done.state}: {done.failure_detail}")
        return task.task_id

    async def _start_prover(self, name: str, *, number: int) -> None:
        scratch, prover = self._scratch, f"{name}-1"
        await scratch.fleet.start_prover(
            prover,
            *("--gateway", scratch.ready.address, "--network", scratch.ready.network, "--name", prover),
            *("--key", str(scratch.folder / f"{name}.key"), "--data-dir", str(scratch.folder / prover)),
            *("--cores", "1", "--proof-systems", "drill", "--ask", str(ASKS[name])),
        )
        async with scratch.client() as admin, asyncio.timeout(SECONDS):
            while len((await admin.status()).provers) < number:  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(LOOK_SECONDS)
        self._telling.tell(f"{name}'s prover is there")

    def _show(self, event: Event) -> None:
        if event.kind in _TOLD:
            style = "yellow" if event.kind in ("returned", "slashed") else ""
            self._telling.tell(sentence(event.kind, event.data, people=self._telling.people), style=style)

    async def _until_slashed(self, stakes: Stakes) -> ChainDebt:
        told = ""
        async with self._scratch.client(self._keys["alice"]) as alice, asyncio.timeout(SECONDS):
            while True:
                debts = (await alice.bonds.show()).debts
                if debts and debts[0].state != told:
                    told = debts[0].state
                    meant = _MEANT.get(told, told).format(veto=stakes.network.terms.veto_blocks)
                    amount = format_amount(debts[0].amount)
                    self._telling.tell(f"block {await stakes.block():>4}  {amount} tokens {meant}")
                if told in ("final", "short"):
                    return debts[0]
                await asyncio.sleep(LOOK_SECONDS)

    async def _compare(self, stakes: Stakes, task: str, debt: ChainDebt) -> Outcome:
        carol = self._keys["carol"]
        async with self._scratch.client(carol) as client:
            (spent,) = [int(event.data["spent"]) async for event in client.watch(task) if event.kind == "done"]
            balance = (await client.account(carol.address)).balance
        async with self._scratch.client(self._keys["bob"]) as bob:
            earned = (await bob.account(self._keys["bob"].address)).earned
        seen = await stakes.look("alice")
        before, after = STAKE_TOKENS * BASE_UNITS_PER_TOKEN, seen.slashable // LEDGER_UNIT
        _, taken = await stakes.state_of_slash(debt.number)
        outcome = Outcome(
            avs=stakes.avs,
            liar=stakes.stakers["alice"].address,
            staked_before=before,
            staked_after=after,
            debt=debt,
            slash_taken=taken // LEDGER_UNIT,
            task=task,
            client_before=DEPOSIT,
            client_after=balance,
            cost=spent,
            compensation=balance - (DEPOSIT - spent),
            rescuer_earned=earned,
        )
        rows = [
            ("alice's stake on EigenLayer", before, after),
            ("carol, who paid for one proof and was paid for the lie", DEPOSIT, balance),
            ("bob, who proved it", 0, earned),
        ]
        table = [(who, format_amount(was), format_amount(now), _change(now - was)) for who, was, now in rows]
        self._telling.table(("tokens", "before>", "after>", "change>"), table)
        return outcome


def _change(amount: int) -> str:
    return ("+" if amount >= 0 else "-") + format_amount(abs(amount))


@asynccontextmanager
async def opened(telling: Telling) -> AsyncIterator[tuple[StakedStory, Scratch]]:
    """Begin: a gateway of its own, in a folder that is gone in the end."""
    async with AsyncExitStack() as stack:
        async with telling.step("A gateway with its own PostgreSQL"):
            scratch = await stack.enter_async_context(scratch_network(*_GATEWAY))
            telling.tell(f"listening at {scratch.ready.address}; the network's key is {scratch.ready.network}")
        yield StakedStory(scratch, telling), scratch
