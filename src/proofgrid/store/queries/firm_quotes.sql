-- name: take_turn_of_quotes
-- Until the commit nobody else sells a firm quote, and no round of the stacks is held: both would have the same slots.
-- A gateway that is silent for proofgrid.lock_silent_ms (database.py) loses its sale.
SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
FROM set_config('idle_in_transaction_session_timeout', current_setting('proofgrid.lock_silent_ms'), true),
    unnest(ARRAY['firm_quotes'] || (SELECT array_agg('lane:' || stack ORDER BY stack) FROM unnest(:stacks::text[]) AS asked(stack)))
        AS locks(key);

-- name: insert_firm_quote
-- Nothing comes back when the client's key is taken.
INSERT INTO firm_quotes (quote_id, client, idempotency_key, program_digest, inputs, aggregate, units, cost, premium, penalty,
    buy_price, sell_price, fee_permille, hold_ms, within_ms, held_until_ms, record, record_hash)
VALUES (:quote_id, :client, :idempotency_key, :program_digest, :inputs, :aggregate, :units, :cost, :premium, :penalty,
    :buy_price, :sell_price, :fee_permille, :hold_ms, :within_ms, now_ms() + :hold_ms, :record, :record_hash)
ON CONFLICT (client, idempotency_key) DO NOTHING RETURNING quote_id;

-- name: insert_seats
-- :seats: a JSON list (NewSeat).
INSERT INTO firm_quote_seats (quote_id, position, lane, units, memory_bytes, prover_id, operator, stake_bound, sizes,
    begin_ms, due_ms)
SELECT :quote_id, position, lane, units, memory_bytes, prover_id, operator, stake_bound, sizes, begin_ms, due_ms
FROM jsonb_to_recordset(:seats::jsonb) AS given(position int, lane text, units bigint, memory_bytes bigint,
    prover_id text, operator text, stake_bound bigint, sizes bigint, begin_ms bigint, due_ms bigint);

-- name: firm_quote_of_key
SELECT q.quote_id, q.client, q.state, q.program_digest, q.inputs, q.aggregate, q.units, q.cost, q.premium, q.penalty, q.buy_price,
    q.sell_price, q.fee_permille, q.hold_ms, q.within_ms, q.created_ms, q.held_until_ms, q.ended_ms, q.record_hash,
    (SELECT task_id FROM tasks WHERE tasks.quote_id = q.quote_id) AS task_id, now_ms() AS now_ms
FROM firm_quotes AS q WHERE client = :client AND idempotency_key = :idempotency_key;

-- name: get_firm_quote
-- A quote is its client's alone.
SELECT q.quote_id, q.client, q.state, q.program_digest, q.inputs, q.aggregate, q.units, q.cost, q.premium, q.penalty, q.buy_price,
    q.sell_price, q.fee_permille, q.hold_ms, q.within_ms, q.created_ms, q.held_until_ms, q.ended_ms, q.record_hash,
    (SELECT task_id FROM tasks WHERE tasks.quote_id = q.quote_id) AS task_id, now_ms() AS now_ms
FROM firm_quotes AS q WHERE quote_id = :quote_id AND client = :client;

-- name: list_firm_quotes
-- Newest first, after the one that was bought at :before_ms and has :before_id.
SELECT q.quote_id, q.client, q.state, q.program_digest, q.inputs, q.aggregate, q.units, q.cost, q.premium, q.penalty, q.buy_price,
    q.sell_price, q.fee_permille, q.hold_ms, q.within_ms, q.created_ms, q.held_until_ms, q.ended_ms, q.record_hash,
    (SELECT task_id FROM tasks WHERE tasks.quote_id = q.quote_id) AS task_id, now_ms() AS now_ms
FROM firm_quotes AS q WHERE client = :client AND (q.created_ms, q.quote_id) < (:before_ms::bigint, :before_id::uuid)
ORDER BY created_ms DESC, quote_id DESC LIMIT :limit;

-- name: reserves_of_stack
-- What the open sessions of these provers offer ahead, and how much of it is reserved.
SELECT s.prover_id, s.reserve_price AS price, s.reserve_slots AS slots,
    (SELECT count(*) FROM firm_quote_seats t WHERE t.prover_id = s.prover_id AND t.state = 'reserved') AS reserved
FROM sessions s WHERE s.open AND s.reserve_slots > 0 AND s.prover_id = ANY(:provers::text[]);

-- name: redeem_firm_quote
-- Locks the quote; nothing comes back when it cannot be redeemed. :sources: the states it may be in.
UPDATE firm_quotes SET state = 'redeemed' WHERE quote_id = :quote_id AND client = :client AND state = ANY(:sources::text[])
  AND held_until_ms > now_ms() RETURNING quote_id;

-- name: seats_of_quote
-- The quote's row is locked. In the order of their positions.
SELECT position, state, lane, units, memory_bytes, prover_id, operator, stake_bound FROM firm_quote_seats
WHERE quote_id = :quote_id ORDER BY position;

-- name: seats_that_ended
-- The rows of the quote's task and of the quote are locked. What became of the seats' jobs, in the order of their positions.
SELECT t.position, t.operator, t.units, t.state, l.state AS lease_state, coalesce(l.reason, '') AS lease_reason,
    coalesce(l.reported_ms > 0, false) AS was_reported, j.state = 'proven' AS is_proven,
    EXISTS (SELECT FROM leases w WHERE w.task_id = j.task_id AND w.job_id = j.job_id AND w.state = 'settled'
        AND w.operator = t.operator) AS is_delivered,
    t.due_ms > 0 AND EXISTS (SELECT FROM leases w WHERE w.lease_id = j.lease_id AND w.state = 'settled'
        AND CASE w.reported_ms WHEN 0 THEN w.ended_ms ELSE w.reported_ms END > task.created_ms + t.due_ms) AS is_late,
    t.begin_ms > 0 AND coalesce(l.granted_ms > task.created_ms + t.begin_ms, false) AS began_late
FROM firm_quote_seats t JOIN tasks task ON task.task_id = :task_id JOIN jobs j ON j.task_id = :task_id AND j.position = t.position
    LEFT JOIN leases l ON l.lease_id = t.lease_id
WHERE t.quote_id = :quote_id ORDER BY t.position;

-- name: quotes_to_seat
-- The tasks' rows are locked; this locks the quotes of those of them that have seats whose jobs wait for others, with the
-- provers of these seats.
SELECT q.quote_id, t.task_id, q.buy_price, q.sell_price, q.fee_permille, q.record_hash,
    ARRAY(SELECT DISTINCT s.prover_id FROM firm_quote_seats s WHERE s.quote_id = q.quote_id AND s.state = 'reserved'
        ORDER BY 1) AS provers
FROM tasks t JOIN firm_quotes q ON q.quote_id = t.quote_id
WHERE t.task_id = ANY(:task_ids::uuid[]) AND q.state = 'redeemed' ORDER BY q.quote_id FOR NO KEY UPDATE OF q;

-- name: seats_in_turn
-- The quote's row is locked, and its task's. The seats whose jobs have what they wait for, with these jobs.
SELECT s.position, s.state, s.lane, s.units, s.memory_bytes, s.prover_id, s.operator, s.stake_bound, j.job_id, j.slice, j.input
FROM firm_quote_seats s JOIN jobs j ON j.task_id = :task_id AND j.position = s.position
WHERE s.quote_id = :quote_id AND s.state = 'reserved' AND j.state = 'ready' ORDER BY s.position;

-- name: change_seats
-- :states: what the seats at these :positions are from now on, :leases: what they were granted, NULL for no change. The
-- lanes of slots that are free again are woken.
WITH changed AS (
    UPDATE firm_quote_seats AS t SET state = given.state, lease_id = coalesce(given.lease_id, t.lease_id)
    FROM unnest(:positions::int[], :states::text[], :leases::uuid[]) AS given(position, state, lease_id)
    WHERE t.quote_id = :quote_id AND t.position = given.position RETURNING t.lane, t.state
)
SELECT pg_notify('lanes', lane) FROM changed WHERE state = 'free' GROUP BY lane;

-- name: end_firm_quote
-- :sources: the states it may come from.
UPDATE firm_quotes SET state = :state, ended_ms = now_ms() WHERE quote_id = :quote_id AND state = ANY(:sources::text[])
RETURNING quote_id, client, units, cost, premium, penalty, buy_price, sell_price, hold_ms, within_ms;

-- name: firm_quotes_are_over
SELECT EXISTS (SELECT FROM firm_quotes WHERE state = 'held' AND held_until_ms <= now_ms());

-- name: firm_quotes_past_hold
-- Locked by who ends them; others pass them over.
SELECT quote_id FROM firm_quotes WHERE state = 'held' AND held_until_ms <= now_ms()
ORDER BY held_until_ms LIMIT 100 FOR UPDATE SKIP LOCKED;
