-- Gateways hold access roles of keys that call often: they are told when one of a key is given or taken, whoever does it.
CREATE OR REPLACE FUNCTION tell_of_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('roles', coalesce(NEW.address, OLD.address));
    RETURN NULL;
END
$$;
