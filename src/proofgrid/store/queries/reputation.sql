-- name: lock_provers
-- In the order of their ids; see lock_tasks. With how they stand.
SELECT *, now_ms() AS now_ms FROM provers WHERE prover_id = ANY($1::text[]) ORDER BY prover_id FOR NO KEY UPDATE;

-- name: note_work
-- $1..$7: by prover, proof system and class: proofs, failures, verified PU, the time of all leases; $8: halve a speed
-- that is made of more proofs. $9, $10: lanes and how long their leases ran, microseconds per PU, of which the newest $11
-- are kept. $12..$22: how the provers stand from now on, a row each (rules/reputation/standing.py). The provers' rows are
-- locked already; those of speeds and lanes are written in the order of their names.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::bigint[], $7::bigint[])
        AS g(prover_id, proof_system, class, proofs, failures, units, wall_ms)
), counted AS (
    UPDATE provers SET jobs_proven = jobs_proven + sums.proofs, jobs_failed = jobs_failed + sums.failures,
        units_proven = units_proven + sums.units, proven_micro = stand.proven, late_micro = stand.late,
        lost_micro = stand.lost, crashed_micro = stand.crashed, invalid_micro = stand.invalid, facts_ms = stand.at_ms,
        outcomes = stand.outcomes, pauses = stand.pauses, paused_until_ms = stand.paused_until_ms,
        last_faults = stand.last_faults
    FROM (SELECT prover_id, sum(proofs) AS proofs, sum(failures) AS failures, sum(units) AS units
          FROM given GROUP BY prover_id) AS sums
    JOIN unnest($12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
        $19::text[], $20::int[], $21::bigint[], $22::text[]) AS stand(prover_id, proven, late, lost, crashed, invalid,
        at_ms, outcomes, pauses, paused_until_ms, last_faults) USING (prover_id)
    WHERE provers.prover_id = sums.prover_id
), measured AS (
    INSERT INTO prover_speeds AS speed (prover_id, proof_system, class, units, wall_ms, samples)
    SELECT prover_id, proof_system, class, units, wall_ms, proofs FROM given
    ORDER BY prover_id, proof_system, class
    ON CONFLICT (prover_id, proof_system, class) DO UPDATE SET
        units = (speed.units + excluded.units) / CASE WHEN speed.samples + excluded.samples > $8 THEN 2 ELSE 1 END,
        wall_ms = (speed.wall_ms + excluded.wall_ms) / CASE WHEN speed.samples + excluded.samples > $8 THEN 2 ELSE 1 END,
        samples = (speed.samples + excluded.samples) / CASE WHEN speed.samples + excluded.samples > $8 THEN 2 ELSE 1 END
    RETURNING 1
)
INSERT INTO lane_times AS times (lane, us_per_unit)
SELECT lane, (array_agg(us))[:$11] FROM unnest($9::text[], $10::bigint[]) AS g(lane, us)
WHERE (SELECT count(*) FROM measured) >= 0
GROUP BY lane ORDER BY lane
ON CONFLICT (lane) DO UPDATE SET us_per_unit = (excluded.us_per_unit || times.us_per_unit)[:$11];

-- name: tell_provers
-- $1: provers, $2: codes, $3: details of notices that their gateways hand on.
SELECT pg_notify('notices', json_build_object('gateway', gateway_id, 'session', session_id, 'code', code,
    'detail', detail)::text)
FROM unnest($1::text[], $2::text[], $3::text[]) AS given(prover_id, code, detail) JOIN sessions USING (prover_id)
WHERE open;

-- name: get_prover
SELECT *, now_ms() AS now_ms FROM provers WHERE prover_id = $1;

-- name: standings
-- How the provers of an :operator stand, or of everybody when it is empty; at most so many.
SELECT p.prover_id, p.operator, p.jobs_proven, p.jobs_failed, p.proven_micro, p.late_micro, p.lost_micro, p.crashed_micro,
    p.invalid_micro, p.facts_ms, p.outcomes, p.pauses, p.paused_until_ms, p.last_faults, now_ms() AS now_ms,
    EXISTS (SELECT 1 FROM sessions s WHERE s.prover_id = p.prover_id AND s.open) AS connected,
    (SELECT jsonb_agg(jsonb_build_array(v.proof_system, v.class, v.units, v.wall_ms, v.samples)
        ORDER BY v.proof_system, v.class) FROM prover_speeds v WHERE v.prover_id = p.prover_id) AS speeds
FROM provers p WHERE :operator = '' OR p.operator = :operator ORDER BY p.operator, p.prover_id LIMIT :limit;
