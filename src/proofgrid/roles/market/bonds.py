"""The bonds behind a round: how many slots they let each prover offer, and whether they carry what was sold.

Two rounds of different stacks may sell to one operator at the same time. Each caps what it offers at what is free when
it begins; before it commits it locks the bonds and counts again. Whoever is too late undoes its round and tries again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.ids import Address
from proofgrid.roles.market.book import Book
from proofgrid.rules.ledger.accounts import stake_account
from proofgrid.rules.staking.bonds import (
    BondPolicy,
    FreeSlots,
    bound_by_lease,
    cap_slots,
    capacity,
    ceiling_price,
    free_capacity,
)
from proofgrid.store.bonds import BOUND_OF_OPERATORS, chain_bonds_of
from proofgrid.store.connection import Connection
from proofgrid.store.lanes import ServingProver
from proofgrid.store.ledger import lock_accounts


async def slots_of_bonds(
    connection: Connection, books: Sequence[Book], references: Mapping[str, int], policy: BondPolicy
) -> dict[str, int] | None:
    """Return how many slots each prover may offer; None when nobody needs a bond."""
    if not policy.is_asked:
        return None
    provers: dict[str, ServingProver] = {}
    binds: dict[str, int] = {}
    for book in books:
        reference = references[book.lane]
        most = bound_by_lease(
            units=book.units_max, sell_price=ceiling_price(reference), reference=reference, policy=policy
        )
        for prover_id, prover in book.provers.items():
            provers[prover_id] = prover
            binds[prover_id] = max(most, binds.get(prover_id, 0))
    stakes: dict[str, int] = {prover.operator: prover.stake for prover in provers.values()}
    bound = await _bound(connection, sorted(stakes))
    free = {operator: free_capacity(stake, bound.get(operator, 0), policy) for operator, stake in stakes.items()}
    slots = [
        FreeSlots(
            prover_id=prover_id,
            operator=prover.operator,
            slots=prover.free_slots,
            slot_binds=binds[prover_id],
        )
        for prover_id, prover in provers.items()
    ]
    return cap_slots(slots, free)


async def check_bonds(connection: Connection, operators: Sequence[str], policy: BondPolicy) -> None:
    """Raise LeaseLost when an operator's leases bind more than its bond carries, these of the caller included.

    The bonds stay locked until the end of the transaction, which must lock nothing after this.
    """
    if not policy.is_asked or not operators:
        return
    accounts = {stake_account(Address(operator)): operator for operator in operators}
    balances = await lock_accounts(connection, sorted(accounts))
    stakes = {accounts[account]: balance for account, balance in balances.items()}
    on_chain = await chain_bonds_of(connection, operators)
    # A statement of its own, after the lock: it sees what the others have committed.
    for operator, bound in (await _bound(connection, sorted(set(operators)))).items():
        if bound > capacity(on_chain[operator].usable(stakes.get(operator, 0)), policy):
            raise LeaseLost(f"the bond of {operator} carries no more: it was bound or unbonded meanwhile")


async def _bound(connection: Connection, operators: Sequence[str]) -> dict[str, int]:
    return {one.operator: one.bound for one in await connection.fetch(BOUND_OF_OPERATORS, operators=operators)}
