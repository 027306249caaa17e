"""Asks the chain for what bonds did not cover, and follows each proposal until its block is final.

debts owed --enough, old enough, or their operator leaves--> one proposal --> in the contract --veto's time is over-->
executed by whoever is first --> final: what was taken is split over the debts, and the treasury pays the clients' part
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from proofgrid.chain.nodes import Node
from proofgrid.chain.slashes import SlashContract, SlashThere, ThereState
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.accounts import TREASURY, client_account
from proofgrid.rules.ledger.stakes import compensate_from_treasury
from proofgrid.rules.staking.chain_slashes import (
    AskingTerms,
    Debt,
    DebtState,
    due,
    evidence_tree,
    seen_state,
    shares,
)
from proofgrid.store.chain import CHAIN_STAKES
from proofgrid.store.chain_debts import (
    ADD_PROPOSAL,
    DEBTS_OF_PROPOSAL,
    DROP_OVERTURNED,
    NOTE_DEBTS,
    NOTE_PROPOSAL,
    OPEN_PROPOSALS,
    OWED_DEBTS,
    PROPOSE_DEBTS,
    OpenProposal,
    OwedDebt,
)
from proofgrid.store.conflicts import Conflict
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.ledger import lock_accounts
from proofgrid.store.outbox import WANT_TRANSACTION
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashTerms:
    """When the chain is asked, and what its units are."""

    asking: AskingTerms = field(default_factory=AskingTerms)
    unit: int = 10**9  #: base units of the token in one of the ledger


class Slasher:
    def __init__(self, database: Database, contract: SlashContract, terms: SlashTerms) -> None:
        self._database = database
        self._contract = contract
        self._terms = terms
        self._told: set[str] = set()  #: proposals that somebody has to veto

    async def step(self, node: Node) -> None:
        """Ask for what is due, and note what became of what was asked. Raises NoNode, Unavailable."""
        dropped = await self._database.write(Transaction.OWE_CHAIN, DROP_OVERTURNED)
        if dropped:
            log.info("chain_debts_dropped", evidence=dropped)
        await self._propose(node)
        await self._follow(node)

    async def _propose(self, node: Node) -> None:
        async with self._database.connection() as connection:
            owed = await connection.fetch(OWED_DEBTS)
            if not owed:
                return
            stakes = await connection.fetch(CHAIN_STAKES)
        staying = {stake.operator for stake in stakes if not stake.leaving}
        leaving = {debt.operator for debt in owed} - staying
        most = await self._contract.cap(node) // self._terms.unit
        for operator, debts in due(_debts(owed), self._terms.asking, leaving=leaving, most=most).items():
            cold = await self._contract.operator_of(node, Address(operator))
            if cold is None:
                log.warning("chain_debt_of_nobody", operator=operator, debts=len(debts))
                continue
            await self._ask(cold, debts, min(most, sum(debt.amount for debt in debts)))

    async def _ask(self, cold: str, debts: Sequence[Debt], amount: int) -> None:
        root = evidence_tree(debts).root
        async with self._database.transaction(Transaction.OWE_CHAIN) as connection:
            proposal = await connection.first(ADD_PROPOSAL, cold=cold, amount=amount, evidence_root=f"0x{root.hex()}")
            evidence = [debt.evidence_id for debt in debts]
            if proposal is None or len(
                await connection.fetch(PROPOSE_DEBTS, proposal_id=proposal, evidence=evidence)
            ) != len(debts):
                raise Conflict("a debt was dropped or asked for meanwhile")
            call = self._contract.propose(cold, amount * self._terms.unit, root)
            await self._want(connection, f"propose:{proposal}", call)
        log.info("chain_slash_wanted", proposal=str(proposal), operator=cold, amount=amount, debts=len(debts))

    async def _follow(self, node: Node) -> None:
        async with self._database.connection() as connection:
            proposals = await connection.fetch(OPEN_PROPOSALS)
        if not proposals:
            return
        numbers = [one.number for one in proposals if one.number is not None]
        roots = [one.evidence_root for one in proposals]
        newest = await self._contract.find(node, node.newest, numbers=numbers, roots=roots)
        final = await self._contract.find(node, node.final, numbers=numbers, roots=roots)
        for proposal in proposals:
            await self._note(node, proposal, newest, final)

    async def _note(
        self,
        node: Node,
        proposal: OpenProposal,
        newest: Mapping[str, SlashThere],
        final: Mapping[str, SlashThere],
    ) -> None:
        now, settled = newest.get(proposal.evidence_root), final.get(proposal.evidence_root)
        if now is None and settled is None:
            await self._ask_again(proposal)  # in no block yet, or not any more
            return
        there = settled if settled is not None and settled.state is not ThereState.PROPOSED else now
        if there is None:
            return
        taken = there.taken // self._terms.unit
        state = seen_state(
            is_vetoed=there.state is ThereState.VETOED,
            is_executed=there.state is ThereState.EXECUTED,
            is_final=there is settled,
            is_short=taken < proposal.amount,
        )
        if (state, there.number, there.executable_at, taken) != (
            proposal.state,
            proposal.number,
            proposal.executable_at,
            proposal.taken,
        ):
            await self._write(proposal, there, state, taken)
        if state is DebtState.PROPOSED and node.newest.number >= there.executable_at:
            await self._execute(proposal, there)

    async def _ask_again(self, proposal: OpenProposal) -> None:
        call = self._contract.propose(
            proposal.cold, proposal.amount * self._terms.unit, bytes.fromhex(proposal.evidence_root[2:])
        )
        async with self._database.transaction(Transaction.OWE_CHAIN) as connection:
            await self._want(connection, f"propose:{proposal.proposal_id}", call)

    async def _execute(self, proposal: OpenProposal, there: SlashThere) -> None:
        if proposal.overturned:
            if proposal.evidence_root not in self._told:
                log.error("chain_veto_needed", number=there.number, hint=f"proofgrid chain veto {there.number}")
                self._told.add(proposal.evidence_root)
            return
        async with self._database.transaction(Transaction.OWE_CHAIN) as connection:
            await self._want(connection, f"execute:{proposal.proposal_id}", self._contract.execute(there.number))

    async def _write(self, proposal: OpenProposal, there: SlashThere, state: DebtState, taken: int) -> None:
        async with self._database.transaction(Transaction.OWE_CHAIN) as connection:
            noted = await connection.fetch(
                NOTE_PROPOSAL,
                proposal_id=proposal.proposal_id,
                state=state.value,
                was=proposal.state.value,
                number=there.number,
                executable_at=there.executable_at,
                taken=taken,
            )
            if not noted:
                return
            debts = await connection.fetch(DEBTS_OF_PROPOSAL, proposal_id=proposal.proposal_id)
            parts = shares(taken, {debt.evidence_id: debt.amount for debt in debts})
            await connection.run(NOTE_DEBTS, evidence=list(parts), takens=list(parts.values()), state=state.value)
            if state in (DebtState.FINAL, DebtState.SHORT):
                await _compensate(
                    connection, {(debt.evidence_id, debt.client): parts[debt.evidence_id] for debt in debts}
                )
        log.info("chain_slash", number=there.number, state=state.value, taken=taken, operator=proposal.cold)

    async def _want(self, connection: Connection, intent: str, data: str) -> None:
        await connection.run(WANT_TRANSACTION, intent=intent, target=self._contract.address, data=data)


async def _compensate(connection: Connection, taken: Mapping[tuple[str, Address], int]) -> None:
    """Pay the clients' part of what a chain took: it is burnt there, so the treasury pays as far as it can."""
    clients = sorted({client for _, client in taken})
    held = await lock_accounts(connection, [TREASURY, *(client_account(one) for one in clients)])
    left = held.get(TREASURY, 0)
    transfers = []
    for (evidence_id, client), amount in sorted(taken.items()):
        made = compensate_from_treasury(evidence_id=evidence_id, client=client, taken=amount, treasury=left)
        left -= sum(transfer.amount for transfer in made)
        transfers += made
    await post_transfers(connection, transfers)


def _debts(rows: Sequence[OwedDebt]) -> list[Debt]:
    return [
        Debt(evidence_id=row.evidence_id, operator=row.operator, amount=row.amount, age_ms=row.age_ms) for row in rows
    ]
