-- name: roles_of
-- The access roles of a key.
SELECT role FROM identities WHERE address = :address;

-- name: grant_role
INSERT INTO identities (address, role, label) VALUES (:address, :role, :label)
ON CONFLICT (address, role) DO UPDATE SET label = excluded.label;

-- name: revoke_role
DELETE FROM identities WHERE address = :address AND role = :role;

-- name: list_identities
SELECT address, array_agg(role ORDER BY role) AS roles, max(label) AS label
FROM identities GROUP BY address ORDER BY address;

-- name: spend_token
-- Nothing comes back when the token was spent before.
INSERT INTO spent_tokens (token_id, expires_ms) VALUES (:token_id, :expires_ms) ON CONFLICT DO NOTHING RETURNING token_id;

-- name: end_session
-- As spend_token, of a browser's session of :address: gateways that have something of it open look again.
WITH spent AS (
    INSERT INTO spent_tokens (token_id, expires_ms) VALUES (:token_id, :expires_ms) ON CONFLICT DO NOTHING RETURNING token_id
)
SELECT token_id FROM spent CROSS JOIN LATERAL pg_notify('roles', :address::text) AS told;

-- name: forget_spent_tokens
-- A margin of a minute covers clocks that differ.
DELETE FROM spent_tokens WHERE expires_ms < now_ms() - 60000;

-- name: is_spent
SELECT EXISTS (SELECT FROM spent_tokens WHERE token_id = :token_id);

-- name: secret_of
SELECT secret FROM secrets WHERE name = :name;
