-- Gateways hold access roles for a moment (docs/decisions/0042) and are told when they change.
CREATE FUNCTION tell_of_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('roles', coalesce(NEW.address, OLD.address));
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_of_roles AFTER INSERT OR UPDATE OR DELETE ON identities FOR EACH ROW EXECUTE FUNCTION tell_of_roles();
