-- name: network_of_database
-- The first gateway names the network.
INSERT INTO network (address) VALUES ($1) ON CONFLICT (one) DO UPDATE SET address = network.address RETURNING address;

-- name: register_gateway
INSERT INTO gateways (gateway_id) VALUES ($1);

-- name: gateway_alive
-- $2: a gateway that was not seen for so long, ms, counts for nothing, and neither do its provers: those who come back
-- with it wake what they serve (see heartbeats).
WITH alive AS (
    UPDATE gateways SET seen_ms = now_ms() FROM gateways AS before
    WHERE gateways.gateway_id = $1 AND before.gateway_id = $1
    RETURNING before.gateway_id, before.seen_ms AS before_ms
)
SELECT pg_notify('lanes', format('%s/%s/%s', subnetwork, system, classes[1]))
FROM alive JOIN sessions USING (gateway_id) CROSS JOIN unnest(subnetworks) AS subnetwork
    CROSS JOIN jsonb_object_keys(asks) AS system
WHERE before_ms <= now_ms() - $2 * 3 / 4 AND open AND NOT draining GROUP BY subnetwork, system, classes[1];

-- name: gateway_gone
-- What it was combining is free at once.
WITH gone AS (DELETE FROM gateways WHERE gateway_id = $1 RETURNING 1)
SELECT pg_notify('combining', '') FROM gone;

-- name: drain_gateway
UPDATE sessions SET draining = true WHERE gateway_id = $1 AND open;

-- name: database_time
SELECT now_ms();

-- name: count_states
SELECT 'task' AS what, state, count(*) AS number FROM tasks GROUP BY state
UNION ALL SELECT 'job', state, count(*) FROM jobs GROUP BY state;
