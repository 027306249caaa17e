-- name: lane_times
SELECT lane, us_per_unit FROM lane_times;

-- name: slow_leases
-- :us_per_unit: the microseconds per PU after which a lease is slow in each of the :lanes, beside a start of :start_ms.
-- Running first leases about which there is something to do: the client was not told, or a second lease may be wished
-- for, of which a job has at most :hedges_max.
SELECT l.lease_id, l.task_id, l.job_id, l.prover_id, l.operator, l.kind, l.state, l.lane, l.buy_price, l.sell_price,
    l.started_ms, l.permille, j.units, j.memory_bytes, j.excluded, j.slice, j.input, j.hedges, j.slow_ms, t.deadline_ms,
    t.limit_price, t.hedging, now_ms() AS now_ms, NOT EXISTS (SELECT 1 FROM leases h WHERE h.job_id = l.job_id
        AND h.kind = 'hedge' AND h.state IN (@leases_held))
        AND (j.hedge_price IS NULL OR j.hedge_until_ms <= now_ms()) AS alone
FROM leases l JOIN unnest(:lanes::text[], :us_per_unit::bigint[]) AS kinds(lane, us_per_unit) USING (lane)
JOIN jobs j USING (job_id) JOIN tasks t ON t.task_id = l.task_id
WHERE l.state = 'running' AND l.kind = 'first'
  AND l.started_ms + :start_ms + kinds.us_per_unit * l.units / 1000 <= now_ms()
  AND (j.slow_ms IS NULL OR (t.hedging AND j.hedges < :hedges_max))
ORDER BY l.task_id LIMIT 200;

-- name: lane_pressure
-- What stands against a second lease: jobs that nobody proves yet (1,000 are as good as all), and second leases already.
SELECT (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE lane = :lane AND state = 'ready' LIMIT 1000) AS waiting)
        AS jobs_ready,
    count(*) AS leases_held, count(*) FILTER (WHERE kind = 'hedge') + (
        SELECT count(*) FROM jobs WHERE lane = :lane AND hedge_price IS NOT NULL AND hedge_until_ms > now_ms()) AS hedges_open
FROM leases WHERE lane = :lane AND state IN (@leases_held);

-- name: wish_hedges
-- The tasks' rows are locked. Jobs whose leases are slow, the most that a second lease may cost per PU and the operator
-- who may not get it, NULL for none; the wish holds so long.
UPDATE jobs SET slow_ms = coalesce(slow_ms, now_ms()), hedge_price = price, hedge_operator = coalesce(operator, ''),
    hedge_until_ms = now_ms() + :wish_ms
FROM unnest(:job_ids::uuid[], :prices::bigint[], :operators::text[]) AS given(job_id, price, operator)
WHERE jobs.job_id = given.job_id AND jobs.state = 'leased';

-- name: carry_on
-- One of two leases of a job ended; the other one, :rival_id, goes on as the first. :sources: the states it may come from.
WITH alone AS (
    UPDATE leases SET kind = 'first' WHERE lease_id = :rival_id
)
UPDATE jobs SET slow_ms = CASE WHEN lease_id = :rival_id THEN slow_ms END, lease_id = :rival_id, hedge_price = NULL,
    returns = returns + 1, attempts = :attempts,
    excluded = excluded || jsonb_build_object(:excluded::text, :excluded_until_ms::bigint)
WHERE job_id = :job_id AND state = ANY(:sources::text[]);

-- name: lock_rivals
-- The tasks' rows are locked. The leases that are held for the jobs of these leases, in the order of their ids.
SELECT lease_id FROM leases
WHERE job_id IN (SELECT job_id FROM leases WHERE lease_id = ANY(:lease_ids::uuid[]))
  AND state IN (@leases_held)
ORDER BY lease_id FOR NO KEY UPDATE;

-- name: stop_rivals
-- :winners: leases that won, :reason: why the others of their jobs are stopped. With what is needed to pay them; the
-- gateways that hold their streams are told.
WITH lost AS (
    SELECT rival.lease_id, won.buy_price AS winner_buy_price, jobs.slice, jobs.input, tasks.limit_price,
        coalesce(speed.units, 0) AS speed_units, coalesce(speed.wall_ms, 0) AS speed_wall_ms,
        coalesce(speed.samples, 0) AS speed_samples
    FROM leases AS won JOIN leases AS rival USING (job_id) JOIN jobs USING (job_id)
    JOIN tasks ON tasks.task_id = won.task_id LEFT JOIN prover_speeds AS speed ON speed.prover_id = rival.prover_id
        AND speed.proof_system = split_part(rival.lane, '/', 2) AND speed.class = split_part(rival.lane, '/', 3)
    WHERE won.lease_id = ANY(:winners::uuid[]) AND rival.lease_id <> won.lease_id
      AND rival.state IN (@leases_held)
), stopped AS (
    UPDATE leases SET state = 'stopped', reason = :reason, ended_ms = now_ms() FROM lost
    WHERE leases.lease_id = lost.lease_id
    RETURNING leases.*, ran_ms(leases) AS ran_ms, lost.winner_buy_price, lost.slice, lost.input, lost.limit_price,
        lost.speed_units, lost.speed_wall_ms, lost.speed_samples
), told AS (
    SELECT pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
        'reason', :reason::text)::text) FROM stopped
)
SELECT lease_id, job_id, task_id, prover_id, operator, kind, lane, round, units, sell_price, fee_permille, permille,
    reported_ms, ran_ms, winner_buy_price, slice, input, limit_price, speed_units, speed_wall_ms, speed_samples
FROM stopped WHERE (SELECT count(*) FROM told) >= 0;
