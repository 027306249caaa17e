-- name: supply_of_stack
-- Open sessions on living gateways that serve the engine, with what they are already doing, and what they did there
-- so far: class -> [units, wall_ms, samples]. A job whose result has arrived takes no slot: it is judged here
-- while the next one is proven. A paused prover has no slot, and one whose pause is over has one until a job of its
-- verifies. For a new prover, with fewer than eight verified jobs, its operator's record counts; how many slots it may use
-- of its own is in newcomers_of. What firm quotes reserve is nobody else's. :silent_ms: how long a lease lives without a
-- heartbeat: who is silent is not there; NULL: everybody is.
SELECT s.session_id, s.prover_id, s.operator, s.gateway_id, s.memory_bytes,
    greatest(0, CASE WHEN p.paused_until_ms = 0 THEN s.slots WHEN p.paused_until_ms > now_ms() OR EXISTS (
        SELECT 1 FROM leases l WHERE l.prover_id = s.prover_id AND l.state = 'reported') THEN 0 ELSE 1 END
        - reserved.slots)::int AS slots,
    coalesce(o.proven_micro, p.proven_micro) AS proven_micro, coalesce(o.late_micro, p.late_micro) AS late_micro,
    coalesce(o.lost_micro, p.lost_micro) AS lost_micro, coalesce(o.crashed_micro, p.crashed_micro) AS crashed_micro,
    coalesce(o.invalid_micro, p.invalid_micro) AS invalid_micro, coalesce(o.facts_ms, p.facts_ms) AS facts_ms,
    now_ms() AS now_ms, p.jobs_proven, p.outcomes, p.pauses,
    s.cached_programs, s.classes, s.region, s.confinement, s.units_min, (s.asks ->> :engine)::bigint AS price,
    s.class_asks -> :engine AS class_prices, s.stacks, behind.usable AS stake,
    (SELECT jsonb_object_agg(v.class, jsonb_build_array(v.units, v.wall_ms, v.samples)) FROM prover_speeds v
        WHERE v.prover_id = s.prover_id AND v.proof_system = :engine) AS speeds,
    (SELECT count(*) FROM leases l WHERE l.prover_id = s.prover_id AND l.state IN (@leases_in_flight)) AS busy,
    (SELECT coalesce(sum(j.memory_bytes), 0)::bigint FROM leases l JOIN jobs j USING (job_id)
        WHERE l.prover_id = s.prover_id AND l.state IN (@leases_in_flight)) + reserved.memory_bytes AS memory_busy
FROM sessions s JOIN gateways g USING (gateway_id) JOIN provers p USING (prover_id)
    LEFT JOIN operator_standings o ON o.operator = s.operator AND p.jobs_proven < 8
    LEFT JOIN accounts bond ON bond.account = 'stake:' || s.operator
    CROSS JOIN LATERAL bond_behind(s.operator, bond.balance) AS behind CROSS JOIN LATERAL (
        SELECT count(*) AS slots, coalesce(sum(t.memory_bytes), 0)::bigint AS memory_bytes FROM firm_quote_seats t
        WHERE t.prover_id = s.prover_id AND t.state = 'reserved') AS reserved
WHERE s.open AND NOT s.draining AND s.asks ? :engine AND :subnetwork = ANY(s.subnetworks)
    AND g.seen_ms > now_ms() - :gateway_silent_ms AND coalesce(NOT is_silent(s, :silent_ms), true)
ORDER BY s.prover_id;

-- name: constraints_of_lanes
SELECT lane, constraints FROM lane_constraints WHERE lane = ANY(:lanes::text[]);

-- name: take_turns
-- Provers that serve several stacks: those that no other round offers now, and none will until this one is over.
SELECT prover_id FROM prover_turns WHERE prover_id = ANY(:provers::text[]) ORDER BY prover_id FOR NO KEY UPDATE SKIP LOCKED;

-- name: loads_of_provers
-- What provers are doing, after their turn was taken: another round may have sold their slots a moment ago.
SELECT given.prover_id,
    (SELECT count(*) FROM leases l WHERE l.prover_id = given.prover_id
        AND l.state IN (@leases_in_flight)) AS busy,
    (SELECT coalesce(sum(j.memory_bytes), 0)::bigint FROM leases l JOIN jobs j USING (job_id)
        WHERE l.prover_id = given.prover_id AND l.state IN (@leases_in_flight))
        + (SELECT coalesce(sum(t.memory_bytes), 0)::bigint FROM firm_quote_seats t
        WHERE t.prover_id = given.prover_id AND t.state = 'reserved') AS memory_busy
FROM unnest(:provers::text[]) AS given(prover_id);

-- name: newcomers_of
-- All connected new provers of those of these :operators whose new ones have more than :first slots in all, or were paused;
-- nothing bounds the others'. Whatever they serve, with what they do, and what they share: their operator's breaker. One
-- that is paused itself has no slot; is_judged: a result of it has arrived.
WITH bound AS (
    SELECT s.operator FROM sessions s JOIN provers p USING (prover_id) LEFT JOIN operator_standings o ON o.operator = s.operator
    WHERE s.open AND s.operator = ANY(:operators::text[]) AND p.jobs_proven < 8
    GROUP BY s.operator HAVING sum(s.slots) > :first OR max(o.paused_until_ms) > 0
)
SELECT s.prover_id, s.operator, CASE WHEN p.paused_until_ms > now_ms() THEN 0 ELSE greatest(0, s.slots - (
        SELECT count(*) FROM firm_quote_seats t WHERE t.prover_id = s.prover_id AND t.state = 'reserved')) END::int AS slots,
    (SELECT count(*) FROM leases l WHERE l.prover_id = s.prover_id AND l.state IN (@leases_in_flight)) AS busy,
    EXISTS (SELECT 1 FROM leases l WHERE l.prover_id = s.prover_id AND l.state = 'reported') AS is_judged,
    p.jobs_proven, coalesce(o.paused_until_ms, 0) AS paused_until_ms, now_ms() AS now_ms
FROM sessions s JOIN provers p USING (prover_id) LEFT JOIN operator_standings o ON o.operator = s.operator
WHERE s.open AND s.operator IN (SELECT operator FROM bound) AND p.jobs_proven < 8
ORDER BY s.prover_id;
