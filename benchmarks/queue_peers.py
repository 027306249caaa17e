"""What the control plane is measured against, on the same PostgreSQL in the same run."""

from __future__ import annotations

import asyncio

import asyncpg
import procrastinate

JOBS = 3_000
SUBMITTERS = 8
WORKERS = 4
PROCRASTINATE_CONCURRENCY = (1, 4, 16)  #: its best setting counts


async def procrastinate_per_second(dsn: str, *, concurrency: int = WORKERS) -> float:
    """No-op jobs, deferred one by one by eight submitters, worked off by one worker; jobs per second."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=4, max_size=16))

    @app.task(name="nothing")
    async def nothing(number: int) -> None:
        return None

    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        loop = asyncio.get_running_loop()
        started = loop.time()

        async def submit(first: int) -> None:
            for number in range(first, JOBS, SUBMITTERS):
                await nothing.defer_async(number=number)

        async with asyncio.TaskGroup() as group:
            worker = group.create_task(
                app.run_worker_async(concurrency=concurrency, wait=True, install_signal_handlers=False)
            )
            await asyncio.gather(*(submit(first) for first in range(SUBMITTERS)))
            connection = await asyncpg.connect(dsn)
            left = "SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'"
            while await connection.fetchval(left):  # noqa: ASYNC110 - it tells nobody when it is done
                await asyncio.sleep(0.02)
            seconds = loop.time() - started
            await connection.close()
            worker.cancel()
    return JOBS / seconds


async def raw_queue_per_second(dsn: str, *, batch: int = 1) -> float:
    """Insert, take with SKIP LOCKED, delete, each its own transaction: what no durable queue of rows can beat."""
    pool = await asyncpg.create_pool(dsn, min_size=12, max_size=12)
    await pool.execute("CREATE TABLE IF NOT EXISTS raw_queue (id bigserial PRIMARY KEY, payload text)")
    jobs = JOBS * max(1, batch // 10)
    left = jobs
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def submit(first: int) -> None:
        for number in range(first, jobs // batch, SUBMITTERS):
            payloads = [f"{number}-{place}" for place in range(batch)]
            await pool.execute("INSERT INTO raw_queue (payload) SELECT unnest($1::text[])", payloads)

    async def work() -> None:
        nonlocal left
        take = (
            "DELETE FROM raw_queue WHERE id IN (SELECT id FROM raw_queue ORDER BY id FOR UPDATE SKIP LOCKED LIMIT $1)"
            " RETURNING id"
        )
        while left > 0:
            taken = await pool.fetch(take, batch)
            left -= len(taken)
            if not taken:
                await asyncio.sleep(0.001)

    submitters = (submit(first) for first in range(SUBMITTERS))
    await asyncio.gather(*submitters, *(work() for _ in range(WORKERS)))
    seconds = loop.time() - started
    await pool.close()
    return jobs / seconds
