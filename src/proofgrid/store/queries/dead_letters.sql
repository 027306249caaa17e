-- name: list_dead_letters
-- Newest first; those replayed already only when $2.
SELECT * FROM dead_letters WHERE $2 OR replayed_as IS NULL ORDER BY finished_ms DESC LIMIT $1;

-- name: get_dead_letter
SELECT * FROM dead_letters WHERE task_id = $1;

-- name: tries_of_task
-- Every lease that ended without a proof, oldest first.
SELECT leases.*, jobs.slice, jobs.input FROM leases JOIN jobs USING (job_id)
WHERE leases.task_id = $1 AND leases.state IN ('expired', 'failed') ORDER BY leases.fence LIMIT 1000;

-- name: replay_task
-- $1: the new task, $2: the dead one, whose row is locked. Nothing comes back when it was replayed before.
INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement, inputs,
    limit_price, units, escrow, deadline_ms, jobs_open, inputs_digest, hedging, replay_of, subnetwork)
SELECT $1, client, program_digest, 'open', 'replay:' || task_id::text, request_digest, statement, inputs,
    limit_price, units, limit_price * units, now_ms() + greatest(deadline_ms - created_ms, 60000),
    (SELECT count(*) FROM jobs WHERE task_id = $2), inputs_digest, hedging, task_id, subnetwork
FROM tasks WHERE task_id = $2
ON CONFLICT DO NOTHING RETURNING *;

-- name: replay_jobs
-- They wait in the lanes of their task's subnetwork again, or in the common ones when there is no such subnetwork any more.
INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes, depends_on,
    input_digest, facts, limit_price, small_input)
SELECT gen_random_uuid(), $1, slice, input, position, CASE WHEN depends_on = '{}' THEN 'ready' ELSE 'waiting' END,
    (SELECT coalesce(subnetwork, 'default') FROM tasks WHERE task_id = $1) || substr(lane, strpos(lane, '/')), class, units,
    memory_bytes, depends_on, input_digest, facts, limit_price, small_input
FROM jobs WHERE task_id = $2 ORDER BY position
RETURNING slice, input, units, lane;
