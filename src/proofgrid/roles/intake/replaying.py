"""Replays: a new task of one that ended without a proof, with the same jobs and a new escrow, linked to the old one.

The old task stays as it ended. A task is replayed once; a replay that fails is replayed itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.errors import InvalidField, TooManyOpen, UnknownSubnetwork, UnknownTask
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.roles.intake.programs import KnownPrograms
from proofgrid.rules.access.subnetworks import DEFAULT
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.engines import engine_of_lane, system_of
from proofgrid.rules.jobs.events import Accepted
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.ledger.accounts import client_account
from proofgrid.rules.ledger.settlement import escrow
from proofgrid.rules.market.quote import LaneQuote, estimate, suggested_limit
from proofgrid.store.api_keys import SPEND_BY_KEY, spending
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.engines import check_engines_run
from proofgrid.store.lanes import constraints_of
from proofgrid.store.ledger import balance_of
from proofgrid.store.quota import OPEN_TASKS_OF
from proofgrid.store.replays import (
    KEEP_INPUTS,
    LANES_OF_REPLAY,
    PRICE_OF_REPLAY,
    REPLAY_JOBS,
    REPLAY_OF_TASK,
    REPLAY_TASK,
    TAG_REPLAY,
    LaneOfReplay,
    Replay,
    WantedReplay,
)
from proofgrid.store.subnetworks import check_client
from proofgrid.store.tasks import LOCK_TASK, append_event, wake_lanes
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

log = structlog.get_logger(__name__)

#: Jobs by their lanes, their program, what they demand of provers -> what the lanes say.
PriceLanes = Callable[[Sequence[LaneOfReplay], str, Constraints], Awaitable[Sequence[LaneQuote]]]


async def start_replay(
    connection: Connection, new_id: TaskId, dead_id: TaskId, *, limit_price: int | None = None, api_key: str = ""
) -> Replay | None:
    """Write a task down that replays another, whose row is locked; None where one does already.

    `limit_price`: per PU; None: as it was. `api_key`: the name of the one that pays. Raises InvalidField where the
    inputs are not kept any more, EngineStopped, SpendLimitReached, or InsufficientFunds.
    """
    task = await connection.first(REPLAY_TASK, new_id=new_id, dead_id=dead_id, limit_price=limit_price)
    if task is None:
        return None
    if await connection.first(KEEP_INPUTS, task_id=dead_id, client=task.client) is None:
        raise InvalidField("its inputs are not kept any more", field="task_id", hint="submit them anew")
    jobs = await connection.fetch(REPLAY_JOBS, new_id=new_id, dead_id=dead_id, limit_price=limit_price)
    await check_engines_run(connection, {engine_of_lane(job.lane) for job in jobs}, field="task_id")
    await connection.run(TAG_REPLAY, new_id=new_id)
    if api_key:
        with spending():
            await connection.run(SPEND_BY_KEY, key_id=api_key, amount=task.escrow)
    transfers = escrow(task_id=str(new_id), client=task.client, limit_price=task.limit_price, units=task.units)
    await post_transfers(connection, transfers)
    accepted = Accepted(
        program=task.program_digest,
        jobs=[{"slice": job.slice, "input": job.input, "units": job.units} for job in jobs],
        units=task.units,
        limit_price=task.limit_price,
        escrow=task.escrow,
        replay_of=str(dead_id),
    )
    await append_event(connection, new_id, accepted)
    await wake_lanes(connection, [job.lane for job in jobs])
    return task


class Replaying:
    """Replays tasks for their clients."""

    def __init__(
        self, database: Database, programs: KnownPrograms, price: PriceLanes, clock: Clock, *, limits: Limits
    ) -> None:
        self._database = database
        self._programs = programs
        self._price = price
        self._clock = clock
        self._limits = limits

    async def replay(self, client: Address, task_id: TaskId, *, limit_price: int, api_key: str) -> TaskId:
        """Return the replay of a client's task that failed or was cancelled; a second call finds the same.

        `limit_price`: most base units per PU; 0: a fifth above what the market says now. Raises what refuses it.
        """
        async with self._database.connection() as connection:
            made = await connection.first(REPLAY_OF_TASK, task_id=task_id)
            wanted = await connection.first(PRICE_OF_REPLAY, task_id=task_id)
            lanes = await connection.fetch(LANES_OF_REPLAY, task_id=task_id)
            open_tasks = await connection.value(OPEN_TASKS_OF, client=client)
        if made is not None:
            return made
        if wanted is None or wanted.client != client:
            raise UnknownTask(field="task_id")
        if open_tasks >= self._limits.open_tasks:
            raise TooManyOpen(f"{open_tasks} tasks are open", hint="wait for some to finish")
        await self._check(client, wanted, lanes)
        price = limit_price or await self._market_price(client, wanted, lanes)
        new_id = TaskId(fresh_uuid(self._clock))
        async with self._database.transaction(Transaction.RESUBMIT_TASK) as connection:
            await connection.first(LOCK_TASK, task_id=task_id)
            task = await start_replay(connection, new_id, task_id, limit_price=price, api_key=api_key)
            if task is None:  # another call was first
                return await connection.value(REPLAY_OF_TASK, task_id=task_id)
        log.info("task_replayed", task_id=str(task_id), replayed_as=str(new_id), client=client)
        return new_id

    async def _check(self, client: Address, wanted: WantedReplay, lanes: Sequence[LaneOfReplay]) -> None:
        """Raise what refuses a request like that now, whatever it was when it was first made."""
        if wanted.is_promised:
            raise InvalidField("it was redeemed with a firm quote, which is settled", field="task_id", hint="submit it")
        if wanted.is_sealed:
            raise InvalidField("its inputs were sealed for provers of then", field="task_id", hint="seal it anew")
        if any(one.lane.split("/")[0] not in (wanted.subnetwork, DEFAULT) for one in lanes):
            raise UnknownSubnetwork("the subnetwork that it was for is there no more", field="subnetwork")
        await self._programs.check_may_use(client, wanted.program_digest, subnetwork=wanted.subnetwork)
        if wanted.subnetwork != DEFAULT:
            systems = {system_of(engine_of_lane(one.lane)) for one in lanes}
            async with self._database.connection() as connection:
                await check_client(connection, wanted.subnetwork, client=client, proof_systems=systems)

    async def _market_price(self, client: Address, wanted: WantedReplay, lanes: Sequence[LaneOfReplay]) -> int:
        async with self._database.connection() as connection:
            demanded = await constraints_of(connection, {one.lane for one in lanes})
            balance = await balance_of(connection, client_account(client))
        constraints = next(iter(demanded.values()), NO_CONSTRAINTS)
        said = estimate(await self._price(lanes, wanted.program_digest, constraints))
        return suggested_limit(said, units=wanted.units, budget=0, balance=balance)
