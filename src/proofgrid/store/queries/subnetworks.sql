-- name: create_subnetwork
-- Nothing comes back when the name is taken.
INSERT INTO subnetworks (name, is_open, proof_systems, reference_price, overflow_after_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING name;

-- name: lock_subnetwork
-- Before it is changed: who joins it or submits to it at this moment waits, or was first.
SELECT * FROM subnetworks WHERE name = $1 FOR UPDATE;

-- name: set_subnetwork
UPDATE subnetworks SET is_open = $2, proof_systems = $3, reference_price = $4, overflow_after_ms = $5 WHERE name = $1;

-- name: remove_subnetwork
-- Its row is locked. Nothing comes back while tasks of it are open.
DELETE FROM subnetworks WHERE name = $1 AND NOT EXISTS (
    SELECT 1 FROM tasks WHERE subnetwork = $1 AND state IN ('open', 'combining')) RETURNING name;

-- name: allow_member
INSERT INTO subnetwork_members (subnetwork, address, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: deny_member
DELETE FROM subnetwork_members WHERE subnetwork = $1 AND address = $2 AND role = $3;

-- name: dismiss_strangers
-- Provers that are connected and may not serve the subnetwork any more get no more of its jobs; what they hold they finish.
UPDATE sessions SET subnetworks = array_remove(subnetworks, $1)
WHERE open AND $1 = ANY(subnetworks) AND NOT EXISTS (
    SELECT 1 FROM subnetworks AS one WHERE one.name = $1 AND (one.is_open OR EXISTS (
        SELECT 1 FROM subnetwork_members AS m
        WHERE m.subnetwork = $1 AND m.address = sessions.operator AND m.role = 'operator')));

-- name: members_of_subnetwork
SELECT address, role, since_ms FROM subnetwork_members WHERE subnetwork = $1 ORDER BY role, address;

-- name: subnetwork_for
-- $2, $3: who wants to use it, and as what.
SELECT s.*, EXISTS (
    SELECT 1 FROM subnetwork_members AS m WHERE m.subnetwork = s.name AND m.address = $2 AND m.role = $3) AS is_member
FROM subnetworks AS s WHERE s.name = $1;

-- name: join_subnetworks
-- The same of several, held as they are until the prover's session is written down.
SELECT s.*, EXISTS (
    SELECT 1 FROM subnetwork_members AS m WHERE m.subnetwork = s.name AND m.address = $2 AND m.role = 'operator') AS is_member
FROM subnetworks AS s WHERE s.name = ANY($1::text[]) ORDER BY s.name FOR KEY SHARE OF s;

-- name: serve_stacks
-- The session $1 serves more than the one stack that a session serves unless said otherwise: $2: subnetworks, $3: stacks.
WITH turn AS (
    INSERT INTO prover_turns (prover_id) SELECT prover_id FROM sessions WHERE session_id = $1 AND $3 > 1
    ON CONFLICT DO NOTHING
)
UPDATE sessions SET subnetworks = $2::text[], stacks = $3 WHERE session_id = $1;

-- name: list_subnetworks
-- With what they have and do. $1: who asks; $2: of all, because an administrator asks; $3: gateways that were seen in so
-- many ms count; $4: only this one, or '' for each.
WITH waiting AS (
    SELECT split_part(lane, '/', 1) AS name, sum(units)::bigint AS units FROM jobs WHERE state = 'ready' GROUP BY 1
), held AS (
    SELECT split_part(lane, '/', 1) AS name, count(*) AS leases FROM leases
    WHERE state IN ('granted', 'offered', 'running') GROUP BY 1
)
SELECT s.*, coalesce(waiting.units, 0) AS ready_units, coalesce(held.leases, 0) AS busy, supply.*,
    CASE s.name WHEN 'default' THEN 0 ELSE (
        SELECT count(*) FROM tasks WHERE subnetwork = s.name AND state IN ('open', 'combining')) END AS tasks_open
FROM subnetworks AS s LEFT JOIN waiting USING (name) LEFT JOIN held USING (name) CROSS JOIN LATERAL (
    SELECT count(*) AS provers, coalesce(sum(slots), 0)::bigint AS slots,
        coalesce(sum(slots) FILTER (WHERE subnetworks = ARRAY[s.name]), 0)::bigint AS dedicated_slots
    FROM sessions JOIN gateways USING (gateway_id)
    WHERE open AND s.name = ANY(subnetworks) AND gateways.seen_ms > now_ms() - $3) AS supply
WHERE ($4 = '' OR s.name = $4) AND ($2 OR s.is_open OR EXISTS (
    SELECT 1 FROM subnetwork_members AS m WHERE m.subnetwork = s.name AND m.address = $1))
ORDER BY s.name;
