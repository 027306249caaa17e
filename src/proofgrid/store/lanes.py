"""Who serves a lane, and when a gateway, with the provers that are connected to it, counts as gone."""

from __future__ import annotations

from typing import Any

from proofgrid.store.queries import QUERIES

GATEWAY_SILENT_MS = 5_000  #: a gateway that was not seen for so long lives no more, and its provers count for nothing


async def sessions_of_lane(connection: Any, lane: str) -> list[Any]:
    """Return the open sessions on living gateways that serve a lane, with what their provers are doing already."""
    _, system, job_class = lane.split("/")
    rows: list[Any] = await connection.fetch(QUERIES["supply_of_lane"], system, job_class, GATEWAY_SILENT_MS)
    return rows
