-- Incidents that act (docs/decisions/0085): what the signal saw, what was done, and until when it holds. The table of
-- kinds is rules/incidents/kinds.py. Gateways of before go on writing rows: their acts are the rows themselves.
ALTER TABLE incidents
    ADD COLUMN facts     jsonb  NOT NULL DEFAULT '{}',
    ADD COLUMN signal_ms bigint NOT NULL DEFAULT now_ms(), -- when it could be seen first
    ADD COLUMN seen_ms   bigint NOT NULL DEFAULT now_ms(), -- and when it was seen last
    ADD COLUMN times     bigint NOT NULL DEFAULT 1,
    ADD COLUMN acted_ms  bigint, -- NULL: the act is not done yet
    ADD COLUMN acted     text   NOT NULL DEFAULT '', -- what was done
    ADD COLUMN until_ms  bigint; -- it ends by itself then; NULL: it does not
UPDATE incidents SET signal_ms = opened_ms, seen_ms = opened_ms, acted_ms = opened_ms;
CREATE INDEX incidents_by_subject ON incidents (kind, subject, incident_id DESC);

CREATE FUNCTION tell_of_incidents() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER tell_of_incidents AFTER INSERT OR UPDATE OF acted_ms, closed_ms ON incidents
    FOR EACH ROW EXECUTE FUNCTION tell_of_incidents();

-- What a gateway found to be false by looking itself: signals are counted of these. Kept for a day.
CREATE TABLE lies (
    lease_id    uuid   NOT NULL,
    kind        text   NOT NULL CHECK (kind IN ('invalid', 'false', 'equivocation')),
    operator    text   NOT NULL,
    prover_id   text   NOT NULL,
    engine      text   NOT NULL,
    proven_jobs bigint NOT NULL, -- of its operator, when it was found
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (lease_id, kind)
);
CREATE INDEX lies_by_time ON lies (at_ms);
