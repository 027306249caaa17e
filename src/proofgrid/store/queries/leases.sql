-- name: offer_leases
-- What this gateway has to hand to its provers, with what the prover needs to know, for a wrap the proofs that it takes. :silent_ms: how long a lease lives
-- without a heartbeat, :pick_up_ms: how long until the prover's first word. Leases are locked in the order of their ids,
-- here as everywhere.
WITH granted AS (
    SELECT lease_id FROM leases
    WHERE gateway_id = :gateway_id AND state = 'granted' AND session_id = ANY(:session_ids::uuid[])
    ORDER BY lease_id FOR NO KEY UPDATE
)
UPDATE leases SET state = 'offered', phase_until_ms = at_ms + :pick_up_ms,
    expires_ms = least(at_ms + :silent_ms, at_ms + :pick_up_ms, until_ms)
FROM granted, jobs, tasks, (SELECT now_ms() AS at_ms) AS clock
WHERE leases.lease_id = granted.lease_id AND jobs.job_id = leases.job_id AND tasks.task_id = leases.task_id
RETURNING leases.lease_id, leases.fence, leases.session_id, leases.task_id, leases.job_id, leases.units, leases.sell_price,
    leases.until_ms - at_ms AS run_ms, at_ms - leases.granted_ms AS untold_ms, jobs.slice, jobs.input_digest,
    jobs.small_input, jobs.memory_bytes, tasks.program_digest, CASE WHEN jobs.depends_on <> '{}' THEN (
        SELECT jsonb_agg(jsonb_build_object('slice', part.slice, 'input', part.input, 'proof', part.proof_digest,
            'small', encode(part.small_proof, 'base64'), 'public', part.public) ORDER BY part.position)
        FROM jobs AS part WHERE part.task_id = jobs.task_id AND part.position = ANY(jobs.depends_on)) END AS parts,
    CASE WHEN tasks.seal IS NOT NULL THEN tasks.seal - 'seals' || jsonb_build_object('client', tasks.client, 'input',
        jobs.input, 'facts', jobs.facts, 'own', tasks.seal -> 'seals' -> leases.prover_id) END AS seal;

-- name: get_lease
SELECT leases.lease_id, leases.task_id, leases.fence, leases.operator, leases.prover_id, leases.lane, leases.units,
    ran_ms(leases) AS ran_ms, tasks.client, tasks.limit_price
FROM leases JOIN tasks USING (task_id) WHERE lease_id = :lease_id;

-- name: leases_of_operator
-- Those of :lease_ids, with their :fences, that are or were :operator's.
SELECT lease_id FROM leases JOIN unnest(:lease_ids::uuid[], :fences::bigint[]) AS given(lease_id, fence)
    USING (lease_id, fence) WHERE leases.operator = :operator;

-- name: hold_lease
-- Its prover is done with it and the gateway is not: for :hold_ms it runs out by no timer.
UPDATE leases SET expires_ms = greatest(expires_ms, at_ms + :hold_ms), until_ms = greatest(until_ms, at_ms + :hold_ms),
    phase_until_ms = greatest(phase_until_ms, at_ms + :hold_ms)
FROM (SELECT now_ms() AS at_ms) AS clock
WHERE lease_id = :lease_id AND state IN (@leases_held) RETURNING lease_id;

-- name: excused_job
-- What a lease's prover had to fetch, how long ago it was sold, and whether a gateway went away since then: it was silent
-- for :silent_ms.
SELECT t.program_digest, j.slice, j.input_digest, j.small_input, now_ms() - l.granted_ms AS age_ms,
    ARRAY(SELECT part.proof_digest FROM jobs AS part WHERE part.task_id = j.task_id
        AND part.position = ANY(j.depends_on) AND part.small_proof IS NULL) AS proof_digests, j.depends_on <> '{}' AS wraps,
    t.seal IS NOT NULL AS is_sealed,
    EXISTS (SELECT 1 FROM gateways g WHERE g.seen_ms BETWEEN l.granted_ms AND now_ms() - :silent_ms)
        OR NOT EXISTS (SELECT 1 FROM gateways g WHERE g.gateway_id = l.gateway_id) AS gateway_failed
FROM leases l JOIN jobs j USING (job_id) JOIN tasks t ON t.task_id = l.task_id WHERE l.lease_id = :lease_id;

-- name: tries_of_job
-- Which operators' leases of a job ended for which reasons, and how often; they are found by its task.
SELECT operator, reason, count(*) AS times FROM leases
WHERE task_id = :task_id AND job_id = :job_id AND state IN ('failed', 'expired') GROUP BY operator, reason;

-- name: lock_lease
-- After its task's row is locked.
SELECT prover_id, state, expires_ms, phase_until_ms, until_ms, prove_ms, started_ms, permille, reason
FROM leases WHERE lease_id = :lease_id FOR NO KEY UPDATE;

-- name: was_heard
-- Did the prover of a lease send a heartbeat after it was told, which was :pick_up_ms before the end of that phase?
SELECT EXISTS (SELECT 1 FROM sessions s WHERE s.session_id = leases.session_id AND s.open
    AND s.seen_ms > leases.phase_until_ms - :pick_up_ms) FROM leases WHERE lease_id = :lease_id;

-- name: tasks_of_leases
SELECT DISTINCT task_id FROM leases WHERE lease_id = ANY(:lease_ids::uuid[]);

-- name: leases_of_progress
-- The tasks' rows are locked. The timers of these leases, with the place of their jobs.
SELECT leases.lease_id, leases.task_id, leases.prover_id, leases.state, leases.expires_ms, leases.phase_until_ms,
    leases.until_ms, leases.prove_ms, leases.started_ms, leases.permille, jobs.slice, jobs.input, now_ms() AS now_ms
FROM unnest(:lease_ids::uuid[], :fences::bigint[], :session_ids::uuid[]) AS given(lease_id, fence, session_id)
JOIN leases USING (lease_id, fence, session_id) JOIN jobs ON jobs.job_id = leases.job_id
WHERE leases.state IN (@leases_told) ORDER BY leases.lease_id FOR NO KEY UPDATE OF leases;

-- name: note_progress
-- The leases' rows are locked. What their timers are from now on.
UPDATE leases SET state = given.state, expires_ms = given.expires_ms, phase_until_ms = given.phase_until_ms,
    until_ms = given.until_ms, started_ms = given.started_ms, permille = given.permille, stage = given.stage
FROM unnest(:lease_ids::uuid[], :states::text[], :expires_ms::bigint[], :phase_until_ms::bigint[], :until_ms::bigint[],
    :started_ms::bigint[], :permilles::int[], :stages::text[])
    AS given(lease_id, state, expires_ms, phase_until_ms, until_ms, started_ms, permille, stage)
WHERE leases.lease_id = given.lease_id;

-- name: end_lease
-- :sources: the states it may come from.
UPDATE leases SET state = :state, ended_ms = now_ms(), reason = :reason, detail = :detail
WHERE lease_id = :lease_id AND state = ANY(:sources::text[]) RETURNING lease_id;

-- name: refuse_late
-- A result came after its lease had ended, for one of :late_reasons, and was refused: no other one is taken of this lease.
-- Its task's row is locked.
UPDATE leases SET reason = :reason, detail = :detail
WHERE lease_id = :lease_id AND state = ANY(:sources::text[]) AND reason = ANY(:late_reasons::text[]) RETURNING lease_id;

-- name: bar_from_job
-- The :excluded prover gets no lease of this lease's job any more.
UPDATE jobs SET excluded = jobs.excluded || jsonb_build_object(:excluded::text, :excluded_until_ms::bigint)
FROM leases WHERE leases.lease_id = :lease_id AND jobs.job_id = leases.job_id AND jobs.state IN (@jobs_open);

-- name: expired_leases
SELECT lease_id, task_id FROM leases
WHERE state IN (@leases_held) AND expires_ms <= now_ms()
ORDER BY expires_ms LIMIT 200;

-- name: next_expiry
SELECT min(expires_ms) - now_ms() FROM leases WHERE state IN (@leases_held);

-- name: job_of_lease
-- The job that a lease was for, while it is leased, and another lease that is held for it.
SELECT jobs.job_id, jobs.task_id, jobs.slice, jobs.input, jobs.attempts, jobs.returns, jobs.excluded,
    jobs.last_word, jobs.last_word_until_ms > now_ms() AS waits_for_last_word, rival.lease_id AS rival_id,
    ARRAY(SELECT jsonb_object_keys(tasks.seal -> 'seals')) AS sealed_for
FROM leases JOIN jobs USING (job_id) JOIN tasks ON tasks.task_id = leases.task_id
LEFT JOIN leases AS rival ON rival.job_id = leases.job_id AND rival.lease_id <> leases.lease_id
    AND rival.state IN (@leases_held)
WHERE leases.lease_id = :lease_id AND jobs.state = 'leased';

-- name: return_job
-- :sources: the states it may come from.
UPDATE jobs SET state = 'ready', lease_id = NULL, hedge_price = NULL, returns = returns + 1, attempts = :attempts,
    not_before_ms = :not_before_ms,
    excluded = excluded || jsonb_build_object(:excluded::text, :excluded_until_ms::bigint)
WHERE job_id = :job_id AND state = ANY(:sources::text[]) RETURNING lane;

-- name: ask_last_word
-- The :operator alone gets the job for :last_word_ms; :others do not.
UPDATE jobs SET last_word = :operator, last_word_until_ms = now_ms() + :last_word_ms,
    excluded = excluded || (SELECT coalesce(jsonb_object_agg(other, now_ms() + :last_word_ms), '{}')
        FROM unnest(:others::text[]) AS given(other))
WHERE job_id = :job_id;

-- name: tell_session_to_stop
SELECT pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
    'reason', :reason::text)::text) FROM leases WHERE lease_id = :lease_id;

-- name: close_sessions_without_stream
-- :session_ids: those whose streams this gateway holds. Others of its own could not be closed when their streams ended,
-- because the database was away; their leases get a grace to come back with a new session. One that has just been opened
-- may have come while this list of streams was on its way.
WITH closed AS (
    UPDATE sessions SET open = false
    WHERE gateway_id = :gateway_id AND open AND session_id <> ALL(:session_ids::uuid[]) AND opened_ms < now_ms() - 15000
    RETURNING session_id, prover_id
), cut AS (
    SELECT lease_id FROM leases JOIN closed USING (session_id, prover_id)
    WHERE leases.state IN (@leases_in_flight) ORDER BY lease_id FOR NO KEY UPDATE OF leases
)
UPDATE leases SET expires_ms = least(expires_ms, now_ms() + :grace_ms) FROM cut WHERE leases.lease_id = cut.lease_id;

-- name: stop_clocks
-- A gateway is late, or nobody could note anything: these leases have at least :grace_ms from now on, whatever they wait
-- for (after_lateness). :everywhere: all leases; :everybody: those of this gateway; or those of sessions and leases by id.
WITH late AS (
    SELECT lease_id FROM leases WHERE state IN (@leases_in_flight) AND expires_ms < now_ms() + :grace_ms * 3 / 4
      AND (:everywhere OR (:everybody AND gateway_id = :gateway_id) OR session_id = ANY(:session_ids::uuid[])
        OR lease_id = ANY(:lease_ids::uuid[]))
    ORDER BY lease_id FOR NO KEY UPDATE
)
UPDATE leases SET expires_ms = greatest(expires_ms, at_ms + :grace_ms),
    phase_until_ms = greatest(phase_until_ms, at_ms + :grace_ms), until_ms = greatest(until_ms, at_ms + :grace_ms)
FROM late, (SELECT now_ms() AS at_ms) AS clock WHERE leases.lease_id = late.lease_id;
