-- name: lane_times
SELECT lane, us_per_unit FROM lane_times;

-- name: slow_leases
-- $1, $2: lanes, and the microseconds per PU after which a lease is slow there, beside a start of $3 ms. Running first
-- leases about which there is something to do: the client was not told, or a second lease may be wished for, of which a
-- job has at most $4.
SELECT l.lease_id, l.task_id, l.job_id, l.prover_id, l.operator, l.kind, l.state, l.lane, l.buy_price, l.sell_price,
    l.started_ms, l.permille, j.units, j.memory_bytes, j.excluded, j.slice, j.input, j.hedges, j.slow_ms, t.deadline_ms,
    t.limit_price, t.hedging, now_ms() AS now_ms, NOT EXISTS (SELECT 1 FROM leases h WHERE h.job_id = l.job_id
        AND h.kind = 'hedge' AND h.state IN ('granted', 'offered', 'running', 'reported'))
        AND (j.hedge_price IS NULL OR j.hedge_until_ms <= now_ms()) AS alone
FROM leases l JOIN unnest($1::text[], $2::bigint[]) AS kinds(lane, us_per_unit) USING (lane)
JOIN jobs j USING (job_id) JOIN tasks t ON t.task_id = l.task_id
WHERE l.state = 'running' AND l.kind = 'first' AND l.started_ms + $3 + kinds.us_per_unit * l.units / 1000 <= now_ms()
  AND (j.slow_ms IS NULL OR (t.hedging AND j.hedges < $4))
ORDER BY l.task_id LIMIT 200;

-- name: lane_pressure
-- What stands against a second lease: jobs that nobody proves yet (1,000 are as good as all), and second leases already.
SELECT (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE lane = $1 AND state = 'ready' LIMIT 1000) AS waiting) AS jobs_ready,
    count(*) AS leases_held, count(*) FILTER (WHERE kind = 'hedge') + (
        SELECT count(*) FROM jobs WHERE lane = $1 AND hedge_price IS NOT NULL AND hedge_until_ms > now_ms()) AS hedges_open
FROM leases WHERE lane = $1 AND state IN ('granted', 'offered', 'running', 'reported');

-- name: wish_hedges
-- The tasks' rows are locked. $1: jobs whose leases are slow, $2, $3: the most that a second lease may cost per PU and the
-- operator who may not get it, NULL for none; $4: the wish holds so long, ms.
UPDATE jobs SET slow_ms = coalesce(slow_ms, now_ms()), hedge_price = price, hedge_operator = coalesce(operator, ''),
    hedge_until_ms = now_ms() + $4
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS given(job_id, price, operator)
WHERE jobs.job_id = given.job_id AND jobs.state = 'leased';

-- name: carry_on
-- $2: the states it may come from. One of two leases of a job ended; the other one, $6, goes on as the first.
WITH alone AS (
    UPDATE leases SET kind = 'first' WHERE lease_id = $6
)
UPDATE jobs SET slow_ms = CASE WHEN lease_id = $6 THEN slow_ms END, lease_id = $6, hedge_price = NULL,
    returns = returns + 1, attempts = $3, excluded = excluded || jsonb_build_object($4::text, $5::bigint)
WHERE job_id = $1 AND state = ANY($2::text[]);

-- name: lock_rivals
-- The tasks' rows are locked. The leases that are held for the jobs of these leases, in the order of their ids.
SELECT lease_id FROM leases
WHERE job_id IN (SELECT job_id FROM leases WHERE lease_id = ANY($1::uuid[]))
  AND state IN ('granted', 'offered', 'running', 'reported')
ORDER BY lease_id FOR NO KEY UPDATE;

-- name: stop_rivals
-- $1: leases that won, $2: why the others of their jobs are stopped. With what is needed to pay them; the gateways that
-- hold their streams are told.
WITH lost AS (
    SELECT rival.lease_id, won.buy_price AS winner_buy_price, jobs.slice, jobs.input, tasks.limit_price,
        coalesce(speed.units, 0) AS speed_units, coalesce(speed.wall_ms, 0) AS speed_wall_ms,
        coalesce(speed.samples, 0) AS speed_samples
    FROM leases AS won JOIN leases AS rival USING (job_id) JOIN jobs USING (job_id)
    JOIN tasks ON tasks.task_id = won.task_id LEFT JOIN prover_speeds AS speed ON speed.prover_id = rival.prover_id
        AND speed.proof_system = split_part(rival.lane, '/', 2) AND speed.class = split_part(rival.lane, '/', 3)
    WHERE won.lease_id = ANY($1::uuid[]) AND rival.lease_id <> won.lease_id
      AND rival.state IN ('granted', 'offered', 'running', 'reported')
), stopped AS (
    UPDATE leases SET state = 'stopped', reason = $2, ended_ms = now_ms() FROM lost
    WHERE leases.lease_id = lost.lease_id
    RETURNING leases.*, ran_ms(leases) AS ran_ms, lost.winner_buy_price, lost.slice, lost.input, lost.limit_price,
        lost.speed_units, lost.speed_wall_ms, lost.speed_samples
)
SELECT *, pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
    'reason', $2::text)::text) FROM stopped;
