-- Post transfers given as a JSON list of {transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round}.
-- Idempotent by transfer_id; a known id with another content is an error; no account but `mint` goes below zero.
-- Accounts are locked in the order of their names, so two postings never wait for each other in a circle.
CREATE OR REPLACE FUNCTION post_transfers(given jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    -- Rows are found by arrays: a join with the list would be planned, while tables are small, to read all of them.
    names text[];
    ids text[];
    posted int;
BEGIN
    SELECT array_agg(DISTINCT name ORDER BY name), array_agg(DISTINCT transfer_id) INTO names, ids
        FROM jsonb_to_recordset(given) AS g(transfer_id text, debit text, credit text),
            LATERAL (VALUES (g.debit), (g.credit)) AS both_sides(name);
    INSERT INTO accounts (account) SELECT name FROM unnest(names) AS given_names(name) ORDER BY name ON CONFLICT DO NOTHING;
    PERFORM FROM accounts WHERE account = ANY(names) ORDER BY account FOR UPDATE;
    IF EXISTS (SELECT FROM transfers WHERE transfer_id = ANY(ids)) AND EXISTS (
        SELECT FROM transfers AS t
        JOIN jsonb_to_recordset(given) AS g(transfer_id text, debit text, credit text, amount bigint) USING (transfer_id)
        WHERE t.transfer_id = ANY(ids) AND (t.debit, t.credit, t.amount) IS DISTINCT FROM (g.debit, g.credit, g.amount)
    ) THEN
        RAISE EXCEPTION 'a transfer id was used before with another content' USING ERRCODE = 'unique_violation';
    END IF;
    WITH fresh AS (
        INSERT INTO transfers (transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round)
            SELECT transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round
            FROM jsonb_to_recordset(given) AS g(
                transfer_id text, debit text, credit text, amount bigint, reason text,
                task_id uuid, job_id uuid, lane text, round bigint)
            ON CONFLICT (transfer_id) DO NOTHING
            RETURNING debit, credit, amount
    ), moved AS (
        SELECT account, sum(delta)::bigint AS delta FROM (
            SELECT debit AS account, -amount AS delta FROM fresh
            UNION ALL SELECT credit, amount FROM fresh
        ) AS both_sides GROUP BY account
    ), updated AS (
        UPDATE accounts SET balance = balance + delta FROM moved
        WHERE accounts.account = ANY(names) AND accounts.account = moved.account RETURNING 1
    )
    SELECT count(*) INTO posted FROM fresh;
    RETURN posted;
END
$$;
