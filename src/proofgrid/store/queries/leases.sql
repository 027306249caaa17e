-- name: offer_leases
-- What this gateway has to hand to its provers, with what the prover needs to know. $3: how long a lease lives without
-- a heartbeat, $5: how long until the prover's first word, ms.
UPDATE leases SET state = 'offered', phase_until_ms = at_ms + $5, expires_ms = least(at_ms + $3, at_ms + $5, until_ms)
FROM jobs, tasks, (SELECT now_ms() AS at_ms) AS clock
WHERE leases.gateway_id = $1 AND leases.state = 'granted' AND leases.state = ANY($2::text[])
  AND leases.session_id = ANY($4::uuid[]) AND jobs.job_id = leases.job_id AND tasks.task_id = leases.task_id
RETURNING leases.lease_id, leases.fence, leases.session_id, leases.job_id, leases.units, leases.sell_price,
    leases.until_ms - at_ms AS run_ms, jobs.slice, jobs.input_digest, jobs.small_input, jobs.memory_bytes,
    tasks.program_digest;

-- name: get_lease
SELECT leases.*, ran_ms(leases) AS ran_ms, jobs.slice, jobs.input, jobs.facts, tasks.program_digest, tasks.client
FROM leases JOIN jobs USING (job_id)
JOIN tasks ON tasks.task_id = leases.task_id WHERE leases.lease_id = $1;

-- name: lock_lease
-- After its task's row is locked.
SELECT * FROM leases WHERE lease_id = $1 FOR NO KEY UPDATE;

-- name: tasks_of_leases
SELECT DISTINCT task_id FROM leases WHERE lease_id = ANY($1::uuid[]);

-- name: leases_of_progress
-- The tasks' rows are locked. $1: leases, $2: fences, $3: sessions. Their timers, with the place of their jobs.
SELECT leases.lease_id, leases.task_id, leases.prover_id, leases.state, leases.expires_ms, leases.phase_until_ms,
    leases.until_ms, leases.prove_ms, leases.started_ms, leases.permille, jobs.slice, jobs.input, now_ms() AS now_ms
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS given(lease_id, fence, session_id)
JOIN leases USING (lease_id, fence, session_id) JOIN jobs ON jobs.job_id = leases.job_id
WHERE leases.state IN ('offered', 'running') ORDER BY leases.lease_id FOR NO KEY UPDATE OF leases;

-- name: note_progress
-- The leases' rows are locked. $1: leases, and what their timers are from now on.
UPDATE leases SET state = given.state, expires_ms = given.expires_ms, phase_until_ms = given.phase_until_ms,
    started_ms = given.started_ms, permille = given.permille, stage = given.stage
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::text[])
    AS given(lease_id, state, expires_ms, phase_until_ms, started_ms, permille, stage)
WHERE leases.lease_id = given.lease_id;

-- name: end_lease
-- $2: the new state, $3: the states it may come from.
UPDATE leases SET state = $2, ended_ms = now_ms(), reason = $4, detail = $5
WHERE lease_id = $1 AND state = ANY($3::text[]) RETURNING lease_id;

-- name: expired_leases
SELECT lease_id, task_id FROM leases
WHERE state IN ('granted', 'offered', 'running', 'reported') AND expires_ms <= now_ms()
ORDER BY expires_ms LIMIT 200;

-- name: next_expiry
SELECT min(expires_ms) - now_ms() FROM leases WHERE state IN ('granted', 'offered', 'running', 'reported');

-- name: job_of_lease
-- The job that a lease was for, while it is leased, and another lease that is held for it.
SELECT jobs.*, rival.lease_id AS rival_id FROM leases JOIN jobs USING (job_id)
LEFT JOIN leases AS rival ON rival.job_id = leases.job_id AND rival.lease_id <> leases.lease_id
    AND rival.state IN ('granted', 'offered', 'running', 'reported')
WHERE leases.lease_id = $1 AND jobs.state = 'leased';

-- name: return_job
-- $2: the states it may come from.
UPDATE jobs SET state = 'ready', lease_id = NULL, hedge_price = NULL, returns = returns + 1, attempts = $3,
    not_before_ms = $4, excluded = excluded || jsonb_build_object($5::text, $6::bigint)
WHERE job_id = $1 AND state = ANY($2::text[]) RETURNING lane;

-- name: tell_session_to_stop
SELECT pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
    'reason', $2::text)::text) FROM leases WHERE lease_id = $1;

-- name: close_sessions_without_stream
-- $2: the sessions whose streams this gateway holds. Others of its own could not be closed when their streams ended,
-- because the database was away; their leases get a grace to come back with a new session. One that has just been opened
-- may have come while this list of streams was on its way.
WITH closed AS (
    UPDATE sessions SET open = false
    WHERE gateway_id = $1 AND open AND session_id <> ALL($2::uuid[]) AND opened_ms < now_ms() - 15000
    RETURNING session_id, prover_id
), cut AS (
    SELECT lease_id FROM leases JOIN closed USING (session_id, prover_id)
    WHERE leases.state IN ('granted', 'offered', 'running') ORDER BY lease_id FOR NO KEY UPDATE OF leases
)
UPDATE leases SET expires_ms = least(expires_ms, now_ms() + $3) FROM cut WHERE leases.lease_id = cut.lease_id;

-- name: extend_unheard_leases
-- After the database was away: what ran out meanwhile, or could not be noted, may be heard of once more; no longer than
-- its own limit.
UPDATE leases SET expires_ms = least(at_ms + $1, until_ms), phase_until_ms = greatest(phase_until_ms, at_ms + $1)
FROM (SELECT now_ms() AS at_ms) AS clock
WHERE state IN ('offered', 'running') AND expires_ms < at_ms + $1 AND until_ms > at_ms;
