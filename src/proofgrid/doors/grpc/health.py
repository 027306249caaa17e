"""The standard health service of gRPC (`grpc.health.v1`): what probes, balancers and `proofgrid gateway --check` ask.

It takes no token and knows one service, the gateway as a whole: the empty name. Why a gateway does not serve travels as
our errors do, beside the standard answer.
"""

from __future__ import annotations

from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from proofgrid.primitives.errors import Unavailable
from proofgrid.roles.intake.health import Health
from proofgrid.wire.errors import write_error

_STATUS = health_pb2.HealthCheckResponse


class HealthService(health.aio.HealthServicer):
    """Answers with what the role says."""

    def __init__(self, role: Health) -> None:
        super().__init__()
        self._role = role
        role.tell(self._changed)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        if self._role.reason:
            context.set_trailing_metadata(write_error(Unavailable(self._role.reason)))
        return await super().Check(request, context)

    async def _changed(self, reason: str) -> None:
        await self.set("", _STATUS.NOT_SERVING if reason else _STATUS.SERVING)


def add_health_service(server: grpc.aio.Server, role: Health) -> None:
    """Let anybody ask whether this gateway serves."""
    health_pb2_grpc.add_HealthServicer_to_server(HealthService(role), server)
