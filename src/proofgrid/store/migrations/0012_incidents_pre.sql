-- What is wrong with the ledger stops settlement until somebody has looked (docs/decisions/0017).

CREATE TABLE incidents (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text   NOT NULL,
    subject     text   NOT NULL, -- the account or task it is about
    detail      text   NOT NULL,
    opened_ms   bigint NOT NULL DEFAULT now_ms(),
    closed_ms   bigint,
    closed_by   text   NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX one_open_incident ON incidents (kind, subject) WHERE closed_ms IS NULL;

-- Who looks for what moved lately reads the end of the table; a summary of page ranges costs writers nothing.
CREATE INDEX transfers_by_time ON transfers USING brin (at_ms) WITH (pages_per_range = 8);

-- While an incident is open, money comes in and is set aside for tasks, and nothing is paid, given back or taken out:
-- whichever transaction tries, in whichever gateway.
CREATE FUNCTION refuse_while_stopped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL)
        AND EXISTS (SELECT FROM fresh WHERE reason NOT IN ('deposit', 'escrow')) THEN
        RAISE EXCEPTION 'settlement is stopped by an incident' USING ERRCODE = 'PG340';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER refuse_while_stopped AFTER INSERT ON transfers REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_while_stopped();
