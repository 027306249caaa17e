-- What happens to an incident is told, once each (docs/decisions/0086): its timeline, and what is to be said of it.
CREATE TABLE incident_changes (
    incident_id bigint NOT NULL REFERENCES incidents ON DELETE CASCADE,
    change      text   NOT NULL CHECK (change IN ('opened', 'acted', 'closed')),
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    why         text   NOT NULL DEFAULT '', -- it was closed, in an administrator's words
    PRIMARY KEY (incident_id, change)
);
CREATE INDEX incident_changes_by_time ON incident_changes (at_ms);
INSERT INTO incident_changes (incident_id, change, at_ms) SELECT incident_id, 'opened', opened_ms FROM incidents;
INSERT INTO incident_changes (incident_id, change, at_ms)
    SELECT incident_id, 'closed', closed_ms FROM incidents WHERE closed_ms IS NOT NULL;

CREATE TABLE incident_tellings (
    incident_id bigint NOT NULL,
    change      text   NOT NULL,
    channel     text   NOT NULL CHECK (channel IN ('alertmanager', 'webhook', 'mail')),
    state       text   NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'told', 'failed')),
    attempts    bigint NOT NULL DEFAULT 0,
    due_ms      bigint NOT NULL DEFAULT now_ms(),
    answer      text   NOT NULL DEFAULT '', -- the last one, escaped
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (incident_id, change, channel),
    FOREIGN KEY (incident_id, change) REFERENCES incident_changes ON DELETE CASCADE
);
CREATE INDEX incident_tellings_due ON incident_tellings (channel, due_ms) WHERE state = 'waiting';
CREATE INDEX incident_tellings_told ON incident_tellings (channel, at_ms) WHERE state = 'told';

CREATE FUNCTION note_incident_changes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER note_incident_changes AFTER INSERT OR UPDATE OF acted_ms, closed_ms ON incidents
    FOR EACH ROW EXECUTE FUNCTION note_incident_changes();
