"""What a gateway hears from the database: which notification wakes which role."""

from __future__ import annotations

import json
from uuid import UUID

from proofgrid.bootstrap.gateway.roles import Roles
from proofgrid.primitives.ids import GatewayId, LeaseId, SessionId
from proofgrid.roles.chores import Chores
from proofgrid.roles.intake.open_calls import ANY
from proofgrid.store.database import Database
from proofgrid.store.listener import Listener


def build_listener(database: Database, roles: Roles, gateway_id: GatewayId, chores: Chores) -> Listener:
    """Return the listener of a gateway, not running yet. `chores`: those of its siblings."""
    desk, task_watch, callers = roles.desk, roles.task_watch, roles.intake.callers

    def on_stop(payload: str) -> None:
        told = json.loads(payload)
        if told["gateway"] == str(gateway_id):
            lease_id = LeaseId(UUID(told["lease"])) if told.get("lease") else None
            desk.stop(SessionId(UUID(told["session"])), lease_id, told.get("reason", ""))

    def on_notice(payload: str) -> None:
        told = json.loads(payload)
        if told["gateway"] == str(gateway_id):
            desk.tell(SessionId(UUID(told["session"])), told["code"], told["detail"])

    def on_combining(transaction: str) -> None:
        # All siblings hear all notifications; one of them looks at each.
        if chores.are_mine(f"combining {transaction}"):
            roles.combiner.wake()

    def be_deaf() -> None:
        callers.deafen()
        task_watch.wake_all()  # who watches here looks, finds the database away, and goes to another gateway

    async def look_at_everything() -> None:
        callers.hear()
        callers.roles_changed(ANY)
        roles.engines.forget()
        roles.intake.keys.wake()
        await roles.market.wake_all()
        desk.wake_all()
        roles.watch.wake()
        roles.combiner.wake()
        roles.webhooks.wake()
        roles.telling.wake()
        task_watch.wake_all()

    return Listener(
        database.dsn,
        {
            "lanes": roles.market.hear,
            "leases": desk.wake,
            "stops": on_stop,
            "notices": on_notice,
            "task_events": task_watch.wake,
            "combining": on_combining,
            "roles": callers.roles_changed,
            "webhooks": roles.webhooks.wake,
            "api_keys": callers.api_key_changed,
            "engines": roles.engines.forget,
            "keys": lambda _nothing: roles.intake.keys.wake(),
            "incidents": roles.incident_changed,
            "lies": lambda _nothing: roles.responding.wake(),
            "expiry": lambda _nothing: roles.watch.wake(),
        },
        on_lost=be_deaf,
        on_reconnect=look_at_everything,
    )
