-- name: find_task_by_key
SELECT task_id, request_digest FROM tasks WHERE client = $1 AND idempotency_key = $2;

-- name: find_proven_task
-- The newest finished task of the same client, program and inputs whose bundle is still there.
SELECT task_id FROM tasks
WHERE client = $1 AND program_digest = $2 AND inputs_digest = $3 AND state = 'done'
  AND EXISTS (SELECT 1 FROM artifacts WHERE digest = tasks.bundle_digest)
ORDER BY finished_ms DESC LIMIT 1;

-- name: count_open_tasks
SELECT count(*) FROM tasks WHERE client = $1 AND state IN ('open', 'combining');

-- name: insert_task
INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement, inputs,
    limit_price, units, escrow, deadline_ms, jobs_open, inputs_digest)
VALUES ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: insert_jobs
-- $2: a JSON list of jobs.
INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes, depends_on,
    input_digest, facts)
SELECT job_id, $1, slice, input, position, CASE WHEN depends_on = '{}' THEN 'ready' ELSE 'waiting' END,
    lane, class, units, memory_bytes, depends_on, input_digest, facts
FROM jsonb_to_recordset($2::jsonb) AS g(job_id uuid, slice int, input int, position int, lane text, class text,
    units bigint, memory_bytes bigint, depends_on int[], input_digest text, facts jsonb);

-- name: append_event
SELECT append_event($1, $2, $3);

-- name: wake_lane
SELECT pg_notify('lanes', $1);

-- name: lock_task
SELECT * FROM tasks WHERE task_id = $1 FOR UPDATE;

-- name: get_task
SELECT *, (SELECT balance FROM accounts WHERE account = 'escrow:' || task_id::text) AS escrow_left
FROM tasks WHERE task_id = $1;

-- name: list_tasks
-- Newest first; an empty state means all.
SELECT *, (SELECT balance FROM accounts WHERE account = 'escrow:' || task_id::text) AS escrow_left
FROM tasks WHERE client = $1 AND ($2 = '' OR state = $2) ORDER BY created_ms DESC LIMIT $3;

-- name: jobs_of_task
-- With the lease that counts.
SELECT jobs.*, leases.operator, leases.prover_id, leases.sell_price, leases.buy_price
FROM jobs LEFT JOIN leases USING (lease_id)
WHERE jobs.task_id = $1 ORDER BY position;

-- name: events_after
SELECT seq, kind, data, at_ms FROM task_events WHERE task_id = $1 AND seq > $2 ORDER BY seq LIMIT $3;

-- name: end_task
-- $2: the new state, $3: the states it may come from.
UPDATE tasks SET state = $2, finished_ms = now_ms(), failure_code = $4, failure_detail = $5
WHERE task_id = $1 AND state = ANY($3::text[]) RETURNING task_id;

-- name: end_open_jobs
-- $2: the new state, $3: the states it may come from.
UPDATE jobs SET state = $2, stage = '' WHERE task_id = $1 AND state = ANY($3::text[]);

-- name: stop_leases_of_task
-- The gateways that hold the streams are told; the provers kill the children.
WITH stopped AS (
    UPDATE leases SET state = 'stopped', ended_ms = now_ms(), reason = $2
    WHERE task_id = $1 AND state = ANY($3::text[]) RETURNING lease_id, session_id, gateway_id, lane
)
SELECT lease_id, session_id, gateway_id, lane,
    pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
        'reason', $2::text)::text)
FROM stopped;

-- name: tasks_past_deadline
SELECT task_id FROM tasks WHERE state IN ('open', 'combining') AND deadline_ms <= now_ms() ORDER BY deadline_ms LIMIT 100;

-- name: next_deadline
SELECT min(deadline_ms) - now_ms() FROM tasks WHERE state IN ('open', 'combining');

-- name: claim_combining
-- Take one task whose proofs are all there; what a gateway claimed that lives no more is free again.
UPDATE tasks SET claimed_by = $1
WHERE task_id = (
    SELECT task_id FROM tasks WHERE state = 'combining' AND NOT EXISTS (
        SELECT 1 FROM gateways WHERE gateway_id = tasks.claimed_by AND seen_ms > now_ms() - $2)
    ORDER BY created_ms FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING *;

-- name: combining_elsewhere
-- Is anything left that another gateway combines?
SELECT EXISTS (SELECT 1 FROM tasks WHERE state = 'combining');

-- name: proofs_of_task
-- Every job with the lease that was settled and the round that sold it.
SELECT jobs.job_id, jobs.slice, jobs.input, jobs.units, jobs.proof_digest, jobs.public, leases.operator,
    leases.prover_id, leases.lane, leases.round, leases.buy_price, leases.sell_price, rounds.transcript_hash
FROM jobs JOIN leases USING (lease_id) JOIN rounds ON rounds.lane = leases.lane AND rounds.number = leases.round
WHERE jobs.task_id = $1 AND jobs.state = 'proven' ORDER BY jobs.input, jobs.slice;

-- name: finish_task
UPDATE tasks SET state = 'done', finished_ms = $4, result = $2, bundle_digest = $3
WHERE task_id = $1 AND state = ANY($5::text[]) RETURNING task_id;

-- name: database_time
SELECT now_ms();

-- name: count_states
SELECT 'task' AS what, state, count(*) AS number FROM tasks GROUP BY state
UNION ALL SELECT 'job', state, count(*) FROM jobs GROUP BY state;

-- name: drop_claim
UPDATE tasks SET claimed_by = NULL WHERE task_id = $1 AND claimed_by = $2;
