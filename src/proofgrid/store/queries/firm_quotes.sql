-- name: insert_firm_quote
-- Nothing comes back when the client's key is taken.
INSERT INTO firm_quotes (quote_id, client, idempotency_key, program_digest, inputs, units, lanes, cost, premium, penalty,
    limit_price, hold_ms, within_ms, held_until_ms)
VALUES (:quote_id, :client, :idempotency_key, :program_digest, :inputs, :units, :lanes, :cost, :premium, :penalty,
    :limit_price, :hold_ms, :within_ms, now_ms() + :hold_ms)
ON CONFLICT (client, idempotency_key) DO NOTHING RETURNING quote_id;

-- name: firm_quote_of_key
SELECT q.quote_id, q.client, q.state, q.program_digest, q.inputs, q.units, q.cost, q.premium, q.penalty, q.limit_price, q.hold_ms,
    q.within_ms, q.created_ms, q.held_until_ms, q.ended_ms, (SELECT task_id FROM tasks WHERE tasks.quote_id = q.quote_id) AS task_id, now_ms() AS now_ms
FROM firm_quotes AS q WHERE client = :client AND idempotency_key = :idempotency_key;

-- name: get_firm_quote
-- A quote is its client's alone.
SELECT q.quote_id, q.client, q.state, q.program_digest, q.inputs, q.units, q.cost, q.premium, q.penalty, q.limit_price, q.hold_ms,
    q.within_ms, q.created_ms, q.held_until_ms, q.ended_ms, (SELECT task_id FROM tasks WHERE tasks.quote_id = q.quote_id) AS task_id, now_ms() AS now_ms
FROM firm_quotes AS q WHERE quote_id = :quote_id AND client = :client;

-- name: list_firm_quotes
-- Newest first.
SELECT q.quote_id, q.client, q.state, q.program_digest, q.inputs, q.units, q.cost, q.premium, q.penalty, q.limit_price, q.hold_ms,
    q.within_ms, q.created_ms, q.held_until_ms, q.ended_ms, (SELECT task_id FROM tasks WHERE tasks.quote_id = q.quote_id) AS task_id, now_ms() AS now_ms
FROM firm_quotes AS q WHERE client = :client ORDER BY created_ms DESC LIMIT :limit;

-- name: held_units
-- Units in one lane that were promised and may come any time.
SELECT coalesce(sum((lanes ->> :lane::text)::bigint), 0)::bigint FROM firm_quotes
WHERE state = 'held' AND held_until_ms > now_ms();

-- name: redeem_firm_quote
-- Locks the quote; nothing comes back when it cannot be redeemed. :sources: the states it may be in.
UPDATE firm_quotes SET state = 'redeemed' WHERE quote_id = :quote_id AND client = :client AND state = ANY(:sources::text[])
  AND held_until_ms > now_ms() RETURNING quote_id;

-- name: end_firm_quote
-- :sources: the states it may come from.
UPDATE firm_quotes SET state = :state, ended_ms = now_ms() WHERE quote_id = :quote_id AND state = ANY(:sources::text[])
RETURNING quote_id, client, cost, penalty, limit_price, units;

-- name: firm_quotes_are_over
SELECT EXISTS (SELECT FROM firm_quotes WHERE state = 'held' AND held_until_ms <= now_ms());

-- name: firm_quotes_past_hold
-- Locked by who ends them; others pass them over.
SELECT quote_id FROM firm_quotes WHERE state = 'held' AND held_until_ms <= now_ms()
ORDER BY held_until_ms LIMIT 100 FOR UPDATE SKIP LOCKED;
