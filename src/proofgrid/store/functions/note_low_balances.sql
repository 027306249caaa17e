-- Of accounts whose balances changed, their rows locked: which fell below what their owners named, and which are above it
-- again. Who fell is told once, until it is above: in the transaction that moved the money.
CREATE OR REPLACE FUNCTION note_low_balances(touched text[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    fallen int;
BEGIN
    WITH crossed AS (
        UPDATE low_balances AS m SET is_low = a.balance < m.amount, told = m.told + (a.balance < m.amount)::int
        FROM accounts AS a WHERE m.account = ANY(touched) AND a.account = m.account AND m.is_low <> (a.balance < m.amount)
        RETURNING m.owner, m.amount, m.is_low, m.told, a.balance
    ), events AS (
        INSERT INTO account_events (account_id, seq, kind, data)
        SELECT md5(owner)::uuid, told, 'low_balance', jsonb_build_object('balance', balance, 'low_balance', amount)
        FROM crossed WHERE is_low RETURNING account_id, seq
    ), deliveries AS (
        INSERT INTO webhook_deliveries (endpoint_id, task_id, seq)
        SELECT e.endpoint_id, md5(owner)::uuid, told FROM crossed JOIN webhook_endpoints AS e USING (owner)
        WHERE is_low AND 'low_balance' = ANY(e.kinds) RETURNING seq
    )
    SELECT (SELECT count(*) FROM events) + 0 * (SELECT count(*) FROM deliveries) INTO fallen;
    IF fallen > 0 THEN
        PERFORM pg_notify('webhooks', '');
    END IF;
    RETURN fallen;
END
$$;
