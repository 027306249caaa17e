-- The audit log only grows: an entry gets its place once, and nothing else of it changes, ever.
CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_entries' THEN
        IF OLD.position IS NULL AND ROW(NEW.entry_id, NEW.act, NEW.caller, NEW.peer, NEW.what, NEW.outcome, NEW.count, NEW.at_ms)
            = ROW(OLD.entry_id, OLD.act, OLD.caller, OLD.peer, OLD.what, OLD.outcome, OLD.count, OLD.at_ms) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log only grows';
END
$$;
