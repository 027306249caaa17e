-- Gateways hold API keys that call often: they are told when one is revoked, and whose open calls to look at.
CREATE OR REPLACE FUNCTION tell_of_api_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('api_keys', NEW.key_id || ' ' || NEW.owner);
    RETURN NULL;
END
$$;
