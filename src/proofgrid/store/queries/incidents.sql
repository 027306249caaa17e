-- name: open_incidents
-- What is open already is not opened again.
INSERT INTO incidents (kind, subject, detail) SELECT * FROM unnest(:kinds::text[], :subjects::text[], :details::text[])
ON CONFLICT (kind, subject) WHERE closed_ms IS NULL DO NOTHING
RETURNING incident_id, kind, subject, detail, opened_ms, closed_ms, closed_by, stops_settlement;

-- name: is_stopped
SELECT EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL AND stops_settlement);

-- name: list_incidents
-- Newest first; :closed: also those that are closed.
SELECT incident_id, kind, subject, detail, opened_ms, closed_ms, closed_by, stops_settlement FROM incidents
WHERE :closed OR closed_ms IS NULL ORDER BY incident_id DESC LIMIT :limit;

-- name: get_incident
SELECT incident_id, kind, subject, detail, opened_ms, closed_ms, closed_by, stops_settlement FROM incidents
WHERE incident_id = :incident_id;

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
