"""What clients ask of a chain for their tasks: that the proof be brought to a contract, and what became of that."""

from __future__ import annotations

import structlog

from proofgrid.primitives.errors import IdempotencyConflict, UnknownTask
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.chain.delivering import DeliveryTerms, NotDelivered, check_proofs, check_target
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.proof_deliveries import (
    GET_PROOF_DELIVERY,
    PROOFS_HANDED_OUT,
    WANT_DELIVERY,
    ProofDelivery,
    delivery_terms,
)
from proofgrid.store.task_views import GET_TASK
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


class ProofDeliveries:
    """A client asks for its own tasks, an administrator sees all. Raises UnknownTask for any other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def terms(self, caller: Caller) -> DeliveryTerms:
        """Return to which contracts the network brings proofs, and for how much."""
        async with self._database.connection() as connection:
            return await delivery_terms(connection)

    @needs(Role.CLIENT, once=True, scopes=(Scope.TASKS_WRITE,))
    async def deliver(self, caller: Caller, task_id: TaskId, target: Address) -> ProofDelivery:
        """Ask that the proof of a task be brought to a contract as soon as it is there; asking again changes nothing.

        Raises NotDelivered where the network brings none there, and for proofs that no contract takes together,
        IdempotencyConflict where it was asked for another contract.
        """
        async with self._database.transaction(Transaction.WANT_DELIVERY) as connection:
            await self._check_own(connection, caller, task_id)
            check_target(target, await delivery_terms(connection))
            handed = await connection.value(PROOFS_HANDED_OUT, task_id=task_id)
            check_proofs(handed.proofs, handed.slices)
            await connection.run(WANT_DELIVERY, task_id=task_id, target=target)
            wanted = await self._read(connection, task_id)
            if wanted.target != target:
                raise IdempotencyConflict(f"it was asked to be brought to {wanted.target}", field="deliver")
        log.info("delivery_wanted", task_id=str(task_id), contract=target)
        return wanted

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.TASKS_READ,))
    async def get(self, caller: Caller, task_id: TaskId) -> ProofDelivery:
        """Return what became of the delivery of a task; raise NotDelivered where none was asked for."""
        async with self._database.snapshot() as connection:
            await self._check_own(connection, caller, task_id)
            return await self._read(connection, task_id)

    async def _check_own(self, connection: Connection, caller: Caller, task_id: TaskId) -> None:
        task = await connection.first(GET_TASK, task_id=task_id)
        if task is None or not (caller.is_admin or task.client == caller.address):
            raise UnknownTask(str(task_id), field="task_id")

    async def _read(self, connection: Connection, task_id: TaskId) -> ProofDelivery:
        found = await connection.first(GET_PROOF_DELIVERY, task_id=task_id)
        if found is None:
            raise NotDelivered("nobody asked for its proof to be brought to a contract")
        return found
