-- name: network_of_database
-- The first gateway names the network.
INSERT INTO network (address) VALUES (:address) ON CONFLICT (one) DO UPDATE SET address = network.address RETURNING address;

-- name: register_gateway
INSERT INTO gateways (gateway_id) VALUES (:gateway_id);

-- name: gateway_alive
-- A gateway that was not seen for :gateway_silent_ms counts for nothing, and neither do its provers: those who come back
-- with it wake what they serve (see heartbeats).
WITH alive AS (
    UPDATE gateways SET seen_ms = now_ms() FROM gateways AS before
    WHERE gateways.gateway_id = :gateway_id AND before.gateway_id = :gateway_id
    RETURNING before.gateway_id, before.seen_ms AS before_ms
)
SELECT pg_notify('lanes', format('%s/%s/%s', subnetwork, system, classes[1]))
FROM alive JOIN sessions USING (gateway_id) CROSS JOIN unnest(subnetworks) AS subnetwork
    CROSS JOIN jsonb_object_keys(asks) AS system
WHERE before_ms <= now_ms() - :gateway_silent_ms * 3 / 4 AND open AND NOT draining GROUP BY subnetwork, system, classes[1];

-- name: gateway_gone
-- What it was combining is free at once.
WITH gone AS (DELETE FROM gateways WHERE gateway_id = :gateway_id RETURNING 1)
SELECT pg_notify('combining', '') FROM gone;

-- name: drain_gateway
UPDATE sessions SET draining = true WHERE gateway_id = :gateway_id AND open;

-- name: database_time
SELECT now_ms();

-- name: count_states
SELECT 'task' AS what, state, count(*) AS number FROM tasks GROUP BY state
UNION ALL SELECT 'job', state, count(*) FROM jobs GROUP BY state;
