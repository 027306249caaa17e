-- name: list_provers
-- Those at gateways that were seen in the last :gateway_silent_ms: a gateway that was killed closes no sessions.
-- :silent_ms: how long a lease lives without a heartbeat; who is silent, drains or is paused is sold nothing
-- (supply_of_stack).
SELECT s.prover_id, s.operator, s.region, s.confinement, s.asks, s.slots, (SELECT count(*) FROM leases l WHERE l.prover_id = s.prover_id
        AND l.state IN (@leases_held)) AS busy, s.seen_ms, p.jobs_proven, p.jobs_failed,
    CASE WHEN is_silent(s, :silent_ms) THEN 'silent' WHEN s.draining THEN 'draining'
        WHEN greatest(p.paused_until_ms, o.paused_until_ms) > now_ms() THEN 'paused' ELSE 'serving' END AS state
FROM sessions s JOIN provers p USING (prover_id) JOIN gateways g USING (gateway_id)
    LEFT JOIN operator_standings o ON o.operator = s.operator AND p.jobs_proven < 8
WHERE s.open AND g.seen_ms > now_ms() - :gateway_silent_ms ORDER BY s.prover_id;

-- name: lane_statuses
SELECT DISTINCT ON (r.lane) r.lane, r.number AS rounds, r.next_reference,
    (SELECT coalesce(sum(units), 0)::bigint FROM jobs WHERE jobs.lane = r.lane AND state = 'ready') AS ready_units
FROM rounds r ORDER BY r.lane, r.number DESC;
