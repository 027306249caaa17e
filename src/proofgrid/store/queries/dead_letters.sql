-- name: list_dead_letters
-- Newest first; those replayed already only when :replayed.
SELECT task_id, client, program_digest, failure_code, failure_detail, finished_ms, replay_of, replayed_as
FROM dead_letters WHERE :replayed OR replayed_as IS NULL ORDER BY finished_ms DESC LIMIT :limit;

-- name: get_dead_letter
SELECT task_id, client, program_digest, failure_code, failure_detail, finished_ms, replay_of, replayed_as
FROM dead_letters WHERE task_id = :task_id;

-- name: tries_of_task
-- Every lease that ended without a proof, oldest first.
SELECT jobs.slice, jobs.input, leases.prover_id, leases.operator, leases.reason, leases.detail, leases.ended_ms
FROM leases JOIN jobs USING (job_id)
WHERE leases.task_id = :task_id AND leases.state IN ('expired', 'failed') ORDER BY leases.fence LIMIT 1000;

-- name: replay_task
-- The row of the dead task is locked. Nothing comes back when it was replayed before.
INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement, inputs,
    limit_price, units, escrow, deadline_ms, jobs_open, inputs_digest, hedging, replay_of, subnetwork, seal)
SELECT :new_id, client, program_digest, 'open', 'replay:' || task_id::text, request_digest, statement, inputs,
    limit_price, units, limit_price * units, now_ms() + greatest(deadline_ms - created_ms, 60000),
    (SELECT count(*) FROM jobs WHERE task_id = :dead_id), inputs_digest, hedging, task_id, subnetwork, seal
FROM tasks WHERE task_id = :dead_id
ON CONFLICT DO NOTHING RETURNING client, program_digest, limit_price, units, escrow;

-- name: replay_jobs
-- They wait in the lanes of their task's subnetwork again, or in the common ones when there is no such subnetwork any more.
INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes, depends_on,
    input_digest, facts, limit_price, small_input)
SELECT gen_random_uuid(), :new_id, slice, input, position, CASE WHEN depends_on = '{}' THEN 'ready' ELSE 'waiting' END,
    (SELECT coalesce(subnetwork, 'default') FROM tasks WHERE task_id = :new_id) || substr(lane, strpos(lane, '/')), class,
    units, memory_bytes, depends_on, input_digest, facts, limit_price, small_input
FROM jobs WHERE task_id = :dead_id ORDER BY position
RETURNING slice, input, units, lane;
