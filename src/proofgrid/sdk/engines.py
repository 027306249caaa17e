"""The engines of a network, and the switch that stops one.

async with Client("grpcs://gateway.example:7400", key) as client:
    for engine in await client.engines.known():
        print(engine.engine, engine.provers, engine.tasks_open, engine.stopped_reason)
"""

from __future__ import annotations

from proofgrid.sdk.answers.engines import AcceptedProof, Engine
from proofgrid.sdk.answers.reading import read, read_all
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import engines_pb2 as messages

PAGE = 500


class Engines:
    """The calls about engines, `system@version`.

    All but `known` raise NotAllowed for those who are no administrators.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def known(self) -> list[Engine]:
        """Return every engine that the network knows of."""
        request = messages.ListEnginesRequest()
        answer = await self._connection.ask(lambda services: services.engines.ListEngines, request)
        return read_all(Engine, answer.engines)

    async def stop(self, engine: str, reason: str) -> Engine:
        """Let nothing more be built, submitted, sold or paid for by an engine; its open tasks end, refunded."""
        request = messages.StopEngineRequest(engine=engine, reason=reason)
        return read(Engine, await self._connection.ask(lambda services: services.engines.StopEngine, request))

    async def resume(self, engine: str) -> Engine:
        """Let a stopped engine go on."""
        request = messages.ResumeEngineRequest(engine=engine)
        return read(Engine, await self._connection.ask(lambda services: services.engines.ResumeEngine, request))

    async def accepted(self, engine: str) -> list[AcceptedProof]:
        """Return every proof by an engine that was paid for, newest first."""
        proofs: list[AcceptedProof] = []
        while True:
            below = proofs[-1].fence if proofs else 0
            request = messages.ListAcceptedRequest(engine=engine, limit=PAGE, below=below)
            answer = await self._connection.ask(lambda services: services.engines.ListAccepted, request)
            proofs += read_all(AcceptedProof, answer.proofs)
            if len(answer.proofs) < PAGE:
                return proofs
