"""The network's keys."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.roles.intake.certificates import Certificates
from proofgrid.roles.intake.keys import KeyRing, ShownKeys
from proofgrid.wire.v1 import keys_pb2 as messages
from proofgrid.wire.v1 import keys_pb2_grpc as services


class KeyService(services.KeyServiceServicer):
    """What `KeyService` of proto/proofgrid/wire/v1/keys.proto promises."""

    def __init__(self, door: FrontDoor, keys: KeyRing, certificates: Certificates) -> None:
        self._door = door
        self._keys = keys
        self._certificates = certificates

    @answering
    async def GetKeys(self, request: messages.GetKeysRequest, context: CallContext) -> messages.NetworkKeys:  # noqa: N802
        caller = await self._door.admit(context, self._keys.get)
        return _write_keys(await self._keys.get(caller))

    @answering
    async def PublishKeys(self, request: messages.PublishKeysRequest, context: CallContext) -> messages.NetworkKeys:  # noqa: N802
        caller = await self._door.admit(context, self._keys.publish)
        return _write_keys(await self._keys.publish(caller, request.keys))

    @answering
    async def CertifyProver(  # noqa: N802
        self, request: messages.CertifyProverRequest, context: CallContext
    ) -> messages.ProverCertificate:
        caller = await self._door.admit(context, self._certificates.certify)
        made = await self._certificates.certify(caller, request.request, request.signature)
        return messages.ProverCertificate(certificate=made.certificate, ends_ms=made.ends_ms, port=made.port)


def _write_keys(shown: ShownKeys) -> messages.NetworkKeys:
    text = "" if shown.keys is None else shown.keys.text
    return messages.NetworkKeys(network=shown.network, keys=text, held=list(shown.held))
