-- name: grant_leases
-- Outside of rounds (functions/grant_leases.sql). How many there are now.
SELECT grant_leases(:leases::jsonb, :lane, :round, :buy_price, :sources::text[], :epoch, :winners::text[]);

-- name: grant_hedges
-- As grant_leases, for jobs that are leased already: their wishes come true.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(:leases::jsonb) AS g(lease_id uuid, job_id uuid, task_id uuid, prover_id text,
        operator text, session_id uuid, gateway_id uuid, units bigint, sell_price bigint, pick_up_ms bigint,
        limit_ms bigint, prove_ms bigint, stake_bound bigint, fee_permille int)
), sold AS (
    UPDATE jobs SET hedges = hedges + 1, hedge_price = NULL FROM given
    WHERE jobs.job_id = given.job_id AND jobs.state = ANY(:sources::text[]) AND jobs.hedge_price IS NOT NULL
    RETURNING jobs.job_id, jobs.task_id
), counted AS (
    UPDATE tasks SET hedges = hedges + 1 FROM sold WHERE tasks.task_id = sold.task_id
), granted AS (
    INSERT INTO leases (lease_id, job_id, task_id, prover_id, operator, session_id, gateway_id, lane, round, units,
        buy_price, sell_price, state, kind, expires_ms, phase_until_ms, until_ms, prove_ms, epoch, stake_bound,
        fee_permille)
    SELECT lease_id, given.job_id, given.task_id, given.prover_id, given.operator,
        coalesce(now.session_id, given.session_id), coalesce(now.gateway_id, given.gateway_id), :lane, :round, units,
        :buy_price, sell_price, 'granted', 'hedge', at_ms + pick_up_ms, at_ms + pick_up_ms, at_ms + limit_ms, prove_ms, :epoch,
        stake_bound, fee_permille
    FROM given JOIN sold USING (job_id) LEFT JOIN sessions AS now ON now.prover_id = given.prover_id AND now.open,
        (SELECT now_ms() AS at_ms) AS clock
    RETURNING gateway_id
), told AS (
    SELECT pg_notify('leases', gateway_id::text) FROM granted GROUP BY gateway_id
)
SELECT count(*) FROM granted WHERE (SELECT count(*) FROM told) >= 0;
