-- name: lock_stack
-- One round of a stack's lanes at a time, whichever gateway runs it; :silent_ms: after so long without a word it loses the
-- round. The lanes in which somebody waits, or NULL when another one is at it.
SELECT CASE WHEN pg_try_advisory_xact_lock(hashtextextended('lane:' || :stack, 0))
    THEN ARRAY(SELECT * FROM waiting_lanes(:stack)) END
FROM set_config('idle_in_transaction_session_timeout', :silent_ms, true);

-- name: open_rounds
-- Under the stack's lock: for each lane the epoch of this gateway's lead (a new one when another gateway led before) and
-- the round before this one.
WITH led AS (
    INSERT INTO lanes (lane, leader) SELECT lane, :leader FROM unnest(:lanes::text[]) AS given(lane) ORDER BY lane
    ON CONFLICT (lane) DO UPDATE SET leader = excluded.leader,
        epoch = lanes.epoch + (lanes.leader <> excluded.leader)::int,
        since_ms = CASE WHEN lanes.leader = excluded.leader THEN lanes.since_ms ELSE now_ms() END
    RETURNING lane, epoch
)
SELECT led.lane, led.epoch, last.number, last.transcript_hash, last.next_reference, until_next_job(led.lane) AS next_put_off,
    (SELECT reference_price FROM subnetworks WHERE name = split_part(led.lane, '/', 1)) AS first_reference,
    (SELECT next_reference FROM rounds WHERE lane = concat_ws('/', split_part(led.lane, '/', 1), split_part(led.lane, '/', 2),
        split_part(led.lane, '/', 3)) ORDER BY number DESC LIMIT 1) AS wide_reference,
    EXISTS (SELECT 1 FROM leases WHERE leases.lane = led.lane AND leases.state IN (@leases_in_flight)) AS backed
FROM led LEFT JOIN LATERAL (
    SELECT number, transcript_hash, next_reference FROM rounds WHERE lane = led.lane ORDER BY number DESC LIMIT 1
) AS last ON true;

-- name: insert_round
-- Nothing comes back, and nothing is written, when the epoch is not that of the lane any more.
INSERT INTO rounds (lane, number, transcript, transcript_hash, signature, buy_price, sell_price, units, bids, asks,
    next_reference, epoch, secret)
SELECT :lane, :number, :transcript, :transcript_hash, :signature, :buy_price, :sell_price, :units, :bids, :asks,
    :next_reference, epoch, :secret FROM lanes WHERE lane = :lane AND epoch = :epoch AND leader = :leader
RETURNING number;

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
