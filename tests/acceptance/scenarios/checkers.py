"""What the network promises, whatever failed: checked at the end of every scenario.

Each promise is a sentence and a query for whatever breaks it; a query that finds nothing is a promise kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psutil

from tests.acceptance.tasks import database_of
from tests.networks import Network

END_SECONDS = 120.0

PROMISES = {
    "every acknowledged task has ended": """
        SELECT task_id, state FROM tasks WHERE state IN ('open', 'combining')""",
    "a done task has a bundle and a proof of every job, any other ended task says why": """
        SELECT task_id, state, failure_code FROM tasks t WHERE CASE state
            WHEN 'done' THEN bundle_digest IS NULL
                OR EXISTS (SELECT 1 FROM jobs j WHERE j.task_id = t.task_id AND j.state <> 'proven')
            WHEN 'failed' THEN failure_code = '' OR failure_detail = ''
            ELSE false END""",
    "what a task did not spend on proofs was refunded, to the last unit": """
        SELECT t.task_id, t.escrow, t.spent, left_over, paid, refunded FROM tasks t CROSS JOIN LATERAL (
            SELECT
                coalesce((SELECT balance FROM accounts WHERE account = 'escrow:' || t.task_id::text), 0) AS left_over,
                coalesce(sum(amount) FILTER (
                    WHERE debit LIKE 'escrow:%' AND reason NOT IN ('refund', 'canary_refund', 'quote_rest')), 0)
                    AS paid,
                coalesce(sum(amount) FILTER (WHERE reason IN ('refund', 'canary_refund', 'quote_rest')), 0) AS refunded
            FROM transfers WHERE transfers.task_id = t.task_id) AS sums
        WHERE t.finished_ms IS NOT NULL
          AND (left_over <> 0 OR paid <> t.spent OR paid + refunded <> t.escrow)""",
    "a job is paid exactly once if it is proven, and never otherwise": """
        SELECT j.job_id, j.state, count(t.transfer_id) AS payments
        FROM jobs j LEFT JOIN transfers t ON t.job_id = j.job_id AND t.reason = 'proof'
        GROUP BY j.job_id, j.state HAVING count(t.transfer_id) <> CASE j.state WHEN 'proven' THEN 1 ELSE 0 END""",
    "of all leases of a proven job one was settled, the one that the job names": """
        SELECT j.job_id, j.state, count(*) FILTER (WHERE l.state = 'settled') AS settled
        FROM jobs j LEFT JOIN leases l USING (job_id) GROUP BY j.job_id, j.state, j.lease_id
        HAVING count(*) FILTER (WHERE l.state = 'settled') <> CASE j.state WHEN 'proven' THEN 1 ELSE 0 END
            OR (j.state = 'proven' AND NOT bool_or(l.lease_id = j.lease_id AND l.state = 'settled'))""",
    "no lease of an ended task is held": """
        SELECT lease_id, l.state, t.state AS task FROM leases l JOIN tasks t USING (task_id)
        WHERE l.state IN ('granted', 'offered', 'running', 'reported') AND t.finished_ms IS NOT NULL""",
    "no lease is held beyond its expiry and three seconds of grace": """
        SELECT lease_id, state, now_ms() - expires_ms AS late_ms FROM leases
        WHERE state IN ('granted', 'offered', 'running', 'reported') AND expires_ms < now_ms() - 3000""",
    "events are numbered from 1 without a gap": """
        SELECT task_id, count(*) AS events, min(seq), max(seq) FROM task_events GROUP BY task_id
        HAVING max(seq) <> count(*) OR min(seq) <> 1""",
    "the first event is the acceptance, the last one the end but for deliveries, and it happens once": """
        SELECT t.task_id, t.state, array_agg(e.kind ORDER BY seq) AS kinds
        FROM tasks t LEFT JOIN task_events e USING (task_id)
        GROUP BY t.task_id, t.state
        HAVING (array_agg(e.kind ORDER BY seq))[1] IS DISTINCT FROM 'accepted'
            OR (array_agg(e.kind ORDER BY seq DESC) FILTER (WHERE e.kind NOT IN ('delivered', 'not_delivered')))[1]
                IS DISTINCT FROM t.state
            OR count(*) FILTER (WHERE e.kind IN ('done', 'failed', 'cancelled')) <> 1""",
    "the ledger's accounts add up to nothing": """
        SELECT sum(balance) FROM accounts HAVING sum(balance) <> 0""",
    "every balance is the sum of its transfers": """
        SELECT account, balance, net FROM accounts CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE WHEN credit = account THEN amount ELSE -amount END), 0) AS net
            FROM transfers WHERE account IN (debit, credit)) AS moves
        WHERE balance <> net""",
}


async def check_promises(network: Network, *, acknowledged: Collection[str] = ()) -> None:
    """Wait until every task has ended, then check every promise; `acknowledged`: ids that clients were told."""
    await _wait_for_the_end(network)
    async with database_of(network) as connection:
        known = {row["task_id"] for row in await connection.fetch("SELECT task_id FROM tasks")}
        assert {UUID(task_id) for task_id in acknowledged} <= known, "acknowledged tasks are gone"
        for sentence, query in PROMISES.items():
            broken = [dict(row) for row in await connection.fetch(query)]
            assert not broken, f"broken: {sentence}: {broken}"


async def _wait_for_the_end(network: Network) -> None:
    query = PROMISES["every acknowledged task has ended"]
    async with database_of(network) as connection:
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                while await connection.fetch(query):  # noqa: ASYNC110 - the database has no event for us
                    await asyncio.sleep(0.1)


def check_no_process_left(root: Path) -> None:
    """No process works in the network's folders after all of its own were stopped."""
    left = [process for process in psutil.process_iter() if _lives_in(process, root)]
    for process in left:
        process.kill()
    assert not left, f"orphaned: {left}"


def _lives_in(process: psutil.Process, root: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        places = [process.cwd(), *(process.environ().get(name, "") for name in ("HOME", "PROOFGRID_DATA_DIR"))]
    except psutil.Error:
        return False
    return any(Path(place).is_relative_to(root) for place in places if place)
