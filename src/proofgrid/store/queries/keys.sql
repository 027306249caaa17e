-- name: latest_key_list
SELECT spelled FROM key_lists ORDER BY number DESC LIMIT 1;

-- name: add_key_list
-- Nothing comes back when another list has this number.
WITH fresh AS (
    INSERT INTO key_lists (number, spelled) VALUES (:number, :spelled) ON CONFLICT (number) DO NOTHING RETURNING number
)
SELECT number FROM fresh CROSS JOIN LATERAL pg_notify('keys', '') AS told;
