-- name: take_census_turn
-- One process of a network at a time, for as long as its connection lives.
SELECT pg_try_advisory_lock(hashtextextended('census', 0));

-- name: census_of_lanes
-- What waits and runs in each lane. lowest_ask: of connected provers that serve the lane, busy or not, whatever its bids
-- demand besides. oldest_ms: since when the oldest job that may be sold now waits; ids of tasks begin with the time at which
-- they came; where a job needed others it is when the last of these was proven (waiting_ms). :silent_ms: how long a lease
-- lives without a heartbeat.
WITH asks AS (
    SELECT format('%s/%s/%s', subnetwork, ask.key, class) AS lane,
        min(coalesce((s.class_asks -> ask.key ->> class)::bigint, ask.value::bigint)) AS lowest
    FROM sessions s JOIN gateways g USING (gateway_id) CROSS JOIN unnest(s.subnetworks) AS subnetwork
        CROSS JOIN jsonb_each_text(s.asks) AS ask CROSS JOIN unnest(s.classes) AS class
    WHERE s.open AND NOT s.draining AND g.seen_ms > now_ms() - :gateway_silent_ms AND NOT is_silent(s, :silent_ms)
    GROUP BY 1
), waiting AS (
    SELECT jobs.lane, count(*) AS jobs, sum(units)::bigint AS units,
        sum(units) FILTER (WHERE limit_price >= lowest)::bigint AS affordable,
        min(task_id::text) FILTER (WHERE not_before_ms = 0 AND depends_on = '{}') AS first_task,
        min(not_before_ms) FILTER (WHERE not_before_ms BETWEEN 1 AND now_ms() AND depends_on = '{}') AS first_ms,
        max(waiting_ms(jobs, 0)) FILTER (WHERE not_before_ms <= now_ms() AND depends_on <> '{}') AS longest_ms
    FROM jobs LEFT JOIN asks ON asks.lane = array_to_string((string_to_array(jobs.lane, '/'))[1:3], '/')
    WHERE state = 'ready' GROUP BY jobs.lane
), running AS (
    SELECT lane, count(*) AS jobs, sum(units)::bigint AS units FROM leases WHERE state IN (@leases_held) GROUP BY lane
)
SELECT known.lane, coalesce(waiting.jobs, 0) AS waiting_jobs, coalesce(waiting.units, 0)::bigint AS waiting_units,
    coalesce(waiting.affordable, 0)::bigint AS affordable_units,
    coalesce(greatest(now_ms() - first_ms, waiting.longest_ms,
        now_ms() - ('x' || left(replace(first_task, '-', ''), 12))::bit(48)::bigint), 0) AS oldest_ms,
    coalesce(running.jobs, 0) AS running_jobs, coalesce(running.units, 0)::bigint AS running_units, asks.lowest AS lowest_ask,
    (SELECT next_reference FROM rounds WHERE rounds.lane = known.lane ORDER BY number DESC LIMIT 1) AS price
FROM (SELECT lane FROM lanes UNION SELECT lane FROM waiting) AS known LEFT JOIN waiting USING (lane) LEFT JOIN running USING (lane)
    LEFT JOIN asks ON asks.lane = array_to_string((string_to_array(known.lane, '/'))[1:3], '/')
ORDER BY coalesce(waiting.jobs, 0) + coalesce(running.jobs, 0) DESC, known.lane LIMIT :limit;

-- name: census_of_provers
-- Connected provers at living gateways: how many are in each state, and what slots they have.
SELECT state, count(*) AS provers, sum(slots)::bigint AS slots, sum(busy)::bigint AS busy FROM (
    SELECT CASE WHEN is_silent(s, :silent_ms) THEN 'silent' WHEN s.draining THEN 'draining'
            WHEN greatest(p.paused_until_ms, o.paused_until_ms) > now_ms() THEN 'paused' ELSE 'serving' END AS state,
        s.slots, (SELECT count(*) FROM leases l WHERE l.prover_id = s.prover_id AND l.state IN (@leases_in_flight)) AS busy
    FROM sessions s JOIN provers p USING (prover_id) JOIN gateways g USING (gateway_id)
        LEFT JOIN operator_standings o ON o.operator = s.operator AND p.jobs_proven < 8
    WHERE s.open AND g.seen_ms > now_ms() - :gateway_silent_ms) AS connected
GROUP BY state;

-- name: census_of_work
-- Numbers of one thing each, by name.
SELECT 'task/' || state AS name, count(*) AS number FROM tasks WHERE state IN (@tasks_open) GROUP BY state
UNION ALL SELECT 'job/waiting', count(*) FROM jobs WHERE state = 'waiting'
UNION ALL SELECT 'gateways', count(*) FROM gateways WHERE seen_ms > now_ms() - :gateway_silent_ms
UNION ALL SELECT 'repairs', count(*) FROM artifact_repairs
UNION ALL SELECT 'audit/placed', coalesce(max(position) + 1, 0) FROM audit_entries WHERE position IS NOT NULL
UNION ALL SELECT 'audit/waiting', count(*) FROM audit_entries WHERE position IS NULL
UNION ALL SELECT 'stopped', count(*) FROM incidents WHERE closed_ms IS NULL AND stops_settlement
UNION ALL SELECT 'incident/' || kind, count(*) FROM incidents WHERE closed_ms IS NULL GROUP BY kind
UNION ALL SELECT 'slashes/' || kind, count(*) FROM evidence GROUP BY kind
UNION ALL SELECT 'slashed', coalesce(sum(amount), 0)::bigint FROM evidence;

-- name: census_of_money
-- What the accounts of each kind hold; minted: all that came in and did not go out.
SELECT CASE kind WHEN 'mint' THEN 'minted' ELSE kind END AS kind,
    (CASE kind WHEN 'mint' THEN -1 ELSE 1 END * sum(balance))::bigint AS balance
FROM (SELECT split_part(account, ':', 1) AS kind, balance FROM accounts WHERE balance <> 0) AS held GROUP BY kind;
