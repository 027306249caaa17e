"""Proofs that the network brings to contracts of a chain, which verify them.

terms = await client.deliveries.terms()                                   # to which contracts, for how much
await client.deliveries.deliver(task.task_id, f"chain:{terms.contracts[0]}")
receipt = await client.deliveries.wait(task.task_id)                      # state delivered: transaction, block, gas
"""

from __future__ import annotations

import asyncio

from proofgrid.primitives.ids import Address
from proofgrid.rules.chain.delivering import AFTER, DeliveryState, DeliveryTerms, check_target, parse_target
from proofgrid.sdk.answers.deliveries import ProofDelivery
from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import delivery_pb2 as messages

LOOK_SECONDS = 0.5


class Deliveries:
    """For clients; each may safely be asked twice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def terms(self) -> DeliveryTerms:
        """Return to which contracts the network brings proofs, who brings them, and for how much."""
        request = messages.GetDeliveryTermsRequest()
        found = await self._connection.ask(lambda services: services.deliveries.GetDeliveryTerms, request)
        return DeliveryTerms(
            chain_id=found.chain_id,
            submitter=found.submitter,
            contracts=tuple(found.contracts),
            price=found.price,
            gas_most=found.gas_most,
        )

    async def check(self, deliver: str) -> Address:
        """Return the contract that `chain:ADDRESS` names; raise NotDelivered unless the network brings proofs to it."""
        target = parse_target(deliver)
        check_target(target, await self.terms())
        return target

    async def deliver(self, task_id: str, deliver: str) -> ProofDelivery:
        """Have the proof of a task of yours brought to a contract, `chain:ADDRESS`, as soon as it is there.

        Its price is taken when the contract has taken the proof in a dry run, and before anything is sent.
        """
        request = messages.DeliverProofRequest(task_id=task_id, deliver=deliver)
        return read(
            ProofDelivery, await self._connection.ask(lambda services: services.deliveries.DeliverProof, request)
        )

    async def show(self, task_id: str) -> ProofDelivery:
        """Return what became of it."""
        request = messages.GetProofDeliveryRequest(task_id=task_id)
        answer = await self._connection.ask(lambda services: services.deliveries.GetProofDelivery, request)
        return read(ProofDelivery, answer)

    async def wait(self, task_id: str) -> ProofDelivery:
        """Return it when nothing more becomes of it: delivered and final, refused, or failed."""
        while AFTER[DeliveryState((found := await self.show(task_id)).state)]:  # noqa: ASYNC110 - of the network
            await asyncio.sleep(LOOK_SECONDS)
        return found
