-- name: lock_provers
-- In the order of their ids; see lock_tasks. With how they stand.
SELECT prover_id, proven_micro, late_micro, lost_micro, crashed_micro, invalid_micro, facts_ms, outcomes, pauses,
    paused_until_ms, last_faults, now_ms() AS now_ms
FROM provers WHERE prover_id = ANY(:provers::text[]) ORDER BY prover_id FOR NO KEY UPDATE;

-- name: note_work
-- By prover, proof system and class: :proofs, :failures, verified :units, :wall_ms of all leases; a speed that is made of
-- more proofs than :samples_kept is halved. :lanes, :us_per_unit: how long leases ran, microseconds per PU, of which the
-- newest :times_kept are kept. From :stands on: how the provers stand from now on, a row each
-- (rules/reputation/standing.py). The provers' rows are locked already; those of speeds and lanes are written in the order
-- of their names.
WITH given AS (
    SELECT * FROM unnest(:provers::text[], :systems::text[], :classes::text[], :proofs::int[], :failures::int[],
        :units::bigint[], :wall_ms::bigint[]) AS g(prover_id, proof_system, class, proofs, failures, units, wall_ms)
), counted AS (
    UPDATE provers SET jobs_proven = jobs_proven + sums.proofs, jobs_failed = jobs_failed + sums.failures,
        units_proven = units_proven + sums.units, proven_micro = stand.proven, late_micro = stand.late,
        lost_micro = stand.lost, crashed_micro = stand.crashed, invalid_micro = stand.invalid, facts_ms = stand.at_ms,
        outcomes = stand.outcomes, pauses = stand.pauses, paused_until_ms = stand.paused_until_ms,
        last_faults = stand.last_faults
    FROM (SELECT prover_id, sum(proofs) AS proofs, sum(failures) AS failures, sum(units) AS units
          FROM given GROUP BY prover_id) AS sums
    JOIN unnest(:stands::text[], :proven::bigint[], :late::bigint[], :lost::bigint[], :crashed::bigint[],
        :invalid::bigint[], :at_ms::bigint[], :outcomes::text[], :pauses::int[], :paused_until_ms::bigint[],
        :last_faults::text[]) AS stand(prover_id, proven, late, lost, crashed, invalid, at_ms, outcomes,
        pauses, paused_until_ms, last_faults) USING (prover_id)
    WHERE provers.prover_id = sums.prover_id
), measured AS (
    INSERT INTO prover_speeds AS speed (prover_id, proof_system, class, units, wall_ms, samples)
    SELECT prover_id, proof_system, class, units, wall_ms, proofs FROM given
    ORDER BY prover_id, proof_system, class
    ON CONFLICT (prover_id, proof_system, class) DO UPDATE SET
        units = (speed.units + excluded.units) / CASE WHEN speed.samples + excluded.samples > :samples_kept
            THEN 2 ELSE 1 END,
        wall_ms = (speed.wall_ms + excluded.wall_ms) / CASE WHEN speed.samples + excluded.samples > :samples_kept
            THEN 2 ELSE 1 END,
        samples = (speed.samples + excluded.samples) / CASE WHEN speed.samples + excluded.samples > :samples_kept
            THEN 2 ELSE 1 END
    RETURNING 1
)
INSERT INTO lane_times AS times (lane, us_per_unit)
SELECT lane, (array_agg(us))[: :times_kept] FROM unnest(:lanes::text[], :us_per_unit::bigint[]) AS g(lane, us)
WHERE (SELECT count(*) FROM measured) >= 0
GROUP BY lane ORDER BY lane
ON CONFLICT (lane) DO UPDATE SET us_per_unit = (excluded.us_per_unit || times.us_per_unit)[: :times_kept];

-- name: new_provers_beside
-- The other provers of the same operator that have proven fewer than so many :proofs.
SELECT other.prover_id FROM provers AS one JOIN provers AS other USING (operator)
WHERE one.prover_id = :prover_id AND other.prover_id <> one.prover_id AND other.jobs_proven < :proofs;

-- name: note_standings
-- How these provers stand from now on, who did nothing themselves; their rows are locked.
UPDATE provers SET proven_micro = stand.proven, late_micro = stand.late, lost_micro = stand.lost,
    crashed_micro = stand.crashed, invalid_micro = stand.invalid, facts_ms = stand.at_ms, outcomes = stand.outcomes,
    pauses = stand.pauses, paused_until_ms = stand.paused_until_ms, last_faults = stand.last_faults
FROM unnest(:stands::text[], :proven::bigint[], :late::bigint[], :lost::bigint[], :crashed::bigint[],
    :invalid::bigint[], :at_ms::bigint[], :outcomes::text[], :pauses::int[], :paused_until_ms::bigint[],
    :last_faults::text[]) AS stand(prover_id, proven, late, lost, crashed, invalid, at_ms, outcomes, pauses,
    paused_until_ms, last_faults)
WHERE provers.prover_id = stand.prover_id;

-- name: tell_provers
-- Notices that the provers' gateways hand on.
SELECT pg_notify('notices', json_build_object('gateway', gateway_id, 'session', session_id, 'code', code,
    'detail', detail)::text)
FROM unnest(:provers::text[], :codes::text[], :details::text[]) AS given(prover_id, code, detail) JOIN sessions USING (prover_id)
WHERE open;

-- name: get_prover
-- How it stands.
SELECT prover_id, proven_micro, late_micro, lost_micro, crashed_micro, invalid_micro, facts_ms, outcomes, pauses,
    paused_until_ms, last_faults, now_ms() AS now_ms
FROM provers WHERE prover_id = :prover_id;

-- name: standings
-- How the provers of an :operator stand, or of everybody when it is empty; at most so many.
SELECT p.prover_id, p.proven_micro, p.late_micro, p.lost_micro, p.crashed_micro, p.invalid_micro, p.facts_ms, p.outcomes,
    p.pauses, p.paused_until_ms, p.last_faults, now_ms() AS now_ms, p.operator, p.jobs_proven, p.jobs_failed,
    EXISTS (SELECT 1 FROM sessions s WHERE s.prover_id = p.prover_id AND s.open) AS connected,
    (SELECT jsonb_agg(jsonb_build_array(v.proof_system, v.class, v.units, v.wall_ms, v.samples)
        ORDER BY v.proof_system, v.class) FROM prover_speeds v WHERE v.prover_id = p.prover_id) AS speeds
FROM provers p WHERE :operator = '' OR p.operator = :operator ORDER BY p.operator, p.prover_id LIMIT :limit;
