-- Count money that leaves accounts by API keys: a JSON list of {key_id, amount}. In the transaction that moves it, before
-- accounts are locked; keys are locked in the order of their names, with those that made them, whose day it is as well.
-- Raises PG153 where a key, or its maker, may not spend so much more today, PG206 where one was revoked or has expired.
CREATE OR REPLACE FUNCTION spend_by_keys(given jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    today bigint := now_ms() / 86400000;
    names text[] := ARRAY(SELECT DISTINCT key_id FROM jsonb_to_recordset(given) AS g(key_id text));
    payers text[] := ARRAY(SELECT unnest(names) UNION SELECT maker_id FROM api_keys WHERE key_id = ANY(names) AND maker_id IS NOT NULL);
    refused record;
BEGIN
    PERFORM FROM api_keys WHERE key_id = ANY(payers) ORDER BY key_id FOR UPDATE;
    SELECT asked.key_id INTO refused FROM unnest(payers) AS asked(key_id) LEFT JOIN api_keys AS k USING (key_id)
    WHERE k.key_id IS NULL OR k.revoked_ms IS NOT NULL OR (k.expires_ms > 0 AND k.expires_ms <= now_ms()) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the API key % was revoked or has expired', refused.key_id USING ERRCODE = 'PG206';
    END IF;
    UPDATE api_keys AS k SET spent = CASE k.spent_day WHEN today THEN k.spent ELSE 0 END + asked.amount, spent_day = today
    FROM (
        SELECT payer, sum(g.amount)::bigint AS amount
        FROM jsonb_to_recordset(given) AS g(key_id text, amount bigint) JOIN api_keys AS used ON used.key_id = g.key_id,
            LATERAL (VALUES (used.key_id), (used.maker_id)) AS of_both(payer)
        WHERE payer IS NOT NULL GROUP BY payer
    ) AS asked WHERE k.key_id = ANY(payers) AND k.key_id = asked.payer;
    SELECT k.key_id, k.spend_per_day, k.spent INTO refused FROM api_keys AS k
    WHERE k.key_id = ANY(payers) AND k.spent > k.spend_per_day ORDER BY k.key_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the API key % may spend % a day and would have spent %', refused.key_id, refused.spend_per_day, refused.spent
            USING ERRCODE = 'PG153', DETAIL = refused.key_id || ' ' || refused.spend_per_day;
    END IF;
    RETURN cardinality(payers);
END
$$;
