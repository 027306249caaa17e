"""Proofs that are brought to contracts, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.ids import parse_task_id
from proofgrid.roles.intake.proof_deliveries import ProofDeliveries
from proofgrid.rules.chain.delivering import parse_target
from proofgrid.store.proof_deliveries import ProofDelivery
from proofgrid.wire.v1 import delivery_pb2 as messages
from proofgrid.wire.v1 import delivery_pb2_grpc as services


class DeliveryService(services.DeliveryServiceServicer):
    """What `DeliveryService` of proto/proofgrid/wire/v1/delivery.proto promises."""

    def __init__(self, door: FrontDoor, deliveries: ProofDeliveries) -> None:
        self._door = door
        self._deliveries = deliveries

    @answering
    async def GetDeliveryTerms(  # noqa: N802
        self, request: messages.GetDeliveryTermsRequest, context: CallContext
    ) -> messages.DeliveryTerms:
        caller = await self._door.admit(context, self._deliveries.terms)
        terms = await self._deliveries.terms(caller)
        return messages.DeliveryTerms(
            chain_id=terms.chain_id,
            submitter=terms.submitter,
            contracts=terms.contracts,
            price=terms.price,
            gas_most=terms.gas_most,
        )

    @answering
    async def DeliverProof(  # noqa: N802
        self, request: messages.DeliverProofRequest, context: CallContext
    ) -> messages.ProofDelivery:
        caller = await self._door.admit(context, self._deliveries.deliver)
        wanted = await self._deliveries.deliver(caller, parse_task_id(request.task_id), parse_target(request.deliver))
        return _write(wanted)

    @answering
    async def GetProofDelivery(  # noqa: N802
        self, request: messages.GetProofDeliveryRequest, context: CallContext
    ) -> messages.ProofDelivery:
        caller = await self._door.admit(context, self._deliveries.get)
        return _write(await self._deliveries.get(caller, parse_task_id(request.task_id)))


def _write(delivery: ProofDelivery) -> messages.ProofDelivery:
    return messages.ProofDelivery(
        task_id=str(delivery.task_id),
        contract=delivery.target,
        state=delivery.state,
        price=delivery.price,
        detail=delivery.detail,
        transaction=delivery.hash,
        block=delivery.block,
        gas=delivery.gas,
    )
