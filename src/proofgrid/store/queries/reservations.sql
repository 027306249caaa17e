-- name: lock_bytes_of
-- Whoever reserves for the same owner waits for the commit, at whichever gateway: what is read after this is all there is.
SELECT pg_advisory_xact_lock(hashtextextended('bytes:' || :owner, 0));

-- name: bytes_of
-- What an :owner stores and has reserved, but for the bytes of :digest, which would count once; the same of what came under
-- :lease_id, if any, and whether the owner holds that lease.
SELECT (SELECT coalesce(sum(size_bytes), 0)::bigint FROM artifacts WHERE owner = :owner AND digest <> :digest) AS stored,
    (SELECT coalesce(sum(size_bytes), 0)::bigint FROM byte_reservations WHERE owner = :owner AND expires_ms > now_ms()) AS reserved,
    (SELECT coalesce(sum(size_bytes), 0)::bigint FROM artifacts
        WHERE lease_id = :lease_id AND owner = :owner AND digest <> :digest) AS lease_stored,
    (SELECT coalesce(sum(size_bytes), 0)::bigint FROM byte_reservations
        WHERE owner = :owner AND lease_id = :lease_id AND expires_ms > now_ms()) AS lease_reserved,
    EXISTS (SELECT 1 FROM leases WHERE lease_id = :lease_id AND operator = :owner AND state IN (@leases_held)) AS holds_lease;

-- name: reserve_bytes
INSERT INTO byte_reservations (reservation_id, owner, lease_id, size_bytes, expires_ms)
VALUES (:reservation_id, :owner, :lease_id, :size_bytes, now_ms() + :holds_ms);

-- name: extend_reservation
-- Nothing comes back where it has expired: somebody else may have got the bytes.
UPDATE byte_reservations SET expires_ms = now_ms() + :holds_ms
WHERE reservation_id = :reservation_id AND expires_ms > now_ms() RETURNING reservation_id;

-- name: settle_reservation
-- What was promised is there. Nothing comes back where the reservation has expired. :released: nothing names the bytes yet,
-- so they are forgotten unless something does within the hour.
WITH settled AS (
    DELETE FROM byte_reservations WHERE reservation_id = :reservation_id AND expires_ms > now_ms()
    RETURNING reservation_id, owner, lease_id
), stored AS (
    INSERT INTO artifacts (digest, owner, size_bytes, lease_id, released)
    SELECT DISTINCT digest, owner, size_bytes, lease_id, :released::boolean
    FROM settled, unnest(:digests::text[], :sizes::bigint[]) AS given(digest, size_bytes) ORDER BY digest
    ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms,
        released = artifacts.released AND excluded.released,
        lease_id = CASE WHEN artifacts.lease_id IS NULL THEN NULL ELSE excluded.lease_id END
)
SELECT reservation_id FROM settled;

-- name: give_back_reservation
DELETE FROM byte_reservations WHERE reservation_id = :reservation_id;

-- name: charged_already
-- Of :digests, those that count for the :owner already, or for the network.
SELECT DISTINCT digest FROM artifacts WHERE digest = ANY(:digests::text[]) AND owner IN (:owner, '');
