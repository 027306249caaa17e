-- Gateways hold the incidents that are open (roles/open_incidents.py), and the one that acts is woken.
CREATE OR REPLACE FUNCTION tell_of_incidents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('incidents', NEW.kind || ' ' || left(NEW.subject, 200));
    RETURN NULL;
END
$$;
