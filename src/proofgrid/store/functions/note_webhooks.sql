-- What is to be told to whom, written in the transaction of the event itself. Where nobody has webhooks it costs one look at
-- an empty table.
CREATE OR REPLACE FUNCTION note_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM webhook_endpoints) THEN
        RETURN NULL;
    END IF;
    INSERT INTO webhook_deliveries (endpoint_id, task_id, seq)
    SELECT e.endpoint_id, f.task_id, f.seq FROM fresh AS f JOIN tasks AS t USING (task_id)
        JOIN webhook_endpoints AS e ON e.owner = t.client AND f.kind = ANY(e.kinds)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('webhooks', '');
    END IF;
    RETURN NULL;
END
$$;
