-- name: append_events
-- The caller holds the tasks' row locks: the sequence of a task has no gaps and no two events share a number. Their
-- watchers are told when the transaction commits, 200 tasks in one notification.
WITH given AS (
    SELECT * FROM unnest(:task_ids::uuid[], :kinds::text[], :data::jsonb[]) WITH ORDINALITY AS g(task_id, kind, data, place)
), counted AS (
    SELECT task_id, count(*) AS number, (row_number() OVER () - 1) / 200 AS chunk FROM given GROUP BY task_id
), bumped AS (
    UPDATE tasks SET event_seq = event_seq + number FROM counted WHERE tasks.task_id = counted.task_id
    RETURNING tasks.task_id, event_seq - number AS before
), written AS (
    INSERT INTO task_events (task_id, seq, kind, data)
    SELECT task_id, before + row_number() OVER (PARTITION BY task_id ORDER BY place), kind, data
    FROM given JOIN bumped USING (task_id)
)
SELECT pg_notify('task_events', string_agg(task_id::text, ',')) FROM counted GROUP BY chunk;

-- name: wake_lanes
SELECT pg_notify('lanes', lane) FROM unnest(:lanes::text[]) AS given(lane);

-- name: lock_task
SELECT task_id, client, state, limit_price, escrow, quote_id, hedges
FROM tasks WHERE task_id = :task_id FOR NO KEY UPDATE;

-- name: lock_tasks
-- In the order of their ids, so that two of these never wait for each other in a circle.
SELECT task_id, hedges, quote_id FROM tasks WHERE task_id = ANY(:task_ids::uuid[]) ORDER BY task_id FOR NO KEY UPDATE;

-- name: end_task
-- :sources: the states it may come from, :charged: what was paid for work without a proof.
UPDATE tasks SET state = :state, finished_ms = now_ms(), failure_code = :code, failure_detail = :detail,
    spent = spent + :charged
WHERE task_id = :task_id AND state = ANY(:sources::text[]) RETURNING task_id;

-- name: end_open_jobs
-- :sources: the states they may come from.
UPDATE jobs SET state = :state, hedge_price = NULL WHERE task_id = :task_id AND state = ANY(:sources::text[]);

-- name: stop_leases_of_task
-- The gateways that hold the streams are told; the provers kill the children.
WITH held AS (
    SELECT lease_id FROM leases WHERE task_id = :task_id AND state = ANY(:sources::text[]) ORDER BY lease_id FOR NO KEY UPDATE
), stopped AS (
    UPDATE leases SET state = 'stopped', ended_ms = now_ms(), reason = :reason FROM held
    WHERE leases.lease_id = held.lease_id RETURNING leases.lease_id, session_id, gateway_id
), told AS (
    SELECT pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
        'reason', :reason::text)::text) FROM stopped
)
SELECT lease_id FROM stopped WHERE (SELECT count(*) FROM told) >= 0;

-- name: tasks_past_deadline
SELECT task_id FROM tasks WHERE state IN (@tasks_open) AND deadline_ms <= now_ms() ORDER BY deadline_ms LIMIT 100;

-- name: next_deadline
SELECT min(deadline_ms) - now_ms() FROM tasks WHERE state IN (@tasks_open);

-- name: tasks_to_raise
SELECT task_id FROM tasks WHERE raise_at_ms <= now_ms() AND state = 'open' ORDER BY raise_at_ms LIMIT 500;

-- name: next_raise
SELECT min(raise_at_ms) - now_ms() FROM tasks WHERE raise_at_ms IS NOT NULL AND state = 'open';

-- name: raises_of_tasks
-- The tasks' rows are locked. Those that are due, when one of their jobs was sold last, and the lanes of jobs that nobody
-- has yet.
SELECT task_id, limit_price, raise_permille, raise_every_ms, raise_max, now_ms() AS now_ms,
    (SELECT max(granted_ms) FROM leases WHERE leases.task_id = tasks.task_id) AS sold_ms,
    ARRAY(SELECT DISTINCT lane FROM jobs WHERE jobs.task_id = tasks.task_id AND jobs.state = 'ready') AS lanes
FROM tasks WHERE task_id = ANY(:task_ids::uuid[]) AND raise_at_ms <= now_ms() AND state = 'open';

-- name: raise_limits
-- The tasks' rows are locked. Their limit prices from now on, and when they rise again, NULL for never.
WITH given AS (
    SELECT * FROM unnest(:task_ids::uuid[], :limit_prices::bigint[], :raise_at_ms::bigint[]) AS g(task_id, limit_price, raise_at_ms)
), raised AS (
    UPDATE tasks SET limit_price = given.limit_price, raise_at_ms = given.raise_at_ms FROM given
    WHERE tasks.task_id = given.task_id
)
UPDATE jobs SET limit_price = given.limit_price FROM given
WHERE jobs.task_id = given.task_id AND jobs.limit_price <> given.limit_price
  AND jobs.state IN (@jobs_open);
