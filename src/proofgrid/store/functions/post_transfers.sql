-- Post transfers given as a JSON list of {transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round}.
-- Idempotent by transfer_id; a known id with another content is an error; no account but `mint` goes below zero.
-- Accounts are locked in the order of their names, so two postings never wait for each other in a circle.
CREATE OR REPLACE FUNCTION post_transfers(given jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    -- Rows are found by arrays: a join with the list would be planned, while tables are small, to read all of them.
    names text[] := ARRAY(
        SELECT DISTINCT name FROM jsonb_to_recordset(given) AS g(debit text, credit text),
            LATERAL (VALUES (g.debit), (g.credit)) AS both_sides(name) ORDER BY name);
    posted int;
    touched text[];
    deltas bigint[];
BEGIN
    INSERT INTO accounts (account) SELECT name FROM unnest(names) AS given_names(name) ORDER BY name ON CONFLICT DO NOTHING;
    PERFORM FROM accounts WHERE account = ANY(names) ORDER BY account FOR UPDATE;
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
    )
    SELECT (SELECT count(*) FROM fresh), array_agg(account), array_agg(delta) INTO posted, touched, deltas FROM moved;
    -- What was not posted was there before: all of it the same?
    IF posted < jsonb_array_length(given) AND EXISTS (
        SELECT FROM transfers AS t
        JOIN jsonb_to_recordset(given) AS g(transfer_id text, debit text, credit text, amount bigint) USING (transfer_id)
        WHERE t.transfer_id = ANY(ARRAY(SELECT one ->> 'transfer_id' FROM jsonb_array_elements(given) AS ids(one)))
          AND (t.debit, t.credit, t.amount) IS DISTINCT FROM (g.debit, g.credit, g.amount)
    ) THEN
        RAISE EXCEPTION 'a transfer id was used before with another content' USING ERRCODE = 'unique_violation';
    END IF;
    UPDATE accounts SET balance = balance + delta FROM unnest(touched, deltas) AS moved(name, delta)
    WHERE accounts.account = ANY(touched) AND accounts.account = name;
    IF EXISTS (SELECT FROM low_balances WHERE account = ANY(touched)) THEN
        PERFORM note_low_balances(touched);
    END IF;
    RETURN posted;
END
$$;
