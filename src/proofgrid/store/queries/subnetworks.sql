-- name: create_subnetwork
-- Nothing comes back when the name is taken.
INSERT INTO subnetworks (name, is_open, proof_systems, reference_price, overflow_after_ms)
VALUES (:name, :is_open, :proof_systems, :reference_price, :overflow_after_ms)
ON CONFLICT DO NOTHING RETURNING name;

-- name: lock_subnetwork
-- Before it is changed: who joins it or submits to it at this moment waits, or was first.
SELECT name, is_open, proof_systems, reference_price, overflow_after_ms FROM subnetworks WHERE name = :name FOR UPDATE;

-- name: set_subnetwork
UPDATE subnetworks SET is_open = :is_open, proof_systems = :proof_systems, reference_price = :reference_price,
    overflow_after_ms = :overflow_after_ms WHERE name = :name;

-- name: remove_subnetwork
-- Its row is locked. Nothing comes back while tasks of it are open. Programs that are shared with it are so no more.
WITH removed AS (
    DELETE FROM subnetworks WHERE name = :name AND NOT EXISTS (
        SELECT 1 FROM tasks WHERE subnetwork = :name AND state IN (@tasks_open)) RETURNING name
), unshared AS (
    DELETE FROM program_shares USING removed WHERE audience = 'subnetwork:' || removed.name
)
SELECT name FROM removed;

-- name: allow_member
INSERT INTO subnetwork_members (subnetwork, address, role) VALUES (:name, :address, :role)
ON CONFLICT DO NOTHING;

-- name: deny_member
DELETE FROM subnetwork_members WHERE subnetwork = :name AND address = :address AND role = :role;

-- name: dismiss_strangers
-- Provers that are connected and may not serve the subnetwork any more get no more of its jobs; what they hold they finish.
UPDATE sessions SET subnetworks = array_remove(subnetworks, :name)
WHERE open AND :name = ANY(subnetworks) AND NOT EXISTS (
    SELECT 1 FROM subnetworks AS one WHERE one.name = :name AND (one.is_open OR EXISTS (
        SELECT 1 FROM subnetwork_members AS m
        WHERE m.subnetwork = :name AND m.address = sessions.operator AND m.role = 'operator')));

-- name: members_of_subnetwork
SELECT address, role, since_ms FROM subnetwork_members WHERE subnetwork = :name ORDER BY role, address;

-- name: subnetwork_for
-- :address, :role: who wants to use it, and as what.
SELECT s.name, s.is_open, s.proof_systems, EXISTS (
    SELECT 1 FROM subnetwork_members AS m
    WHERE m.subnetwork = s.name AND m.address = :address AND m.role = :role) AS is_member
FROM subnetworks AS s WHERE s.name = :name;

-- name: join_subnetworks
-- The same of several, held as they are until the prover's session is written down.
SELECT s.name, s.is_open, s.proof_systems, EXISTS (
    SELECT 1 FROM subnetwork_members AS m
    WHERE m.subnetwork = s.name AND m.address = :operator AND m.role = 'operator') AS is_member
FROM subnetworks AS s WHERE s.name = ANY(:names::text[]) ORDER BY s.name FOR KEY SHARE OF s;

-- name: serve_stacks
-- A session that serves more than the one stack that a session serves unless said otherwise.
WITH turn AS (
    INSERT INTO prover_turns (prover_id) SELECT prover_id FROM sessions WHERE session_id = :session_id AND :stacks > 1
    ON CONFLICT DO NOTHING
)
UPDATE sessions SET subnetworks = :subnetworks::text[], stacks = :stacks WHERE session_id = :session_id;

-- name: list_subnetworks
-- With what they have and do. :address: who asks; :sees_all: of all, because an administrator asks; :silent_ms: gateways
-- that were seen in so many ms count; :only: this one, or '' for each.
WITH waiting AS (
    SELECT split_part(lane, '/', 1) AS name, sum(units)::bigint AS units FROM jobs WHERE state = 'ready' GROUP BY 1
), held AS (
    SELECT split_part(lane, '/', 1) AS name, count(*) AS leases FROM leases
    WHERE state IN (@leases_in_flight) GROUP BY 1
)
SELECT s.name, s.is_open, s.proof_systems, s.reference_price, s.overflow_after_ms, s.created_ms,
    coalesce(waiting.units, 0) AS ready_units, coalesce(held.leases, 0) AS busy, supply.provers, supply.slots,
    supply.dedicated_slots, CASE s.name WHEN 'default' THEN 0 ELSE (
        SELECT count(*) FROM tasks WHERE subnetwork = s.name AND state IN (@tasks_open)) END AS tasks_open
FROM subnetworks AS s LEFT JOIN waiting USING (name) LEFT JOIN held USING (name) CROSS JOIN LATERAL (
    SELECT count(*) AS provers, coalesce(sum(slots), 0)::bigint AS slots,
        coalesce(sum(slots) FILTER (WHERE subnetworks = ARRAY[s.name]), 0)::bigint AS dedicated_slots
    FROM sessions JOIN gateways USING (gateway_id)
    WHERE open AND s.name = ANY(subnetworks) AND gateways.seen_ms > now_ms() - :silent_ms) AS supply
WHERE (:only = '' OR s.name = :only) AND (:sees_all OR s.is_open OR EXISTS (
    SELECT 1 FROM subnetwork_members AS m WHERE m.subnetwork = s.name AND m.address = :address))
ORDER BY s.name;
