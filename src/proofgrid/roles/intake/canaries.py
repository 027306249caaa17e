"""Canaries of the network: administrators add them, and see how often each was sent."""

from __future__ import annotations

import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.ids import TaskId
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.programs import KnownPrograms
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.access.subnetworks import DEFAULT
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.store.canaries import INSERT_CANARY, LIST_CANARIES, RegisteredCanary
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


class Canaries:
    """For administrators."""

    def __init__(self, database: Database, admission: Admission, programs: KnownPrograms, clock: Clock) -> None:
        self._database = database
        self._programs = programs
        self._admission = admission
        self._clock = clock

    @needs(Role.ADMIN, once=True)
    async def add(self, admin: Caller, request: ProofRequest) -> RegisteredCanary:
        """Submit a canary's request as an ordinary task of the network: once it is proven, the canary is sent.

        Raises what `Admission.submit` raises, NotAllowed for a program that the administrator could not use either.
        """
        await self._programs.check_may_use(admin.address, request.program_digest, subnetwork=DEFAULT)
        task_id = TaskId((await self._admission.submit(NETWORK_CLIENT, request)).task_id)
        await self._database.write(
            Transaction.ADD_CANARY,
            INSERT_CANARY,
            canary_id=fresh_uuid(self._clock),
            program_digest=request.program_digest,
            inputs=list(request.inputs),
            inputs_digest=request.inputs_digest,
            first_task=task_id,
        )
        log.info("canary_added", program=request.program_digest, task_id=str(task_id), by=admin.address)
        return next(one for one in await self.list_all() if one.first_task == task_id)

    @needs(Role.ADMIN)
    async def list_all(self) -> list[RegisteredCanary]:
        """Return every canary, the oldest first."""
        async with self._database.connection() as connection:
            return await connection.fetch(LIST_CANARIES, network=NETWORK_CLIENT)
