-- name: look_around
-- Before a request is admitted: the task that has its key already, if any, and how many tasks its client has open, at
-- most $3 of them: who has so many may not have more.
SELECT known.task_id, known.request_digest, (
    SELECT count(*) FROM (
        SELECT FROM tasks WHERE client = $1 AND state IN ('open', 'combining') LIMIT $3) AS open_tasks) AS open_tasks
FROM (SELECT) AS always LEFT JOIN tasks AS known ON known.client = $1 AND known.idempotency_key = $2;

-- name: find_proven_task
-- The newest finished task of the same client, program and inputs whose bundle is still there.
SELECT task_id FROM tasks
WHERE client = $1 AND program_digest = $2 AND inputs_digest = $3 AND state = 'done'
  AND EXISTS (SELECT 1 FROM artifacts WHERE digest = tasks.bundle_digest)
ORDER BY finished_ms DESC LIMIT 1;

-- name: admit_tasks
-- One statement, one transaction: $1: a JSON list of tasks, each with its first event and its escrow's transfer; $2: a
-- JSON list of their jobs, $3: the jobs' inputs, NULL for one that is an artifact; $4: the deadline of tasks that name
-- none, ms from now. A task whose key is taken gives no row and leaves nothing behind.
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(task_id uuid, client text, program_digest text,
        idempotency_key text, request_digest text, statement jsonb, inputs int, limit_price bigint, units bigint,
        escrow bigint, deadline_ms bigint, jobs_open int, inputs_digest text, hedging boolean, raise_permille int,
        raise_every_ms bigint, raise_max bigint, accepted jsonb, transfer jsonb, subnetwork text, quote_id uuid)
), admitted AS (
    INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement, inputs,
        limit_price, units, escrow, deadline_ms, jobs_open, inputs_digest, hedging, raise_permille, raise_every_ms,
        raise_max, raise_at_ms, event_seq, subnetwork, quote_id)
    SELECT task_id, client, program_digest, 'open', idempotency_key, request_digest, statement, inputs, limit_price,
        units, escrow, CASE WHEN deadline_ms > 0 THEN deadline_ms ELSE now_ms() + $4 END, jobs_open, inputs_digest,
        coalesce(hedging, false), raise_permille, raise_every_ms, raise_max, now_ms() + raise_every_ms, 1, subnetwork, quote_id
    FROM given
    ON CONFLICT (client, idempotency_key) DO NOTHING RETURNING task_id, client, limit_price
), events AS (
    INSERT INTO task_events (task_id, seq, kind, data) SELECT task_id, 1, 'accepted', accepted FROM given JOIN admitted
    USING (task_id)
), fresh AS (
    SELECT g.*, admitted.client, admitted.limit_price FROM ROWS FROM (
        jsonb_to_recordset($2::jsonb) AS (job_id uuid, task_id uuid, slice int, input int, position int, lane text,
            class text, units bigint, memory_bytes bigint, depends_on int[], input_digest text, input_bytes bigint,
            facts jsonb, stack text, constraints jsonb, barred jsonb),
        unnest($3::bytea[])
    ) AS g(job_id, task_id, slice, input, position, lane, class, units, memory_bytes, depends_on, input_digest,
        input_bytes, facts, stack, constraints, barred, small_input)
    JOIN admitted USING (task_id)
), constrained AS (
    INSERT INTO lane_constraints (lane, stack, constraints)
    SELECT DISTINCT lane, stack, constraints FROM fresh WHERE constraints IS NOT NULL ORDER BY lane
    ON CONFLICT (lane) DO UPDATE SET used_ms = now_ms() WHERE lane_constraints.used_ms < now_ms() - 86400000
), waiting AS (
    INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes, depends_on,
        input_digest, facts, limit_price, small_input, excluded)
    SELECT job_id, task_id, slice, input, position, CASE WHEN depends_on = '{}' THEN 'ready' ELSE 'waiting' END,
        lane, class, units, memory_bytes, depends_on, input_digest, facts, limit_price, small_input,
        coalesce(barred, '{}') FROM fresh
), stored AS (
    -- Stored again is young again: see record_artifacts.
    INSERT INTO artifacts (digest, owner, size_bytes)
    SELECT DISTINCT input_digest, client, input_bytes FROM fresh WHERE small_input IS NULL ORDER BY 1, 2
    ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms
), paid AS (
    SELECT post_transfers(jsonb_agg(transfer ORDER BY task_id)) FROM given JOIN admitted USING (task_id)
    HAVING count(*) > 0
), woken AS (
    SELECT pg_notify('lanes', lane) FROM fresh GROUP BY lane
)
SELECT task_id FROM admitted WHERE (SELECT count(*) FROM paid) + (SELECT count(*) FROM woken) >= 0;

-- name: append_events
-- $1: tasks, $2: kinds, $3: data. The caller holds the tasks' row locks: the sequence of a task has no gaps and no two
-- events share a number. Their watchers are told when the transaction commits, 200 tasks in one notification.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[]) WITH ORDINALITY AS g(task_id, kind, data, place)
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
SELECT pg_notify('lanes', lane) FROM unnest($1::text[]) AS given(lane);

-- name: lock_task
SELECT * FROM tasks WHERE task_id = $1 FOR NO KEY UPDATE;

-- name: lock_tasks
-- In the order of their ids, so that two of these never wait for each other in a circle.
SELECT task_id, hedges FROM tasks WHERE task_id = ANY($1::uuid[]) ORDER BY task_id FOR NO KEY UPDATE;

-- name: get_task
SELECT *, (SELECT balance FROM accounts WHERE account = 'escrow:' || task_id::text) AS escrow_left
FROM tasks WHERE task_id = $1;

-- name: list_tasks
-- Newest first; an empty state means all.
SELECT *, (SELECT balance FROM accounts WHERE account = 'escrow:' || task_id::text) AS escrow_left
FROM tasks WHERE client = $1 AND ($2 = '' OR state = $2) ORDER BY created_ms DESC LIMIT $3;

-- name: jobs_of_task
-- With the lease that counts, and how far it is.
SELECT jobs.job_id, jobs.slice, jobs.input, jobs.state, jobs.units, jobs.class, jobs.attempts, leases.operator,
    leases.prover_id, leases.buy_price, CASE jobs.state WHEN 'leased' THEN leases.stage ELSE '' END AS stage,
    CASE jobs.state WHEN 'leased' THEN leases.permille WHEN 'proven' THEN 1000 ELSE 0 END AS permille
FROM jobs LEFT JOIN leases USING (lease_id)
WHERE jobs.task_id = $1 ORDER BY position;

-- name: events_after
SELECT seq, kind, data, at_ms FROM task_events WHERE task_id = $1 AND seq > $2 ORDER BY seq LIMIT $3;

-- name: end_task
-- $2: the new state, $3: the states it may come from, $6: what was paid for work without a proof.
UPDATE tasks SET state = $2, finished_ms = now_ms(), failure_code = $4, failure_detail = $5, spent = spent + $6
WHERE task_id = $1 AND state = ANY($3::text[]) RETURNING task_id;

-- name: end_open_jobs
-- $2: the new state, $3: the states it may come from.
UPDATE jobs SET state = $2, hedge_price = NULL WHERE task_id = $1 AND state = ANY($3::text[]);

-- name: stop_leases_of_task
-- The gateways that hold the streams are told; the provers kill the children.
WITH held AS (
    SELECT lease_id FROM leases WHERE task_id = $1 AND state = ANY($3::text[]) ORDER BY lease_id FOR NO KEY UPDATE
), stopped AS (
    UPDATE leases SET state = 'stopped', ended_ms = now_ms(), reason = $2 FROM held
    WHERE leases.lease_id = held.lease_id RETURNING leases.lease_id, session_id, gateway_id, lane
)
SELECT lease_id, session_id, gateway_id, lane,
    pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
        'reason', $2::text)::text)
FROM stopped;

-- name: tasks_past_deadline
SELECT task_id FROM tasks WHERE state IN ('open', 'combining') AND deadline_ms <= now_ms() ORDER BY deadline_ms LIMIT 100;

-- name: next_deadline
SELECT min(deadline_ms) - now_ms() FROM tasks WHERE state IN ('open', 'combining');

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
FROM tasks WHERE task_id = ANY($1::uuid[]) AND raise_at_ms <= now_ms() AND state = 'open';

-- name: raise_limits
-- The tasks' rows are locked. $1: tasks, $2: their limit prices from now on, $3: when they rise again, NULL for never.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS g(task_id, limit_price, raise_at_ms)
), raised AS (
    UPDATE tasks SET limit_price = given.limit_price, raise_at_ms = given.raise_at_ms FROM given
    WHERE tasks.task_id = given.task_id
)
UPDATE jobs SET limit_price = given.limit_price FROM given
WHERE jobs.task_id = given.task_id AND jobs.limit_price <> given.limit_price
  AND jobs.state IN ('waiting', 'ready', 'leased');

-- name: claim_combining
-- Take tasks whose proofs are all there, $3 at most. $4: those that this gateway is working on; what it claimed besides
-- was cut off, perhaps with the database, and what another one claimed that lives no more is free again. While settlement
-- is stopped nothing is combined: the rest could not be given back.
UPDATE tasks SET claimed_by = $1
WHERE task_id IN (
    SELECT task_id FROM tasks WHERE state = 'combining' AND task_id <> ALL($4::uuid[])
      AND NOT EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL) AND NOT EXISTS (
        SELECT 1 FROM gateways WHERE gateway_id = tasks.claimed_by AND gateway_id <> $1 AND seen_ms > now_ms() - $2)
    ORDER BY created_ms FOR NO KEY UPDATE SKIP LOCKED LIMIT $3)
RETURNING *;

-- name: combining_elsewhere
-- Is anything left that another gateway combines? $1: what this one is working on.
SELECT EXISTS (SELECT 1 FROM tasks WHERE state = 'combining' AND task_id <> ALL($1::uuid[]));

-- name: proofs_of_task
-- Every job with the lease that was settled and the round that sold it.
SELECT jobs.job_id, jobs.slice, jobs.input, jobs.units, jobs.proof_digest, jobs.small_proof, jobs.public, now_ms() AS now_ms, leases.operator,
    leases.prover_id, leases.lane, leases.round, leases.buy_price, leases.sell_price, rounds.transcript_hash
FROM jobs JOIN leases USING (lease_id) JOIN rounds ON rounds.lane = leases.lane AND rounds.number = leases.round
WHERE jobs.task_id = $1 AND jobs.state = 'proven' ORDER BY jobs.input, jobs.slice;

-- name: finish_task
UPDATE tasks SET state = 'done', finished_ms = now_ms(), result = $2, bundle_digest = $3
WHERE task_id = $1 AND state = ANY($4::text[]) RETURNING task_id;

-- name: database_time
SELECT now_ms();

-- name: count_states
SELECT 'task' AS what, state, count(*) AS number FROM tasks GROUP BY state
UNION ALL SELECT 'job', state, count(*) FROM jobs GROUP BY state;
