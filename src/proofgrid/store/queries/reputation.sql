-- name: lock_provers
-- In the order of their ids, and after them their operators in theirs; see lock_tasks. With how they stand; an operator has
-- no jobs of its own.
WITH locked AS (
    SELECT * FROM provers WHERE prover_id = ANY(:provers::text[]) ORDER BY prover_id FOR NO KEY UPDATE
), owners AS (
    SELECT * FROM operator_standings
    WHERE operator IN (SELECT operator FROM locked) AND (SELECT count(*) FROM locked) >= 0 ORDER BY operator FOR NO KEY UPDATE
)
SELECT prover_id, proven_micro, late_micro, lost_micro, crashed_micro, invalid_micro, facts_ms, outcomes, pauses,
    paused_until_ms, last_faults, now_ms() AS now_ms, operator, jobs_proven FROM locked
UNION ALL SELECT operator, proven_micro, late_micro, lost_micro, crashed_micro, invalid_micro, facts_ms, outcomes, pauses,
    paused_until_ms, last_faults, now_ms() AS now_ms, operator, NULL FROM owners;

-- name: note_work
-- By prover, proof system and class: :proofs, :failures, verified :units, :wall_ms of all leases; a speed that is made of
-- more proofs than :samples_kept is halved. :lanes, :us_per_unit: how long leases ran, microseconds per PU, of which the
-- newest :times_kept are kept. From :stands on: how the provers stand from now on, a row each
-- (rules/reputation/standing.py); from :operators on: the same of their operators. All these rows are locked already; those
-- of speeds and lanes are written in the order of their names.
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
), shared AS (
    UPDATE operator_standings SET proven_micro = stand.proven, late_micro = stand.late, lost_micro = stand.lost,
        crashed_micro = stand.crashed, invalid_micro = stand.invalid, facts_ms = stand.at_ms, outcomes = stand.outcomes,
        pauses = stand.pauses, paused_until_ms = stand.paused_until_ms, last_faults = stand.last_faults
    FROM unnest(:operators::text[], :operator_proven::bigint[], :operator_late::bigint[], :operator_lost::bigint[],
        :operator_crashed::bigint[], :operator_invalid::bigint[], :operator_at_ms::bigint[], :operator_outcomes::text[],
        :operator_pauses::int[], :operator_paused_until_ms::bigint[], :operator_last_faults::text[])
        AS stand(operator, proven, late, lost, crashed, invalid, at_ms, outcomes, pauses, paused_until_ms, last_faults)
    WHERE operator_standings.operator = stand.operator
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

-- name: tell_provers
-- Notices that the gateways of these provers hand on; of an operator: those of its new provers.
SELECT pg_notify('notices', json_build_object('gateway', gateway_id, 'session', session_id, 'code', code,
    'detail', detail)::text)
FROM unnest(:names::text[], :codes::text[], :details::text[]) AS given(name, code, detail)
JOIN provers ON provers.prover_id = given.name OR (provers.operator = given.name AND provers.jobs_proven < 8)
JOIN sessions ON sessions.prover_id = provers.prover_id AND sessions.open;

-- name: get_standings
-- How these provers, or operators, stand.
SELECT prover_id, proven_micro, late_micro, lost_micro, crashed_micro, invalid_micro, facts_ms, outcomes, pauses,
    paused_until_ms, last_faults, now_ms() AS now_ms, operator, jobs_proven
FROM provers WHERE prover_id = ANY(:names::text[])
UNION ALL SELECT operator, proven_micro, late_micro, lost_micro, crashed_micro, invalid_micro, facts_ms, outcomes, pauses,
    paused_until_ms, last_faults, now_ms() AS now_ms, operator, NULL
FROM operator_standings WHERE operator = ANY(:names::text[]);

-- name: standings
-- How the provers of an :operator stand, or of everybody when it is empty: of so many operators, those :after an address.
SELECT p.prover_id, p.proven_micro, p.late_micro, p.lost_micro, p.crashed_micro, p.invalid_micro, p.facts_ms, p.outcomes,
    p.pauses, p.paused_until_ms, p.last_faults, now_ms() AS now_ms, p.operator, p.jobs_proven, p.jobs_failed,
    EXISTS (SELECT 1 FROM sessions s WHERE s.prover_id = p.prover_id AND s.open) AS connected,
    (SELECT jsonb_agg(jsonb_build_array(v.proof_system, v.class, v.units, v.wall_ms, v.samples)
        ORDER BY v.proof_system, v.class) FROM prover_speeds v WHERE v.prover_id = p.prover_id) AS speeds
FROM provers p WHERE p.operator IN (
    SELECT DISTINCT operator FROM provers AS o WHERE (:operator = '' OR o.operator = :operator) AND o.operator > :after
    ORDER BY operator LIMIT :limit)
ORDER BY p.operator, p.prover_id;
