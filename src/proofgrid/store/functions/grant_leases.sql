-- Sold jobs become leases. the_leases: a JSON list (NewLease), times from now on; sources: the states from which a job is
-- sold. The job and its lease change together; the gateways of the provers are told. Until the commit none of the winners,
-- provers, gets another session (change_session); the leases get the session that each has behind those locks, which a
-- statement of its own reads. Taken in one order, all that a transaction needs at its first call. Jobs are found by a list:
-- joined with the JSON alone, thought to be a hundred rows, a plan made while there are few jobs reads all of them for ever.
-- How many leases there are.
CREATE OR REPLACE FUNCTION grant_leases(
    the_leases jsonb, the_lane text, the_round bigint, the_buy_price bigint, sources text[], the_epoch bigint, winners text[]
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    number int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(key) FROM (
        SELECT DISTINCT lock_of_session(prover_id) AS key FROM unnest(winners) AS won(prover_id) ORDER BY key) AS locks;
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(the_leases) AS g(lease_id uuid, job_id uuid, task_id uuid, prover_id text,
            operator text, session_id uuid, gateway_id uuid, units bigint, sell_price bigint, pick_up_ms bigint,
            limit_ms bigint, prove_ms bigint, stake_bound bigint, fee_permille int)
    ), sold AS (
        UPDATE jobs SET state = 'leased', lease_id = given.lease_id, slow_ms = NULL
        FROM given WHERE jobs.job_id = given.job_id AND jobs.job_id = ANY(ARRAY(SELECT job_id FROM given))
            AND jobs.state = ANY(sources) RETURNING jobs.job_id
    ), granted AS (
        INSERT INTO leases (lease_id, job_id, task_id, prover_id, operator, session_id, gateway_id, lane, round, units,
            buy_price, sell_price, state, expires_ms, phase_until_ms, until_ms, prove_ms, epoch, stake_bound,
            fee_permille)
        SELECT lease_id, given.job_id, task_id, given.prover_id, given.operator,
            coalesce(now.session_id, given.session_id), coalesce(now.gateway_id, given.gateway_id), the_lane, the_round,
            units, the_buy_price, sell_price, 'granted', at_ms + pick_up_ms, at_ms + pick_up_ms, at_ms + limit_ms, prove_ms,
            the_epoch, stake_bound, fee_permille
        FROM given JOIN sold USING (job_id) LEFT JOIN sessions AS now ON now.prover_id = given.prover_id AND now.open,
            (SELECT now_ms() AS at_ms) AS clock
        RETURNING gateway_id
    ), told AS (
        SELECT pg_notify('leases', gateway_id::text) FROM granted GROUP BY gateway_id
    )
    SELECT count(*) INTO number FROM granted WHERE (SELECT count(*) FROM told) >= 0;
    RETURN number;
END
$$;
