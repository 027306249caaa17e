-- fragment: task_columns
task_id, client, state, program_digest, limit_price, escrow, spent, units, deadline_ms, created_ms,
    finished_ms, failure_code, failure_detail, bundle_digest, inputs, quote_id, coalesce(subnetwork, 'default') AS subnetwork,
    coalesce(tags, '{}') AS tags, replay_of

-- fragment: task_is_wanted
tasks.client = :client AND (:state = '' OR state = :state) AND (:program_digest = '' OR program_digest = :program_digest)
  AND (:subnetwork = '' OR coalesce(subnetwork, 'default') = :subnetwork)
  AND tasks.created_ms >= :since_ms AND tasks.created_ms < :until_ms

-- name: get_task
SELECT @task_columns FROM tasks WHERE task_id = :task_id;

-- name: list_tasks
-- Newest first, after the one that was made at :before_ms and has :before_id; what is empty demands nothing.
SELECT @task_columns FROM tasks
WHERE @task_is_wanted AND (created_ms, task_id) < (:before_ms::bigint, :before_id::uuid)
ORDER BY created_ms DESC, task_id DESC LIMIT :limit;

-- name: tasks_with_tag
-- The same of those with a :tag.
SELECT @task_columns FROM (
    SELECT task_id AS tagged_id FROM task_tags JOIN tasks USING (task_id)
    WHERE task_tags.client = :client AND tag = :tag AND task_tags.created_ms >= :since_ms
      AND (task_tags.created_ms, task_id) < (:before_ms::bigint, :before_id::uuid) AND @task_is_wanted
    ORDER BY task_tags.created_ms DESC, task_id DESC LIMIT :limit) AS tagged
JOIN tasks ON tasks.task_id = tagged_id ORDER BY created_ms DESC, task_id DESC;

-- name: tasks_between
-- The same with an id from :first to :last, by the primary key.
SELECT @task_columns FROM tasks
WHERE task_id BETWEEN :first AND :last AND @task_is_wanted
  AND (created_ms, task_id) < (:before_ms::bigint, :before_id::uuid)
ORDER BY created_ms DESC, task_id DESC LIMIT :limit;

-- name: tasks_to_cancel
-- Those that are not over yet, newest first.
SELECT task_id FROM tasks WHERE @task_is_wanted AND (:tag = '' OR :tag = ANY(tags)) AND state IN (@tasks_open)
ORDER BY created_ms DESC, task_id DESC LIMIT :limit;

-- name: tasks_to_replay
-- Those that ended without a proof and were not replayed, newest first.
SELECT task_id FROM tasks
WHERE @task_is_wanted AND (:tag = '' OR :tag = ANY(tags)) AND state IN ('failed', 'cancelled')
  AND NOT EXISTS (SELECT FROM tasks AS again WHERE again.replay_of = tasks.task_id)
ORDER BY created_ms DESC, task_id DESC LIMIT :limit;

-- name: jobs_of_task
-- With the lease that counts, and how far it is.
SELECT jobs.job_id, jobs.slice, jobs.input, jobs.state, jobs.units, jobs.class AS job_class, jobs.attempts, leases.operator,
    leases.prover_id, leases.buy_price, CASE jobs.state WHEN 'leased' THEN leases.stage ELSE '' END AS stage,
    CASE jobs.state WHEN 'leased' THEN leases.permille WHEN 'proven' THEN 1000 ELSE 0 END AS permille
FROM jobs LEFT JOIN leases USING (lease_id)
WHERE jobs.task_id = :task_id ORDER BY position;

-- name: events_after
-- For all who watch: of each task (:task_ids), in order, those after its cursor, :limit at most, their data as text; and
-- whether the task had ended at that moment. A task without such events has one row without one.
SELECT place, coalesce((SELECT finished_ms IS NOT NULL FROM tasks WHERE tasks.task_id = asked.task_id), true) AS has_ended,
    seq, kind, data::text AS data, at_ms
FROM unnest(:task_ids::uuid[], :cursors::bigint[]) WITH ORDINALITY AS asked(task_id, cursor, place)
LEFT JOIN LATERAL (
    SELECT seq, kind, data, at_ms FROM task_events
    WHERE task_events.task_id = asked.task_id AND seq > asked.cursor ORDER BY seq LIMIT :limit) AS found ON true
ORDER BY place, seq;

-- name: last_event
SELECT coalesce((SELECT max(seq) FROM task_events WHERE task_events.task_id = tasks.task_id), 0)::bigint AS seq,
    finished_ms IS NOT NULL AS has_ended
FROM tasks WHERE task_id = :task_id;
