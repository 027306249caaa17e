"""A network whose gateway dies wherever a scenario says, and is started again while everybody goes on."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.sdk.admin import Admin
from proofgrid.sdk.answers.money import Account
from proofgrid.sdk.client import Client, Proven
from tests.acceptance.tasks import database_of, register_toy
from tests.networks import Network

REACH_SECONDS = 40.0
PATIENCE_SECONDS = 60.0
KILLED = -9


Meanwhile = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    pass


@dataclass(slots=True)
class Doomed:
    """The network, its client, and the orders for its gateway's hook (tests/crash_hook.py)."""

    network: Network
    client: Client
    site: Path  #: where the hook is installed
    point: str = ""
    broken_at: str = ""  #: a point that the network did not survive
    acknowledged: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    # --- death and return ------------------------------------------------------------------------

    @asynccontextmanager
    async def killed(self, *, nth: int = 1, meanwhile: Meanwhile = _nothing) -> AsyncIterator[None]:
        """What is done inside reaches the point; the gateway dies there, `meanwhile` happens, and it comes back."""
        (self.site / "reached").unlink(missing_ok=True)
        order = self.site / "order"
        order.write_text(f"{self.point} {nth}")
        order.rename(self.site / "crash-at")  # read whole or not at all
        try:
            # A gateway that does not come back ends what is done inside as well.
            async with asyncio.TaskGroup() as group:
                group.create_task(self._die_and_return(meanwhile))
                yield
        finally:
            (self.site / "crash-at").unlink(missing_ok=True)
            await self.revive()

    @property
    def reached(self) -> bool:
        """Has the gateway died at the point?"""
        return (self.site / "reached").exists()

    async def wait_until_reached(self) -> None:
        """Wait for the gateway's death."""
        async with asyncio.timeout(REACH_SECONDS):
            while not self.reached:  # noqa: ASYNC110 - a file has no event for us
                await asyncio.sleep(0.02)

    @property
    def gateway_lives(self) -> bool:
        """Is there a gateway?"""
        return self.network.gateway is not None and self.network.gateway.process.returncode is None

    async def revive(self) -> None:
        """Start the gateway unless it lives."""
        if not self.gateway_lives:
            await self.network.start_gateway()

    async def _die_and_return(self, meanwhile: Meanwhile) -> None:
        try:
            async with asyncio.timeout(REACH_SECONDS):
                while not await self._dies_there():
                    await self._start_or_die_again()
        except TimeoutError:
            raise AssertionError(f"{self.point} was not reached:\n{self._log()}") from None
        await meanwhile()
        await self.network.start_gateway()

    async def _dies_there(self) -> bool:
        """Wait for the gateway's death; say whether it was the one that was ordered."""
        await self._wait_for_death()
        return self.reached

    async def _wait_for_death(self) -> None:
        assert self.network.gateway is not None
        status = await self.network.gateway.process.wait()
        assert status == KILLED, f"the gateway ended by itself, with {status}:\n{self._log()}"

    async def _start_or_die_again(self) -> None:
        """Some points are reached by a gateway that starts."""
        try:
            await self.network.start_gateway()
        except AssertionError:
            assert self.network.gateway is not None
            if await self.network.gateway.process.wait() != KILLED:
                raise

    def _log(self) -> str:
        assert self.network.gateway is not None
        lines = self.network.gateway.log.read_text().splitlines()
        said = [line for line in lines if "artifacts_tidied" not in line][-60:]
        for process in self.network.processes:
            if process.name.startswith("p"):
                said += [f"--- {process.name} ---", *process.log.read_text().splitlines()[-15:]]
        return "\n".join(said)

    # --- work ------------------------------------------------------------------------------------

    async def program(self, **settings: Any) -> str:
        """Register a program that nobody has proven yet."""
        rounds = 100 + next(self.numbers)
        made = await register_toy(self.client, self.network.root, **{"slices": 1, "rounds": rounds} | settings)
        return made.digest

    async def submit(
        self,
        program: str,
        *,
        limit_price: int = 1_500,
        deadline_ms: int = 0,
        ladder: Ladder | None = None,
        subnetwork: str = "",
    ) -> str:
        """Submit a task and remember that it was acknowledged."""
        number = next(self.numbers)
        task = await self.client.submit(
            program,
            [f"crash {number}"],
            limit_price=limit_price,
            deadline_ms=deadline_ms,
            ladder=ladder,
            idempotency_key=f"crash-{number}",
            subnetwork=subnetwork,
        )
        self.acknowledged.append(task.task_id)
        return task.task_id

    async def prove(self, program: str) -> Proven:
        """Have one task proven, and its bundle verified."""
        number = next(self.numbers)
        path = self.network.root / f"crash-{number}.bundle"
        proven = await self.client.prove(
            program, [f"crash {number}"], path, limit_price=1_500, idempotency_key=f"crash-{number}"
        )
        self.acknowledged.append(proven.task.task_id)
        return proven

    async def running(self, *, sleep_ms: int = 600) -> str:
        """Submit a task of one slow job; return when a prover is at it."""
        task_id = await self.submit(await self.program(behaviour="slow", sleep_ms=sleep_ms))
        async for event in self.client.watch(task_id):
            if event.kind == "stage":
                return task_id
        raise AssertionError("the task ended before it was proven")

    async def ends_well(self, task_id: str) -> None:
        """Wait for a task's end, which is a bundle."""
        assert (await self.client.wait(task_id)).state == "done"

    @asynccontextmanager
    async def administrator(self) -> AsyncIterator[Client]:
        """The network as its administrator sees it, as patient as the SDK."""
        network = self.network
        async with Client(network.address, network.admin_key, patience_seconds=PATIENCE_SECONDS) as client:
            yield client

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[Admin]:
        """The administrator's calls."""
        async with self.administrator() as client:
            yield client.admin

    async def balance(self) -> int:
        """The client's free money."""
        account: Account = await self.client.account()
        return int(account.balance)

    async def forget_the_dead(self) -> None:
        """Five seconds pass in no time: what a dead gateway had claimed is free."""
        await self.sql("UPDATE gateways SET seen_ms = 0")

    async def sql(self, query: str, *args: Any) -> list[Any]:
        """Look at the database, or make time pass in it."""
        async with database_of(self.network) as connection:
            rows: list[Any] = await connection.fetch(query, *args)
        return rows

    async def eventually(self, query: str, *args: Any) -> None:
        """Wait until a query finds a row."""
        async with database_of(self.network) as connection, asyncio.timeout(REACH_SECONDS):
            while not await connection.fetch(query, *args):  # noqa: ASYNC110 - the database has no event for us
                await asyncio.sleep(0.05)
