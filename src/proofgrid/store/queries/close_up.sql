-- name: leases_of_task
-- Every lease that a job of the task ever had, in the order in which they were sold; what is 0 did not happen yet.
SELECT l.job_id, l.prover_id, l.kind, l.state, l.lane, l.round, l.units, l.buy_price, l.granted_ms, l.started_ms, l.reported_ms,
    coalesce(l.ended_ms, 0) AS ended_ms, l.reason, l.permille
FROM leases l WHERE l.task_id = :task_id ORDER BY l.granted_ms, l.fence LIMIT :limit;

-- name: transfers_of_task
SELECT transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round, at_ms
FROM transfers WHERE task_id = :task_id ORDER BY at_ms, transfer_id LIMIT :limit;

-- name: earned_by_day
-- What came to an account in the last :days days, by day (UTC, in ms since the epoch) and by reason.
SELECT at_ms - at_ms % 86400000 AS day_ms, reason, sum(amount)::bigint AS amount, count(*) AS number
FROM transfers WHERE credit = :account AND at_ms >= now_ms() - :days::bigint * 86400000 GROUP BY 1, 2 ORDER BY 1, 2;

-- name: sessions_of_operator
-- Its connected provers: what they serve at which price, and what keeps them from being sold anything.
SELECT s.prover_id, s.asks, s.class_asks, s.classes, s.subnetworks, s.slots, (SELECT count(*) FROM leases l
        WHERE l.prover_id = s.prover_id AND l.state IN (@leases_in_flight)) AS busy, s.seen_ms, is_silent(s, :silent_ms) AS is_silent,
    s.draining, greatest(p.paused_until_ms, CASE WHEN p.jobs_proven < 8 THEN coalesce(o.paused_until_ms, 0) ELSE 0 END) AS paused_until_ms
FROM sessions s JOIN provers p USING (prover_id) JOIN gateways g USING (gateway_id)
    LEFT JOIN operator_standings o ON o.operator = s.operator
WHERE s.open AND s.operator = :operator AND g.seen_ms > now_ms() - :gateway_silent_ms ORDER BY s.prover_id;

-- name: bids_of_lanes
-- What is for sale in lanes, those of bids with constraints counted with their class, and the most that anybody bids.
SELECT array_to_string((string_to_array(lane, '/'))[1:3], '/') AS lane, count(*) AS jobs, max(limit_price) AS best_bid
FROM jobs WHERE state = 'ready' AND array_to_string((string_to_array(lane, '/'))[1:3], '/') = ANY(:lanes::text[])
GROUP BY 1 ORDER BY 1;

-- name: sales_at_ask
-- Of the latest :rounds rounds of each lane in the last :window_ms that sold something: how many there were, in how many an
-- :ask would have been within what operators got, and how many units all of these sold.
SELECT given.lane, count(*) AS sales, count(*) FILTER (WHERE sell_price >= given.ask) AS within,
    coalesce(sum(units) FILTER (WHERE sell_price >= given.ask), 0)::bigint AS units, max(sell_price) AS best_price
FROM unnest(:lanes::text[], :asks::bigint[]) AS given(lane, ask) CROSS JOIN LATERAL (
    SELECT at_ms, sell_price, units FROM rounds WHERE rounds.lane = given.lane ORDER BY number DESC LIMIT :rounds) AS latest
WHERE latest.at_ms >= now_ms() - :window_ms AND units > 0 GROUP BY 1, given.ask ORDER BY 1;
