-- The timeline of an incident, in the transaction that opens it, acts upon it or closes it, whichever that is.
CREATE OR REPLACE FUNCTION note_incident_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO incident_changes (incident_id, change) VALUES (NEW.incident_id, 'opened') ON CONFLICT DO NOTHING;
        RETURN NULL;
    END IF;
    IF OLD.acted_ms IS NULL AND NEW.acted_ms IS NOT NULL THEN
        INSERT INTO incident_changes (incident_id, change) VALUES (NEW.incident_id, 'acted') ON CONFLICT DO NOTHING;
    END IF;
    IF OLD.closed_ms IS NULL AND NEW.closed_ms IS NOT NULL THEN
        INSERT INTO incident_changes (incident_id, change) VALUES (NEW.incident_id, 'closed') ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
