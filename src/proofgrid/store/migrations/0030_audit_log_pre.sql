-- The audit log: who changed rights, money by hand, keys, incidents, programs, and who was refused. Nothing is ever
-- taken out or changed; an entry gets its place in the Merkle tree once, some moments after it was written.

CREATE TABLE audit_entries (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    act text NOT NULL,
    caller text NOT NULL,
    peer text NOT NULL,
    what jsonb NOT NULL,
    outcome text NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    at_ms bigint NOT NULL DEFAULT now_ms(),
    position bigint CHECK (position >= 0),
    spelled bytea,
    leaf bytea,
    CHECK ((position IS NULL) = (spelled IS NULL) AND (position IS NULL) = (leaf IS NULL))
);
CREATE UNIQUE INDEX audit_entries_position ON audit_entries (position) WHERE position IS NOT NULL;
CREATE INDEX audit_entries_waiting ON audit_entries (entry_id) WHERE position IS NULL;
CREATE INDEX audit_entries_caller ON audit_entries (caller, position) WHERE position IS NOT NULL;
CREATE INDEX audit_entries_act ON audit_entries (act, position) WHERE position IS NOT NULL;

CREATE TABLE audit_checkpoints (
    size bigint PRIMARY KEY CHECK (size > 0),
    roots bytea[] NOT NULL,
    note text NOT NULL,
    at_ms bigint NOT NULL DEFAULT now_ms()
);

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_entries' THEN
        IF OLD.position IS NULL AND ROW(NEW.entry_id, NEW.act, NEW.caller, NEW.peer, NEW.what, NEW.outcome, NEW.count, NEW.at_ms)
            = ROW(OLD.entry_id, OLD.act, OLD.caller, OLD.peer, OLD.what, OLD.outcome, OLD.count, OLD.at_ms) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log only grows';
END $$;
CREATE TRIGGER audit_entries_only_grow BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_entries_stay BEFORE TRUNCATE ON audit_entries EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_checkpoints_only_grow BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_checkpoints_stay BEFORE TRUNCATE ON audit_checkpoints EXECUTE FUNCTION refuse_rewriting();
