-- name: look_around
-- Before requests are admitted, of each, in their order: the task that has its key already, if any, and how many tasks its
-- client has open, at most :open_max of them: who has so many may not have more. NULL where :counting says that nobody asks.
-- By its order the key is looked up in its unique index: planned while there are few tasks, equality would do with all
-- tasks of the client.
SELECT known.task_id, known.request_digest, CASE WHEN counting THEN (
    SELECT count(*) FROM (
        SELECT FROM tasks WHERE client = asked.client AND state IN (@tasks_open) LIMIT :open_max) AS open_tasks) END AS open_tasks
FROM unnest(:clients::text[], :idempotency_keys::text[], :counting::boolean[]) WITH ORDINALITY
    AS asked(client, idempotency_key, counting, place)
LEFT JOIN LATERAL (
    SELECT task_id, request_digest FROM tasks
    WHERE tasks.client = asked.client AND tasks.idempotency_key BETWEEN asked.idempotency_key AND asked.idempotency_key
    ORDER BY tasks.idempotency_key LIMIT 1) AS known ON true
ORDER BY place;

-- name: find_proven_task
-- The newest finished task of the same client, program and inputs whose bundle is still there, and is not by an engine that
-- was stopped.
SELECT task_id FROM tasks
WHERE client = :client AND program_digest = :program_digest AND inputs_digest = :inputs_digest AND state = 'done'
  AND EXISTS (SELECT 1 FROM artifacts WHERE digest = tasks.bundle_digest)
  AND NOT EXISTS (SELECT 1 FROM jobs JOIN engine_stops ON engine = split_part(lane, '/', 2)
    WHERE jobs.task_id = tasks.task_id AND resumed_ms IS NULL)
ORDER BY finished_ms DESC LIMIT 1;

-- name: admit_tasks
-- One statement, one transaction: `tasks`: a JSON list, each with its first event and its escrow's transfer; `jobs`: a
-- JSON list of theirs, `small_inputs`: the jobs' inputs, NULL for one that is an artifact; `deadline_ms`: of tasks that
-- name none, from now; `origin`: the gateway that wakes its own market without this notification, or empty. A task whose
-- key is taken gives no row and leaves nothing behind.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(:tasks::jsonb) AS g(task_id uuid, client text, program_digest text,
        idempotency_key text, request_digest text, statement jsonb, inputs int, limit_price bigint, units bigint,
        escrow bigint, deadline_ms bigint, jobs_open int, inputs_digest text, hedging boolean, raise_permille int,
        raise_every_ms bigint, raise_max bigint, accepted jsonb, transfer jsonb, subnetwork text, quote_id uuid, api_key text,
        seal jsonb, tags text[])
), admitted AS (
    INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement, inputs,
        limit_price, units, escrow, deadline_ms, jobs_open, inputs_digest, hedging, raise_permille, raise_every_ms,
        raise_max, raise_at_ms, event_seq, subnetwork, quote_id, seal, tags)
    SELECT task_id, client, program_digest, 'open', idempotency_key, request_digest, statement, inputs, limit_price,
        units, escrow, CASE WHEN deadline_ms > 0 THEN deadline_ms ELSE now_ms() + :deadline_ms END, jobs_open, inputs_digest,
        coalesce(hedging, false), raise_permille, raise_every_ms, raise_max, now_ms() + raise_every_ms, 1, subnetwork, quote_id,
        seal, tags
    FROM given
    ON CONFLICT (client, idempotency_key) DO NOTHING RETURNING task_id, client, limit_price, deadline_ms, created_ms
), tagged AS (
    INSERT INTO task_tags (client, tag, created_ms, task_id)
    SELECT admitted.client, unnest(given.tags), admitted.created_ms, task_id FROM given JOIN admitted USING (task_id)
    WHERE given.tags IS NOT NULL
), events AS (
    INSERT INTO task_events (task_id, seq, kind, data) SELECT task_id, 1, 'accepted', accepted FROM given JOIN admitted
    USING (task_id)
), fresh AS (
    SELECT g.*, admitted.client, admitted.limit_price FROM ROWS FROM (
        jsonb_to_recordset(:jobs::jsonb) AS (job_id uuid, task_id uuid, slice int, input int, position int, lane text,
            class text, units bigint, memory_bytes bigint, depends_on int[], input_digest text, input_bytes bigint,
            facts jsonb, stack text, constraints jsonb, sizes bigint, said_units bigint, said_memory_bytes bigint),
        unnest(:small_inputs::bytea[])
    ) AS g(job_id, task_id, slice, input, position, lane, class, units, memory_bytes, depends_on, input_digest,
        input_bytes, facts, stack, constraints, sizes, said_units, said_memory_bytes, small_input)
    JOIN admitted USING (task_id)
), constrained AS (
    INSERT INTO lane_constraints (lane, stack, constraints)
    SELECT DISTINCT lane, stack, constraints FROM fresh WHERE constraints IS NOT NULL ORDER BY lane
    ON CONFLICT (lane) DO UPDATE SET used_ms = now_ms() WHERE lane_constraints.used_ms < now_ms() - 86400000
), waiting AS (
    INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes, depends_on,
        input_digest, facts, limit_price, small_input, sizes, said_units, said_memory_bytes)
    SELECT job_id, task_id, slice, input, position, CASE WHEN depends_on = '{}' THEN 'ready' ELSE 'waiting' END,
        lane, class, units, memory_bytes, depends_on, input_digest, facts, limit_price, small_input, coalesce(sizes, 0),
        said_units, said_memory_bytes
    FROM fresh
), stored AS (
    -- Stored again is young again: see record_artifacts.
    INSERT INTO artifacts (digest, owner, size_bytes)
    SELECT DISTINCT input_digest, client, input_bytes FROM fresh WHERE small_input IS NULL ORDER BY 1, 2
    ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms, released = false
), spent AS (
    SELECT spend_by_keys(jsonb_agg(jsonb_build_object('key_id', api_key, 'amount', escrow)))
    FROM given JOIN admitted USING (task_id) WHERE api_key IS NOT NULL HAVING count(*) > 0
), paid AS (
    -- Accounts are locked last, after the keys that spend.
    SELECT post_transfers(jsonb_agg(transfer ORDER BY task_id)) FROM given JOIN admitted USING (task_id)
    HAVING count(*) > 0 AND (SELECT count(*) FROM spent) >= 0
), woken AS (
    SELECT pg_notify('lanes', concat_ws(' ', lane, nullif(:origin, ''))) FROM fresh GROUP BY lane
)
SELECT task_id, deadline_ms, created_ms FROM admitted WHERE (SELECT count(*) FROM paid) + (SELECT count(*) FROM woken) >= 0;
