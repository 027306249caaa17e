-- name: lock_tasks_with_ready_jobs
-- The tasks whose jobs can be sold in a lane now, locked for the round; what somebody else changes at this moment is
-- skipped, and the round says that it should be held again soon.
SELECT t.task_id, t.client, t.program_digest, t.limit_price, t.deadline_ms
FROM tasks t
WHERE t.state = 'open' AND t.deadline_ms > now_ms() AND t.task_id IN (
    SELECT task_id FROM jobs WHERE state = 'ready' AND lane = $1 AND not_before_ms <= now_ms()
    ORDER BY not_before_ms LIMIT $2)
ORDER BY t.task_id FOR UPDATE OF t SKIP LOCKED;

-- name: tasks_were_skipped
-- Is there a ready job in the lane of a task that is not among these?
SELECT EXISTS (
    SELECT 1 FROM jobs JOIN tasks t USING (task_id)
    WHERE jobs.state = 'ready' AND lane = $1 AND not_before_ms <= now_ms() AND t.state = 'open'
      AND t.deadline_ms > now_ms() AND task_id <> ALL($2::uuid[]));

-- name: ready_jobs
SELECT job_id, task_id, units, memory_bytes, excluded, slice, input FROM jobs
WHERE task_id = ANY($1::uuid[]) AND state = 'ready' AND lane = $2 AND not_before_ms <= now_ms()
ORDER BY task_id, position;

-- name: next_ready
-- Milliseconds until the next job that waits for its time may be sold, per lane.
SELECT lane, min(not_before_ms) - now_ms() AS wait_ms FROM jobs WHERE state = 'ready' GROUP BY lane;

-- name: last_round
SELECT number, transcript_hash, next_reference FROM rounds WHERE lane = $1 ORDER BY number DESC LIMIT 1;

-- name: lock_lane
-- One round of a lane at a time, whichever gateway runs it. $2: how long it may be silent before it loses the round, ms.
SELECT pg_try_advisory_xact_lock(hashtextextended('lane:' || $1, 0))
FROM set_config('idle_in_transaction_session_timeout', $2, true);

-- name: lead_lane
-- Under the lane's lock: the epoch of this gateway's lead, a new one when another gateway led before.
INSERT INTO lanes (lane, leader) VALUES ($1, $2)
ON CONFLICT (lane) DO UPDATE SET leader = excluded.leader,
    epoch = lanes.epoch + (lanes.leader <> excluded.leader)::int,
    since_ms = CASE WHEN lanes.leader = excluded.leader THEN lanes.since_ms ELSE now_ms() END
RETURNING epoch;

-- name: insert_round
-- Nothing comes back, and nothing is written, when the epoch is not that of the lane any more.
INSERT INTO rounds (lane, number, transcript, transcript_hash, signature, buy_price, sell_price, units, bids, asks,
    next_reference, epoch)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, epoch FROM lanes WHERE lane = $1 AND epoch = $12 AND leader = $13
RETURNING number;

-- name: grant_leases
-- $1: JSON list of leases, $5: the states from which a job is sold. The job and its lease change together.
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(lease_id uuid, job_id uuid, task_id uuid, prover_id text,
        operator text, session_id uuid, gateway_id uuid, units bigint, run_ms bigint)
), sold AS (
    UPDATE jobs SET state = 'leased', lease_id = given.lease_id, stage = '', permille = 0
    FROM given WHERE jobs.job_id = given.job_id AND jobs.state = ANY($7::text[]) RETURNING jobs.job_id
)
INSERT INTO leases (lease_id, job_id, task_id, prover_id, operator, session_id, gateway_id, lane, round, units,
    buy_price, sell_price, state, expires_ms, until_ms, epoch)
SELECT lease_id, given.job_id, task_id, prover_id, operator, session_id, gateway_id, $2, $3, units, $4, $5, 'granted',
    now_ms() + $6, now_ms() + $6 + run_ms, $8
FROM given JOIN sold USING (job_id)
RETURNING lease_id, job_id, fence;

-- name: wake_gateway
SELECT pg_notify('leases', $1);

-- name: offer_leases
-- What this gateway has to hand to its provers, with all that the prover needs to know.
UPDATE leases SET state = 'offered', expires_ms = least(now_ms() + $3, until_ms)
FROM jobs, tasks, programs
WHERE leases.gateway_id = $1 AND leases.state = ANY($2::text[]) AND leases.session_id = ANY($4::uuid[])
  AND jobs.job_id = leases.job_id AND tasks.task_id = leases.task_id AND programs.digest = tasks.program_digest
RETURNING leases.lease_id, leases.fence, leases.session_id, leases.job_id, leases.units, leases.sell_price,
    leases.until_ms - now_ms() AS run_ms, jobs.slice, jobs.input_digest, jobs.memory_bytes, programs.digest,
    programs.proof_system, programs.manifest;

-- name: get_lease
SELECT leases.*, jobs.slice, jobs.input, jobs.facts, tasks.program_digest, tasks.client FROM leases JOIN jobs USING (job_id)
JOIN tasks ON tasks.task_id = leases.task_id WHERE leases.lease_id = $1;

-- name: lock_lease
-- After its task's row is locked.
SELECT * FROM leases WHERE lease_id = $1 FOR UPDATE;

-- name: report_lease
-- A result has arrived: the prover's clock stops, the gateway's verification has $5 ms.
UPDATE leases SET state = 'reported', expires_ms = now_ms() + $5, until_ms = greatest(until_ms, now_ms() + $5)
WHERE lease_id = $1 AND fence = $2 AND operator = $3 AND state = ANY($4::text[]) RETURNING lease_id;

-- name: start_lease
UPDATE leases SET state = 'running' WHERE lease_id = $1 AND state = ANY($2::text[]);

-- name: note_progress
UPDATE jobs SET stage = $2, permille = $3 FROM leases
WHERE leases.lease_id = $1 AND leases.fence = $4 AND leases.session_id = $5 AND jobs.job_id = leases.job_id
  AND jobs.lease_id = leases.lease_id AND jobs.state = 'leased' AND leases.state IN ('offered', 'running')
RETURNING jobs.task_id, jobs.slice, jobs.input, leases.state;

-- name: end_lease
-- $2: the new state, $3: the states it may come from.
UPDATE leases SET state = $2, ended_ms = now_ms(), reason = $4, detail = $5
WHERE lease_id = $1 AND state = ANY($3::text[]) RETURNING lease_id;

-- name: expired_leases
SELECT lease_id, task_id, state, until_ms <= now_ms() AS overdue FROM leases
WHERE state IN ('granted', 'offered', 'running', 'reported') AND expires_ms <= now_ms()
ORDER BY expires_ms LIMIT 200;

-- name: next_expiry
SELECT min(expires_ms) - now_ms() FROM leases WHERE state IN ('granted', 'offered', 'running', 'reported');

-- name: job_of_lease
SELECT jobs.* FROM jobs JOIN leases USING (job_id) WHERE leases.lease_id = $1 AND jobs.lease_id = $1;

-- name: return_job
-- $2: the states it may come from.
UPDATE jobs SET state = 'ready', lease_id = NULL, stage = '', permille = 0, returns = returns + 1, attempts = $3,
    not_before_ms = $4, excluded = excluded || jsonb_build_object($5::text, $6::bigint)
WHERE job_id = $1 AND state = ANY($2::text[]) RETURNING lane;

-- name: tell_session_to_stop
SELECT pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
    'reason', $2::text)::text) FROM leases WHERE lease_id = $1;

-- name: accept_proof
-- $2: the states it may come from.
UPDATE jobs SET state = 'proven', proof_digest = $3, public = $4, stage = '', permille = 1000
WHERE job_id = $1 AND state = ANY($2::text[]) RETURNING job_id;

-- name: count_down_jobs
UPDATE tasks SET jobs_open = jobs_open - 1, spent = spent + $3,
    state = CASE WHEN jobs_open = 1 AND state = ANY($2::text[]) THEN 'combining' ELSE state END
WHERE task_id = $1 RETURNING jobs_open, state;

-- name: unblock_jobs
-- $2: the states it may come from. Jobs whose dependencies are all proven.
UPDATE jobs SET state = 'ready' WHERE task_id = $1 AND state = ANY($2::text[]) AND NOT EXISTS (
    SELECT 1 FROM jobs AS needed WHERE needed.task_id = $1 AND needed.position = ANY(jobs.depends_on)
      AND needed.state <> 'proven')
RETURNING lane;

-- name: wake_combiners
SELECT pg_notify('combining', $1);

-- name: count_prover_success
UPDATE provers SET jobs_proven = jobs_proven + 1, units_proven = units_proven + $2 WHERE prover_id = $1;

-- name: count_prover_failure
UPDATE provers SET jobs_failed = jobs_failed + 1 WHERE prover_id = $1;

-- name: list_rounds
SELECT * FROM rounds WHERE ($1 = '' OR lane = $1) ORDER BY at_ms DESC, number DESC LIMIT $2;

-- name: lane_statuses
SELECT DISTINCT ON (r.lane) r.lane, r.number AS rounds, r.next_reference,
    (SELECT coalesce(sum(units), 0)::bigint FROM jobs WHERE jobs.lane = r.lane AND state = 'ready') AS ready_units
FROM rounds r ORDER BY r.lane, r.number DESC;

-- name: drop_claims_of
UPDATE tasks SET claimed_by = NULL WHERE state = 'combining' AND claimed_by = $1;

-- name: close_sessions_without_stream
-- $2: the sessions whose streams this gateway holds. Others of its own could not be closed when their streams ended,
-- because the database was away; their leases get a grace to come back with a new session. One that has just been opened
-- may have come while this list of streams was on its way.
WITH closed AS (
    UPDATE sessions SET open = false
    WHERE gateway_id = $1 AND open AND session_id <> ALL($2::uuid[]) AND opened_ms < now_ms() - 15000
    RETURNING session_id
)
UPDATE leases SET expires_ms = least(expires_ms, now_ms() + $3)
FROM closed WHERE leases.session_id = closed.session_id AND leases.state IN ('granted', 'offered', 'running', 'reported');

-- name: extend_unheard_leases
-- After the database was away: what ran out meanwhile may be heard of once more; no longer than its own limit.
UPDATE leases SET expires_ms = least(now_ms() + $1, until_ms)
WHERE state IN ('offered', 'running') AND expires_ms < now_ms() + $1 AND until_ms > now_ms();
