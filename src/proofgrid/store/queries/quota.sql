-- name: usage_of
-- How much an :owner has of everything that is limited, but for what a gateway counts by itself.
SELECT (SELECT coalesce(sum(size_bytes), 0)::bigint FROM artifacts WHERE owner = :owner)
        + (SELECT coalesce(sum(size_bytes), 0)::bigint FROM byte_reservations WHERE owner = :owner AND expires_ms > now_ms())
        AS stored_bytes,
    (SELECT count(*) FROM program_owners WHERE owner = :owner) AS programs,
    (SELECT count(*) FROM tasks WHERE client = :owner AND state IN (@tasks_open)) AS open_tasks,
    (SELECT count(*) FROM api_keys WHERE owner = :owner AND revoked_ms IS NULL AND (expires_ms = 0 OR expires_ms > now_ms()))
        AS api_keys,
    (SELECT count(*) FROM webhook_endpoints WHERE owner = :owner) AS webhooks,
    now_ms() AS now_ms;

-- name: open_tasks_of
SELECT count(*) FROM tasks WHERE client = :client AND state IN (@tasks_open);
