-- name: insert_firm_quote
-- Nothing comes back when the client's key is taken.
INSERT INTO firm_quotes (quote_id, client, idempotency_key, program_digest, inputs, units, lanes, cost, premium, penalty,
    limit_price, hold_ms, within_ms, held_until_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now_ms() + $12)
ON CONFLICT (client, idempotency_key) DO NOTHING RETURNING quote_id;

-- name: firm_quote_of_key
SELECT firm_quotes.*, (SELECT task_id FROM tasks WHERE tasks.quote_id = firm_quotes.quote_id) AS task_id
FROM firm_quotes WHERE client = $1 AND idempotency_key = $2;

-- name: get_firm_quote
-- A quote is its client's alone.
SELECT firm_quotes.*, (SELECT task_id FROM tasks WHERE tasks.quote_id = firm_quotes.quote_id) AS task_id, now_ms() AS now_ms
FROM firm_quotes WHERE quote_id = $1 AND client = $2;

-- name: list_firm_quotes
-- Newest first.
SELECT firm_quotes.*, (SELECT task_id FROM tasks WHERE tasks.quote_id = firm_quotes.quote_id) AS task_id
FROM firm_quotes WHERE client = $1 ORDER BY created_ms DESC LIMIT $2;

-- name: held_units
-- Units in one lane that were promised and may come any time.
SELECT coalesce(sum((lanes ->> $1::text)::bigint), 0)::bigint FROM firm_quotes
WHERE state = 'held' AND held_until_ms > now_ms();

-- name: redeem_firm_quote
-- Locks the quote; nothing comes back when it cannot be redeemed. $3: the states it may be in.
UPDATE firm_quotes SET state = 'redeemed'
WHERE quote_id = $1 AND client = $2 AND state = ANY($3::text[]) AND held_until_ms > now_ms() RETURNING *;

-- name: end_firm_quote
-- $2: the new state, $3: the states it may come from.
UPDATE firm_quotes SET state = $2, ended_ms = now_ms() WHERE quote_id = $1 AND state = ANY($3::text[]) RETURNING *;

-- name: firm_quotes_are_over
SELECT EXISTS (SELECT FROM firm_quotes WHERE state = 'held' AND held_until_ms <= now_ms());

-- name: firm_quotes_past_hold
-- Locked by who ends them; others pass them over.
SELECT * FROM firm_quotes WHERE state = 'held' AND held_until_ms <= now_ms()
ORDER BY held_until_ms LIMIT 100 FOR UPDATE SKIP LOCKED;
