-- name: leases_of_reports
-- The facts of a wrap have what it takes.
SELECT leases.lease_id, leases.fence, leases.job_id, leases.task_id, leases.prover_id, leases.operator, leases.session_id,
    leases.lane, leases.round, leases.units, leases.buy_price, leases.sell_price, leases.fee_permille, leases.state,
    leases.reason, leases.prove_ms, leases.expires_ms - now_ms() AS left_ms, leases.reported_ms,
    coalesce(now_ms() - leases.ended_ms, 0) AS ended_for_ms, ran_ms(leases) AS ran_ms, jobs.slice, jobs.input,
    CASE WHEN jobs.depends_on = '{}' THEN jobs.facts ELSE jobs.facts || jsonb_build_object('parts', parts_of(jobs)) END AS facts,
    jobs.state AS job_state, tasks.program_digest, tasks.client, tasks.state AS task_state
FROM leases JOIN jobs USING (job_id) JOIN tasks ON tasks.task_id = leases.task_id
WHERE leases.lease_id = ANY(:lease_ids::uuid[]);

-- name: report_leases
-- Results have arrived: the provers' clocks stop, the gateway's verification has :report_ms. Sent again: no more time.
-- The provers have room again, which their lanes are told: where nothing waits, nobody needs to look.
WITH held AS (
    SELECT lease_id FROM leases WHERE lease_id = ANY(:lease_ids::uuid[]) ORDER BY lease_id FOR NO KEY UPDATE
), reported AS (
    UPDATE leases SET state = 'reported', reported_ms = at_ms, expires_ms = at_ms + :report_ms,
        phase_until_ms = at_ms + :report_ms, until_ms = greatest(until_ms, at_ms + :report_ms)
    FROM (SELECT now_ms() AS at_ms) AS clock
    WHERE lease_id IN (SELECT lease_id FROM held) AND state = ANY(:sources::text[]) AND state <> 'reported'
    RETURNING lane
)
SELECT pg_notify('lanes', lane || ' free') FROM reported GROUP BY lane;

-- name: settle_leases
-- The tasks' rows are locked. :lease_sources, :job_sources: the states that leases and jobs may come from; :late_...: those
-- where a proof comes late, after its lease ended for one of the :reasons, '' for proofs in time. :buy_prices, :sell_prices:
-- what is paid per PU. Lease and job change together; what is not returned did not change. Of two leases of one job the
-- first one wins. What a stopped engine made does not count.
WITH held AS (
    -- One step of the primary key for each, in the order of their ids, whatever the statistics say. What was given is
    -- carried along: joined again it would be read once for each lease.
    SELECT found.job_id, found.task_id, found.engine, sorted.*
    FROM (SELECT * FROM unnest(:lease_ids::uuid[], :fences::bigint[], :reasons::text[], :buy_prices::bigint[],
            :sell_prices::bigint[], :proof_digests::text[], :small_proofs::bytea[], :public_values::jsonb[],
            :memory_peaks::bigint[])
            WITH ORDINALITY AS g(lease_id, fence, reason, buy_price, sell_price, proof_digest, small_proof, public, memory_peak,
            place)
        ORDER BY lease_id) AS sorted
    CROSS JOIN LATERAL (
        SELECT job_id, task_id, split_part(lane, '/', 2) AS engine FROM leases
        WHERE leases.lease_id = sorted.lease_id AND leases.fence = sorted.fence
          AND leases.reason = sorted.reason AND leases.state = ANY(
            CASE sorted.reason WHEN '' THEN :lease_sources::text[] ELSE :late_lease_sources::text[] END)
        FOR NO KEY UPDATE) AS found
), open AS (
    SELECT * FROM held
    WHERE (SELECT state FROM jobs WHERE jobs.job_id = held.job_id) = ANY(
            CASE held.reason WHEN '' THEN :job_sources::text[] ELSE :late_job_sources::text[] END)
      AND (SELECT state FROM tasks WHERE tasks.task_id = held.task_id) = 'open'
      AND engine NOT IN (SELECT engine FROM engine_stops WHERE resumed_ms IS NULL)
), won AS (
    SELECT DISTINCT ON (job_id) * FROM open ORDER BY job_id, place
), proven AS (
    UPDATE jobs SET state = 'proven', lease_id = won.lease_id, hedge_price = NULL, proof_digest = won.proof_digest,
        small_proof = won.small_proof, public = won.public
    FROM won WHERE jobs.job_id = won.job_id
    RETURNING won.lease_id, won.buy_price, won.sell_price, won.memory_peak, jobs.hedges, jobs.attempts
)
UPDATE leases SET state = 'settled', ended_ms = now_ms(), buy_price = proven.buy_price, sell_price = proven.sell_price,
    memory_peak_bytes = proven.memory_peak
FROM proven WHERE leases.lease_id = proven.lease_id
RETURNING leases.lease_id, ran_ms(leases) AS ran_ms, proven.hedges, proven.attempts;

-- name: move_on
-- After proofs of these tasks were accepted, whose rows are locked: one change of each task, its events behind one another,
-- and whoever waits is woken. :proven: how many of its jobs, :paid: what the client pays for them, :sources: where the last
-- one ends the proving, which the event :last_kind tells. :event_tasks, :kinds, :data: the events before it, in their order.
-- Jobs whose dependencies are all proven become ready (:job_sources: the states they may come from); their lanes are
-- woken; :lanes are told that provers have room again. Watchers are told 200 tasks in one notification.
WITH given AS (
    SELECT * FROM unnest(:task_ids::uuid[], :proven::int[], :paid::bigint[]) AS g(task_id, proven, paid)
), told AS (
    SELECT * FROM unnest(:event_tasks::uuid[], :kinds::text[], :data::jsonb[])
        WITH ORDINALITY AS g(task_id, kind, data, place)
), numbers AS (
    SELECT task_id, count(*) AS number FROM told GROUP BY task_id
), ending AS (
    SELECT given.*, coalesce(number, 0) AS number, jobs_open = proven AND state = ANY(:sources::text[]) AS ends,
        (row_number() OVER () - 1) / 200 AS chunk
    FROM given CROSS JOIN LATERAL (SELECT jobs_open, state FROM tasks WHERE tasks.task_id = given.task_id LIMIT 1) AS task
    LEFT JOIN numbers USING (task_id)
), counted AS (
    UPDATE tasks SET jobs_open = jobs_open - proven, spent = spent + paid, event_seq = event_seq + number + ends::int,
        state = CASE WHEN ends THEN 'combining' ELSE state END
    FROM ending WHERE tasks.task_id = ending.task_id
    RETURNING tasks.task_id, event_seq - number - ends::int AS before, event_seq, ends
), written AS (
    INSERT INTO task_events (task_id, seq, kind, data)
    SELECT task_id, before + row_number() OVER (PARTITION BY task_id ORDER BY place), kind, data
    FROM told JOIN counted USING (task_id)
    UNION ALL SELECT task_id, event_seq, :last_kind, '{}' FROM counted WHERE ends
), unblocked AS (
    UPDATE jobs SET state = 'ready'
    WHERE task_id = ANY(:task_ids::uuid[]) AND state = 'waiting' AND state = ANY(:job_sources::text[]) AND NOT EXISTS (
        SELECT 1 FROM jobs AS needed WHERE needed.task_id = jobs.task_id AND needed.position = ANY(jobs.depends_on)
          AND needed.state <> 'proven')
    RETURNING lane
)
SELECT pg_notify('lanes', lane) FROM unblocked GROUP BY lane
UNION ALL SELECT pg_notify('lanes', lane || ' free') FROM unnest(:lanes::text[]) AS freed(lane)
    WHERE lane NOT IN (SELECT lane FROM unblocked)
UNION ALL SELECT pg_notify('task_events', string_agg(task_id::text, ',')) FROM ending WHERE number > 0 OR ends GROUP BY chunk
UNION ALL SELECT pg_notify('combining', pg_current_xact_id()::text) WHERE EXISTS (SELECT FROM counted WHERE ends);

-- name: claims_of_job
-- The leases whose provers said that this job cannot be proven; they are found by its task.
SELECT lease_id, operator FROM leases
WHERE task_id = :task_id AND job_id = :job_id AND state = 'failed' AND reason = 'unprovable';

-- name: refuted_claims
-- The proofs of these leases verified. Whoever said that their jobs cannot be proven was wrong; of sealed ones that is not
-- known, as a client may have given another input to one who proves than it sealed for the others.
SELECT claim.lease_id, claim.prover_id, claim.lane, claim.units, ran_ms(claim) AS ran_ms FROM leases AS won
JOIN leases AS claim ON claim.task_id = won.task_id AND claim.job_id = won.job_id
WHERE won.lease_id = ANY(:lease_ids::uuid[]) AND claim.state = 'failed' AND claim.reason = 'unprovable'
    AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.task_id = won.task_id AND tasks.seal IS NOT NULL);

-- name: works_of_fault
-- What an unprovable input of a task was worked on for nothing: by those who said so, and by the leases that are
-- :stopped with it.
SELECT leases.lease_id, leases.job_id, leases.operator, leases.units, leases.sell_price, leases.lane, leases.round,
    leases.fee_permille, leases.permille, leases.reported_ms, ran_ms(leases) AS ran_ms,
    coalesce(speed.units, 0) AS speed_units, coalesce(speed.wall_ms, 0) AS speed_wall_ms,
    coalesce(speed.samples, 0) AS speed_samples
FROM leases LEFT JOIN prover_speeds AS speed ON speed.prover_id = leases.prover_id
    AND speed.proof_system = split_part(leases.lane, '/', 2) AND speed.class = split_part(leases.lane, '/', 3)
WHERE leases.task_id = :task_id
  AND (leases.lease_id = ANY(:stopped::uuid[]) OR (leases.state = 'failed' AND leases.reason IN ('unprovable', 'program_fault')))
ORDER BY leases.lease_id;
