-- name: engines_of_program
-- The engines that built a program, the newest first, and how they stand in the network; :others: those of proof systems
-- for which none is written down.
WITH built AS (
    SELECT engine, added_ms FROM program_engines WHERE program_digest = :digest
    UNION ALL
    SELECT other, 0 FROM unnest(:others::text[]) AS given(other) WHERE NOT EXISTS (
        SELECT FROM program_engines WHERE program_digest = :digest AND split_part(engine, '@', 1) = split_part(other, '@', 1))
), offered AS (
    SELECT DISTINCT ask FROM sessions CROSS JOIN LATERAL jsonb_object_keys(asks) AS ask WHERE open AND NOT draining
)
SELECT built.engine, stop.reason AS stopped, EXISTS (SELECT FROM offered WHERE ask = built.engine) AS is_offered,
    EXISTS (SELECT FROM offered WHERE split_part(ask, '@', 1) = split_part(built.engine, '@', 1)) AS others_are_offered
FROM built LEFT JOIN engine_stops AS stop ON stop.engine = built.engine AND stop.resumed_ms IS NULL
ORDER BY added_ms DESC, built.engine;

-- name: insert_program_engines
-- Whatever builds a program again is the newest, and is told to those who hold what they read.
WITH built AS (
    INSERT INTO program_engines (program_digest, engine) SELECT :program_digest, engine FROM unnest(:engines::text[]) AS g(engine)
    ON CONFLICT (program_digest, engine) DO UPDATE SET added_ms = excluded.added_ms
)
SELECT pg_notify('engines', :program_digest::text);

-- name: stop_of_engine
-- Why the first of these engines that is stopped was stopped; no row: none is.
SELECT engine, reason FROM engine_stops WHERE engine = ANY(:engines::text[]) AND resumed_ms IS NULL ORDER BY engine LIMIT 1;

-- name: unversioned_with_jobs
-- Of these proof systems those that have open jobs in lanes of no version, from before programs told their engines.
SELECT system FROM unnest(:systems::text[]) AS given(system) WHERE EXISTS (
    SELECT FROM unnest(:subnetworks::text[]) AS s(subnetwork)
        CROSS JOIN LATERAL waiting_lanes(subnetwork || '/' || system) AS lane);

-- name: lanes_of_leases
SELECT DISTINCT lane FROM leases WHERE lease_id = ANY(:lease_ids::uuid[]);

-- name: list_engines
-- Every engine that built a program, that a connected prover offers, that has open tasks, that was stopped, or that is
-- :here; with its provers, its work and the stop that stands.
WITH offered AS (
    SELECT ask AS engine, count(*) FILTER (WHERE NOT draining) AS provers, count(*) FILTER (WHERE draining) AS draining,
        coalesce(sum(slots) FILTER (WHERE NOT draining), 0) AS slots
    FROM sessions CROSS JOIN LATERAL jsonb_object_keys(asks) AS ask WHERE open GROUP BY ask
), work AS (
    SELECT split_part(lane, '/', 2) AS engine, count(DISTINCT task_id) AS tasks,
        count(*) FILTER (WHERE jobs.state IN (@jobs_open)) AS jobs, count(*) FILTER (WHERE jobs.state = 'leased') AS busy
    FROM tasks JOIN jobs USING (task_id) WHERE tasks.state IN (@tasks_open) GROUP BY 1
), built AS (
    SELECT engine, count(*) AS programs FROM program_engines GROUP BY engine
), named AS (
    SELECT engine FROM offered UNION SELECT engine FROM work UNION SELECT engine FROM built
    UNION SELECT engine FROM engine_stops UNION SELECT engine FROM unnest(:here::text[]) AS given(engine)
)
SELECT named.engine, named.engine = ANY(:here::text[]) AS is_here, coalesce(provers, 0) AS provers, coalesce(draining, 0) AS provers_draining,
    coalesce(slots, 0)::bigint AS slots, coalesce(busy, 0) AS slots_busy, coalesce(programs, 0) AS programs,
    coalesce(tasks, 0) AS tasks_open, coalesce(jobs, 0) AS jobs_open, coalesce(stop.reason, '') AS stopped_reason,
    coalesce(stop.stopped_ms, 0) AS stopped_ms, coalesce(stop.stopped_by, '') AS stopped_by
FROM named LEFT JOIN offered ON offered.engine = named.engine LEFT JOIN work ON work.engine = named.engine
    LEFT JOIN built ON built.engine = named.engine
    LEFT JOIN engine_stops AS stop ON stop.engine = named.engine AND stop.resumed_ms IS NULL
ORDER BY named.engine;

-- name: stops_of_engines
-- Newest first, those that were resumed too.
SELECT engine, reason, stopped_by, stopped_ms, resumed_by, coalesce(resumed_ms, 0) AS resumed_ms
FROM engine_stops ORDER BY stop_id DESC LIMIT :limit;

-- name: stop_engine
-- From the commit on nothing is admitted, sold or paid for it, and the watches end its tasks. Nothing comes back when it is
-- stopped already.
WITH fresh AS (
    INSERT INTO engine_stops (engine, reason, stopped_by) VALUES (:engine, :reason, :by)
    ON CONFLICT (engine) WHERE resumed_ms IS NULL DO NOTHING RETURNING stop_id
)
SELECT stop_id FROM fresh CROSS JOIN LATERAL pg_notify('engines', '') AS told CROSS JOIN LATERAL pg_notify('expiry', '') AS woken;

-- name: resume_engine
-- Nothing comes back when it is not stopped.
WITH resumed AS (
    UPDATE engine_stops SET resumed_by = :by, resumed_ms = now_ms() WHERE engine = :engine AND resumed_ms IS NULL RETURNING stop_id
)
SELECT stop_id FROM resumed CROSS JOIN LATERAL pg_notify('engines', '') AS told;

-- name: stops_to_sweep
-- Stops that stand and whose open tasks may not all have ended. Until :settled_ms after a stop a request that was checked
-- before it may still be written down.
SELECT stop_id, engine, reason, stopped_ms <= now_ms() - :settled_ms AS is_settled
FROM engine_stops WHERE resumed_ms IS NULL AND NOT swept ORDER BY stop_id;

-- name: tasks_of_engine
-- Open tasks with jobs of an engine, proven ones too.
SELECT task_id FROM tasks WHERE state IN (@tasks_open) AND EXISTS (
    SELECT FROM jobs WHERE jobs.task_id = tasks.task_id AND split_part(lane, '/', 2) = :engine)
ORDER BY task_id LIMIT :limit;

-- name: note_swept
UPDATE engine_stops SET swept = true WHERE stop_id = :stop_id;

-- name: accepted_by_engine
-- Proofs by an engine that were paid for, newest first, from below a fence on.
SELECT leases.task_id, tasks.client, tasks.program_digest, tasks.state AS task_state,
    coalesce(tasks.bundle_digest, '') AS bundle_digest, jobs.slice, jobs.input, coalesce(jobs.proof_digest, '') AS proof_digest,
    leases.prover_id, leases.operator, leases.units * leases.sell_price AS paid, coalesce(leases.ended_ms, 0) AS accepted_ms,
    leases.fence
FROM leases JOIN jobs USING (lease_id) JOIN tasks ON tasks.task_id = leases.task_id
WHERE leases.state = 'settled' AND split_part(leases.lane, '/', 2) = :engine AND leases.fence < :below
ORDER BY leases.fence DESC LIMIT :limit;
