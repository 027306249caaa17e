-- name: make_tellings
-- Of each young change a message for each of these channels, once.
INSERT INTO incident_tellings (incident_id, change, channel)
SELECT c.incident_id, c.change, given.channel FROM incident_changes AS c, unnest(:channels::text[]) AS given(channel)
WHERE c.at_ms > now_ms() - :young_ms::bigint ON CONFLICT DO NOTHING;

-- name: claim_tellings
-- What is due of a channel, oldest first, an incident's changes in their order; no more than :per_hour in an hour.
WITH due AS (
    SELECT t.incident_id, t.change, t.channel, c.at_ms AS changed_ms, c.why
    FROM incident_tellings AS t JOIN incident_changes AS c USING (incident_id, change)
    WHERE t.channel = :channel AND t.state = 'waiting' AND t.due_ms <= now_ms() AND NOT EXISTS (
        SELECT FROM incident_tellings AS before JOIN incident_changes AS b USING (incident_id, change)
        WHERE before.incident_id = t.incident_id AND before.channel = t.channel AND before.state = 'waiting'
            AND b.at_ms < c.at_ms)
    ORDER BY c.at_ms, t.incident_id
    LIMIT greatest(0, least(:limit::bigint, :per_hour::bigint - (SELECT count(*) FROM incident_tellings
        WHERE channel = :channel AND state = 'told' AND at_ms > now_ms() - 3600000)))
    FOR UPDATE OF t SKIP LOCKED
)
UPDATE incident_tellings AS t SET attempts = t.attempts + 1, due_ms = now_ms() + :lease_ms::bigint, at_ms = now_ms()
FROM due WHERE (t.incident_id, t.change, t.channel) = (due.incident_id, due.change, due.channel)
RETURNING t.incident_id, t.change, t.attempts, due.changed_ms, due.why;

-- name: note_telling
-- Nothing where it was claimed again meanwhile.
UPDATE incident_tellings SET state = :state, due_ms = now_ms() + :backoff_ms::bigint, answer = :answer, at_ms = now_ms()
WHERE incident_id = :incident_id AND change = :change AND channel = :channel AND state = 'waiting'
    AND attempts = :attempts;

-- name: note_why_closed
UPDATE incident_changes SET why = :why WHERE incident_id = :incident_id AND change = 'closed';

-- name: changes_of_incident
SELECT change, at_ms, why FROM incident_changes WHERE incident_id = :incident_id ORDER BY at_ms, change DESC;

-- name: tellings_of_incident
SELECT change, channel, state, attempts, answer, at_ms FROM incident_tellings WHERE incident_id = :incident_id
ORDER BY at_ms, change DESC, channel;
