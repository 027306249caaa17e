-- name: lanes_of_overview
-- The lanes that had rounds, with where their prices stand. Lanes of bids with constraints are left out: there are as
-- many as people think of, and the wide lane's limits hold theirs.
SELECT l.lane, last.number AS rounds, last.next_reference AS reference_price, last.at_ms AS round_ms
FROM lanes l CROSS JOIN LATERAL (
    SELECT number, next_reference, at_ms FROM rounds WHERE rounds.lane = l.lane ORDER BY number DESC LIMIT 1) AS last
WHERE l.lane LIKE '%/%/%' AND l.lane NOT LIKE '%/%/%/%' ORDER BY l.lane LIMIT :limit;

-- name: capacity_of_lanes
-- What connected provers serve, lane by lane: a slot counts in each lane in which it is offered. Who is silent, drains or is
-- paused is sold nothing. :gateway_silent_ms, :silent_ms: as in list_provers.
WITH serving AS (
    SELECT s.subnetworks, s.asks, s.class_asks, s.classes, s.slots, least(s.slots, (SELECT count(*) FROM leases l
        WHERE l.prover_id = s.prover_id AND l.state IN (@leases_in_flight))) AS busy
    FROM sessions s JOIN provers p USING (prover_id) JOIN gateways g USING (gateway_id)
        LEFT JOIN operator_standings o ON o.operator = s.operator AND p.jobs_proven < 8
    WHERE s.open AND g.seen_ms > now_ms() - :gateway_silent_ms AND NOT is_silent(s, :silent_ms) AND NOT s.draining
        AND NOT coalesce(greatest(p.paused_until_ms, o.paused_until_ms) > now_ms(), false)
)
SELECT concat_ws('/', subnetwork, engine, class) AS lane, count(*) AS provers, sum(slots)::bigint AS slots,
    sum(busy)::bigint AS busy, min(coalesce((class_asks -> engine ->> class)::bigint, price::bigint)) AS least_ask
FROM serving, unnest(subnetworks) AS subnetwork, jsonb_each_text(asks) AS asked(engine, price), unnest(classes) AS class
GROUP BY 1 ORDER BY 1 LIMIT :limit;

-- name: waiting_in_lanes
-- Jobs that are for sale, and since when the task of the oldest has been there.
SELECT j.lane, count(*) AS jobs, sum(j.units)::bigint AS units, min(t.created_ms) AS oldest_ms
FROM jobs j JOIN tasks t USING (task_id) WHERE j.state = 'ready' GROUP BY 1 ORDER BY 1;

-- name: proven_in_lanes
-- What was sold in the last :window_ms and is verified.
SELECT lane, count(*) AS jobs, sum(units)::bigint AS units FROM leases
WHERE granted_ms >= now_ms() - :window_ms AND state = 'settled' GROUP BY 1 ORDER BY 1;

-- name: punctuality_of_lanes
-- How long tasks of the last :window_ms took that are over, in the lanes of their jobs. Who got no bundle waited for ever: a
-- miss is longer than any time, so where misses reach a percentile it is NULL. What a client cancelled does not count.
WITH ended AS (
    SELECT DISTINCT j.lane, t.task_id, t.state <> 'done' AS missed,
        CASE t.state WHEN 'done' THEN greatest(0, t.finished_ms - t.created_ms) ELSE 9007199254740991 END AS took_ms
    FROM tasks t JOIN jobs j USING (task_id)
    WHERE t.created_ms >= now_ms() - :window_ms AND t.state IN ('done', 'failed')
), ranked AS (
    SELECT lane, count(*) AS tasks, count(*) FILTER (WHERE missed) AS misses,
        percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY took_ms) AS took_ms
    FROM ended GROUP BY lane
)
SELECT lane, tasks, misses, nullif(took_ms[1], 9007199254740991) AS p50_ms, nullif(took_ms[2], 9007199254740991) AS p95_ms,
    nullif(took_ms[3], 9007199254740991) AS p99_ms
FROM ranked ORDER BY lane;

-- name: prices_of_lanes
-- Rounds of the last :window_ms that sold something, :bucket_ms at a time: the prices of the latest, and what all sold; of
-- each lane at most so many rounds are read.
SELECT given.lane, latest.at_ms - latest.at_ms % :bucket_ms AS at_ms,
    (array_agg(latest.buy_price ORDER BY latest.number DESC))[1] AS buy_price,
    (array_agg(latest.sell_price ORDER BY latest.number DESC))[1] AS sell_price, sum(latest.units)::bigint AS units
FROM unnest(:lanes::text[]) AS given(lane) CROSS JOIN LATERAL (
    SELECT number, at_ms, buy_price, sell_price, units FROM rounds WHERE rounds.lane = given.lane
    ORDER BY number DESC LIMIT :rounds) AS latest
WHERE latest.at_ms >= now_ms() - :window_ms AND latest.units > 0 GROUP BY 1, 2 ORDER BY 1, 2;

-- name: rounds_of_lane
-- Newest first, without their transcripts. :below: only earlier ones; :all_rounds: also those that sold nothing.
SELECT number, buy_price, sell_price, units, bids, asks, at_ms, next_reference FROM rounds
WHERE lane = :lane AND number < :below AND (:all_rounds OR units > 0) ORDER BY number DESC LIMIT :limit;

-- name: round_of_lane
SELECT lane, number, buy_price, sell_price, units, bids, asks, transcript_hash, signature, transcript, at_ms, next_reference,
    secret IS NOT NULL AS is_blinded FROM rounds WHERE lane = :lane AND number = :number;

-- name: open_subnetworks
SELECT name FROM subnetworks WHERE is_open ORDER BY name;

-- name: bonds_of_operators
-- What each operator has at stake: in the ledger, and what stake on a chain adds to it.
SELECT operator, coalesce(balance, 0) AS balance, coalesce(staked, 0) AS staked
FROM (SELECT substr(account, 7) AS operator, balance FROM accounts WHERE account LIKE 'stake:%' AND balance > 0) AS bonds
    FULL JOIN (SELECT s.operator, behind.staked FROM chain_stakes s CROSS JOIN LATERAL stake_behind(s.operator) AS behind)
        AS stakes USING (operator)
WHERE balance > 0 OR staked > 0 ORDER BY operator LIMIT :limit;

-- name: latest_slashes
-- Newest first, of an :operator, or of all when it is empty; whose task it was, nobody is told.
SELECT evidence_id, kind, operator, prover_id, program_digest, amount, at_ms, state, given_back,
    claim <> '' AS can_be_verified
FROM evidence WHERE :operator = '' OR operator = :operator ORDER BY at_ms DESC LIMIT :limit;
