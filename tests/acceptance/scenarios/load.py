"""Work for a network under test: a client that keeps submitting and remembers what it was promised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proofgrid.sdk.client import Client


@dataclass(slots=True)
class Load:
    """What was submitted: one small task after another."""

    acknowledged: list[str] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def grow(self, more: int) -> None:
        """Wait until so many more tasks were acknowledged."""
        goal = len(self.acknowledged) + more
        while len(self.acknowledged) < goal:
            self.goes_on.clear()
            await self.goes_on.wait()


@asynccontextmanager
async def under_load(client: Client, program: str, *, pause_seconds: float = 0.1) -> AsyncIterator[Load]:
    """Submit a task every now and then, whatever happens meanwhile; an error that the SDK shows fails the scenario."""
    load = Load()

    async def submit_on() -> None:
        while True:
            number = len(load.acknowledged)
            task = await client.submit(program, [f"load {number}"], limit_price=1_500, idempotency_key=f"load-{number}")
            load.acknowledged.append(task.task_id)
            load.goes_on.set()
            await asyncio.sleep(pause_seconds)

    async with asyncio.TaskGroup() as group:
        submitting = group.create_task(submit_on())
        yield load
        submitting.cancel()
