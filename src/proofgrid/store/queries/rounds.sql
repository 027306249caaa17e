-- name: open_stack
-- One round of a stack's lanes at a time, whichever gateway runs it (functions/open_stack.sql); one that is silent for
-- proofgrid.lock_silent_ms (database.py) loses the round. A round's statements are planned once for each connection, while
-- tables may be small: a bitmap reads all rows of an index before it sorts them, where the index has the best ones first.
SELECT opened.* FROM set_config('idle_in_transaction_session_timeout', current_setting('proofgrid.lock_silent_ms'), true) AS silence,
    set_config('enable_bitmapscan', 'off', true) AS plans CROSS JOIN LATERAL open_stack(:stack, :leader) AS opened;

-- name: write_round
-- A lane's round, its leases (functions/grant_leases.sql) and events, the tasks' rows locked. Nothing is recorded when the
-- epoch is not that of the lane any more. :winners: the provers that any lane of the stack sold to in this transaction.
WITH recorded AS (
    INSERT INTO rounds (lane, number, transcript, transcript_hash, signature, buy_price, sell_price, units, bids, asks,
        next_reference, epoch, secret)
    SELECT :lane, :number, :transcript, :transcript_hash, :signature, :shown_buy_price, :shown_sell_price, :units, :bids, :asks,
        :next_reference, epoch, :secret FROM lanes WHERE lane = :lane AND epoch = :epoch AND leader = :leader
    RETURNING number
), granted AS (
    SELECT grant_leases(:leases::jsonb, :lane, number, :buy_price, :sources::text[], :epoch, :winners::text[]) AS leases
    FROM recorded
), given AS (
    SELECT * FROM unnest(:task_ids::uuid[], :kinds::text[], :data::jsonb[])
        WITH ORDINALITY AS g(task_id, kind, data, place)
), counted AS (
    SELECT task_id, count(*) AS number, (row_number() OVER () - 1) / 200 AS chunk FROM given GROUP BY task_id
), bumped AS (
    UPDATE tasks SET event_seq = event_seq + number FROM counted WHERE tasks.task_id = counted.task_id
    RETURNING tasks.task_id, event_seq - number AS before
), written AS (
    INSERT INTO task_events (task_id, seq, kind, data)
    SELECT task_id, before + row_number() OVER (PARTITION BY task_id ORDER BY place), kind, data
    FROM given JOIN bumped USING (task_id)
), told AS (
    SELECT pg_notify('task_events', string_agg(task_id::text, ',')) FROM counted GROUP BY chunk
)
SELECT leases FROM granted WHERE (SELECT count(*) FROM told) >= 0;

-- name: references_of_lanes
-- The reference price of each lane's next round; of a lane without a round that of its subnetwork, if it has one.
SELECT given.lane, last.next_reference,
    (SELECT reference_price FROM subnetworks WHERE name = split_part(given.lane, '/', 1)) AS first_reference
FROM unnest(:lanes::text[]) AS given(lane) LEFT JOIN LATERAL (
    SELECT next_reference FROM rounds WHERE rounds.lane = given.lane ORDER BY number DESC LIMIT 1) AS last ON true;

-- name: recent_buy_prices
-- Of the latest :rounds of a lane, those in which something was sold.
SELECT buy_price FROM (SELECT buy_price, units FROM rounds WHERE lane = :lane ORDER BY number DESC LIMIT :rounds) AS latest
WHERE units > 0;
