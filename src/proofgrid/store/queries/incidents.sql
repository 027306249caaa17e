-- fragment: incident
incident_id, kind, subject, detail, opened_ms, closed_ms, closed_by, stops_settlement, facts, signal_ms, seen_ms, times,
acted_ms, acted, until_ms

-- name: earlier_incidents
-- How many incidents of each of these kinds and subjects ended lately: since so many ms, by kind.
SELECT given.kind, given.subject, count(incidents.incident_id) AS times
FROM unnest(:kinds::text[], :subjects::text[], :forgotten_ms::bigint[]) AS given(kind, subject, forgotten_ms)
    LEFT JOIN incidents ON incidents.kind = given.kind AND incidents.subject = given.subject
        AND incidents.closed_ms > now_ms() - given.forgotten_ms
GROUP BY given.kind, given.subject;

-- name: open_incidents
-- What is open already is not opened again: it was seen once more, which is written down every ten seconds at most.
-- :standing: the row is the act. :quiet_ms: for how long it holds; 0: until it is ended.
WITH clock AS MATERIALIZED (SELECT now_ms() AS ms)
INSERT INTO incidents (kind, subject, detail, facts, opened_ms, seen_ms, signal_ms, stops_settlement, acted_ms, acted,
    until_ms)
SELECT kind, subject, detail, facts, clock.ms, clock.ms, CASE since_ms WHEN 0 THEN clock.ms ELSE since_ms END, stops,
    CASE WHEN standing THEN clock.ms END, CASE WHEN standing THEN does ELSE '' END,
    CASE WHEN quiet_ms > 0 THEN clock.ms + quiet_ms END
FROM clock, unnest(:kinds::text[], :subjects::text[], :details::text[], :facts::jsonb[], :since_ms::bigint[],
    :stops::bool[], :standing::bool[], :does::text[], :quiet_ms::bigint[])
    AS given(kind, subject, detail, facts, since_ms, stops, standing, does, quiet_ms)
ORDER BY kind, subject
ON CONFLICT (kind, subject) WHERE closed_ms IS NULL DO UPDATE SET seen_ms = now_ms(), times = incidents.times + 1
    WHERE incidents.seen_ms < now_ms() - 10000
RETURNING @incident;

-- name: is_stopped
SELECT EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL AND stops_settlement);

-- name: list_incidents
-- Newest first; :closed: also those that are closed.
SELECT @incident FROM incidents
WHERE :closed OR closed_ms IS NULL ORDER BY incident_id DESC LIMIT :limit;

-- name: get_incident
SELECT @incident FROM incidents
WHERE incident_id = :incident_id;

-- name: lock_incident
-- No row: it is closed, or somebody else is at it.
SELECT @incident FROM incidents
WHERE incident_id = :incident_id AND closed_ms IS NULL FOR NO KEY UPDATE SKIP LOCKED;

-- name: lock_incident_to_close
-- No row: it is closed, or there is none.
SELECT @incident FROM incidents
WHERE incident_id = :incident_id AND closed_ms IS NULL FOR NO KEY UPDATE;

-- name: note_acted
UPDATE incidents SET acted_ms = now_ms(), acted = :acted WHERE incident_id = :incident_id AND acted_ms IS NULL;

-- name: close_incident
UPDATE incidents SET closed_ms = now_ms(), closed_by = :by WHERE incident_id = :incident_id AND closed_ms IS NULL
RETURNING incident_id;

-- name: keep_reported_leases
-- While settlement is stopped, results that wait to be paid do not run out of time: :report_ms are left to say them again.
WITH waiting AS (
    SELECT lease_id FROM leases WHERE state = 'reported' AND expires_ms < now_ms() + :report_ms
    ORDER BY lease_id FOR NO KEY UPDATE
)
UPDATE leases SET expires_ms = at_ms + 2 * :report_ms, phase_until_ms = greatest(phase_until_ms, at_ms + 2 * :report_ms),
    until_ms = greatest(until_ms, at_ms + 2 * :report_ms)
FROM waiting, (SELECT now_ms() AS at_ms) AS clock WHERE leases.lease_id = waiting.lease_id;
