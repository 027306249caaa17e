-- name: get_task
SELECT task_id, client, state, program_digest, limit_price, escrow, spent, units, deadline_ms, created_ms, finished_ms,
    failure_code, failure_detail, bundle_digest, inputs, quote_id, coalesce(subnetwork, 'default') AS subnetwork
FROM tasks WHERE task_id = :task_id;

-- name: list_tasks
-- Newest first; an empty :state means all, an empty :subnetwork as well.
SELECT task_id, client, state, program_digest, limit_price, escrow, spent, units, deadline_ms, created_ms, finished_ms,
    failure_code, failure_detail, bundle_digest, inputs, quote_id, coalesce(subnetwork, 'default') AS subnetwork
FROM tasks WHERE client = :client AND (:state = '' OR state = :state)
  AND (:subnetwork = '' OR coalesce(subnetwork, 'default') = :subnetwork) ORDER BY created_ms DESC LIMIT :limit;

-- name: tasks_between
-- The client's with an id from :first to :last, by the primary key; newest first.
SELECT task_id, client, state, program_digest, limit_price, escrow, spent, units, deadline_ms, created_ms, finished_ms,
    failure_code, failure_detail, bundle_digest, inputs, quote_id, coalesce(subnetwork, 'default') AS subnetwork
FROM tasks WHERE task_id BETWEEN :first AND :last AND client = :client AND (:state = '' OR state = :state)
  AND (:subnetwork = '' OR coalesce(subnetwork, 'default') = :subnetwork)
ORDER BY created_ms DESC LIMIT :limit;

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
