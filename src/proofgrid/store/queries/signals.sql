-- name: note_lie
-- What a gateway found to be false by looking itself. Woken by it: whoever counts them.
WITH noted AS (
    INSERT INTO lies (lease_id, kind, operator, prover_id, engine, proven_jobs)
    SELECT lease_id, :kind, operator, prover_id, split_part(lane, '/', 2),
        (SELECT coalesce(sum(jobs_proven), 0) FROM provers WHERE provers.operator = leases.operator)
    FROM leases WHERE lease_id = :lease_id
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT pg_notify('lies', '') FROM noted;

-- name: lies_of_operators
-- Of each operator, since :window_ms ago, and since its last incident of that kind ended.
WITH counted AS (
    SELECT lies.operator, lies.kind, lies.at_ms FROM lies
    WHERE lies.at_ms > now_ms() - :window_ms AND NOT EXISTS (
        SELECT FROM incidents WHERE incidents.subject = lies.operator AND incidents.closed_ms >= lies.at_ms
            AND incidents.kind = CASE lies.kind WHEN 'invalid' THEN 'invalid_proofs' WHEN 'false' THEN 'false_claims'
                ELSE 'equivocation' END)
)
SELECT operator, count(*) FILTER (WHERE kind = 'invalid') AS invalid, count(*) FILTER (WHERE kind = 'false') AS false,
    count(*) FILTER (WHERE kind = 'equivocation') AS equivocations,
    (SELECT count(*) FROM leases WHERE leases.operator = counted.operator AND leases.state = 'settled'
        AND leases.granted_ms > now_ms() - :window_ms) AS results, min(at_ms) AS first_ms
FROM counted GROUP BY operator ORDER BY operator LIMIT 1000;

-- name: lies_of_engines
-- Of each engine, since :window_ms ago and since its last incident ended: who lied by it after :proven_before jobs, and who
-- handed in proofs by it at all.
SELECT lies.engine, array_agg(DISTINCT lies.operator) AS liars, min(lies.at_ms) AS first_ms,
    (SELECT array_agg(DISTINCT leases.operator) FROM leases WHERE leases.granted_ms > now_ms() - :window_ms
        AND leases.state = 'settled' AND split_part(leases.lane, '/', 2) = lies.engine) AS operators
FROM lies WHERE lies.kind = 'invalid' AND lies.at_ms > now_ms() - :window_ms AND lies.proven_jobs >= :proven_before
    AND NOT EXISTS (SELECT FROM incidents WHERE incidents.kind = 'engine_broken' AND incidents.subject = lies.engine
        AND incidents.closed_ms >= lies.at_ms)
GROUP BY lies.engine ORDER BY lies.engine;

-- name: forget_lies
DELETE FROM lies WHERE at_ms < now_ms() - 86400000;

-- name: silent_regions
-- Regions of which several provers, of several operators, were connected lately, and none is heard.
SELECT region, count(DISTINCT prover_id) AS provers, count(DISTINCT operator) AS operators, max(seen_ms) AS heard_ms
FROM sessions WHERE region <> '' AND opened_ms > now_ms() - :lately_ms * 100 AND seen_ms > now_ms() - :lately_ms
GROUP BY region
HAVING count(DISTINCT prover_id) >= :provers AND count(DISTINCT operator) >= :operators
    AND max(seen_ms) < now_ms() - :silent_ms ORDER BY region;

-- name: stale_incidents
-- Whose time is over, and of these :kinds those whose signal was not seen for :quiet_ms.
SELECT incident_id FROM incidents WHERE closed_ms IS NULL AND acted_ms IS NOT NULL
    AND (until_ms <= now_ms() OR (kind = ANY(:kinds::text[]) AND seen_ms < now_ms() - :quiet_ms)) ORDER BY incident_id;

-- name: incidents_to_act
SELECT incident_id FROM incidents WHERE closed_ms IS NULL AND acted_ms IS NULL ORDER BY incident_id;

-- name: blocked_addresses
SELECT subject AS host, coalesce(until_ms, now_ms() + 60000) - now_ms() AS left_ms
FROM incidents WHERE kind = 'token_abuse' AND closed_ms IS NULL;

-- name: administration_is_stopped
SELECT EXISTS (SELECT FROM incidents WHERE kind = 'audit_log' AND closed_ms IS NULL);

-- name: quarantine
-- The breakers of an operator's provers, and the one that its new names share, open until then; they are told (tell_provers).
WITH owner AS (
    SELECT operator FROM operator_standings WHERE operator = :operator AND
        (SELECT count(*) FROM (SELECT FROM provers WHERE operator = :operator ORDER BY prover_id FOR NO KEY UPDATE) AS p) >= 0
    FOR NO KEY UPDATE
), shared AS (
    UPDATE operator_standings SET paused_until_ms = greatest(paused_until_ms, :until_ms), last_faults = :why
    FROM owner WHERE operator_standings.operator = owner.operator RETURNING 1
)
UPDATE provers SET paused_until_ms = greatest(paused_until_ms, :until_ms), last_faults = :why
WHERE operator = :operator AND (SELECT count(*) FROM shared) >= 0 RETURNING prover_id;

-- name: lift_quarantine
-- What was quarantined until then may prove one job at a time, as after any pause.
WITH shared AS (
    UPDATE operator_standings SET paused_until_ms = now_ms() WHERE operator = :operator AND paused_until_ms = :until_ms RETURNING 1
)
UPDATE provers SET paused_until_ms = now_ms()
WHERE operator = :operator AND paused_until_ms = :until_ms AND (SELECT count(*) FROM shared) >= 0 RETURNING prover_id;

-- name: bundles_of_engine
-- Finished tasks with proofs by an engine that were accepted since then, newest first.
SELECT DISTINCT tasks.task_id::text AS task_id, tasks.bundle_digest FROM leases JOIN tasks USING (task_id)
WHERE leases.state = 'settled' AND split_part(leases.lane, '/', 2) = :engine AND leases.granted_ms >= :since_ms
    AND tasks.bundle_digest IS NOT NULL ORDER BY task_id DESC LIMIT :limit;

-- name: note_facts
UPDATE incidents SET facts = facts || :facts::jsonb WHERE incident_id = :incident_id;

-- name: resume_what_incident_stopped
-- Only what the network stopped by itself.
WITH resumed AS (
    UPDATE engine_stops SET resumed_by = :by, resumed_ms = now_ms()
    WHERE engine = :engine AND stopped_by = 'network' AND resumed_ms IS NULL RETURNING stop_id
)
SELECT stop_id FROM resumed CROSS JOIN LATERAL pg_notify('engines', '') AS told;

-- name: revoke_all_keys
WITH owned AS (SELECT key_id FROM api_keys WHERE owner = :owner AND revoked_ms IS NULL ORDER BY key_id FOR UPDATE)
UPDATE api_keys SET revoked_ms = now_ms() FROM owned WHERE api_keys.key_id = owned.key_id RETURNING api_keys.key_id;

-- name: other_gateways
-- Living ones that lead: others than this, whose clocks are right.
SELECT count(*) FROM gateways WHERE gateway_id <> :gateway_id AND seen_ms > now_ms() - :gateway_silent_ms
    AND NOT EXISTS (SELECT FROM incidents WHERE kind = 'clock_skew' AND closed_ms IS NULL
        AND subject = gateways.gateway_id::text AND acted_ms IS NOT NULL);

-- name: end_all_streams
-- Their provers connect anew, and name the leases that they hold.
SELECT session_id FROM sessions CROSS JOIN LATERAL pg_notify('stops',
    json_build_object('gateway', gateway_id, 'session', session_id)::text) AS told WHERE open;
