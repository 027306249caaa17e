-- fragment: api_key_columns
k.key_id, k.owner, k.maker_id, k.label, k.secret_hash, k.scopes, k.subnetwork, k.spend_per_day,
    CASE k.spent_day WHEN now_ms() / 86400000 THEN k.spent ELSE 0 END AS spent_today, k.created_ms, k.expires_ms,
    k.revoked_ms IS NOT NULL OR EXISTS (SELECT FROM api_keys AS m WHERE m.key_id = k.maker_id AND m.revoked_ms IS NOT NULL)
        AS is_revoked, k.used_ms, k.addresses

-- name: get_api_key
SELECT @api_key_columns FROM api_keys AS k WHERE k.key_id = :key_id;

-- name: list_api_keys
-- Newest first, after the one that was made at :before_ms and has :before_id.
SELECT @api_key_columns FROM api_keys AS k
WHERE k.owner = :owner AND (k.created_ms, k.key_id) < (:before_ms::bigint, :before_id::text)
ORDER BY k.created_ms DESC, k.key_id DESC LIMIT :limit;

-- name: lock_api_keys_of
-- Whoever makes a key for the same owner waits for the commit: what is counted after this is all there is.
SELECT pg_advisory_xact_lock(hashtextextended('api_keys:' || :owner, 0));

-- name: forget_api_keys
-- Of an owner, those that ended :after_ms ago; one that made others goes when they have gone.
DELETE FROM api_keys AS k WHERE k.owner = :owner
  AND (k.revoked_ms < now_ms() - :after_ms OR k.expires_ms > 0 AND k.expires_ms < now_ms() - :after_ms)
  AND NOT EXISTS (SELECT FROM api_keys AS made WHERE made.maker_id = k.key_id);

-- name: count_api_keys
SELECT count(*) AS kept, count(*) FILTER (WHERE revoked_ms IS NULL AND (expires_ms = 0 OR expires_ms > now_ms())) AS live
FROM api_keys WHERE owner = :owner;

-- name: insert_api_key
INSERT INTO api_keys (key_id, owner, maker_id, label, secret_hash, scopes, subnetwork, spend_per_day, expires_ms, addresses)
VALUES (:key_id, :owner, :maker_id, :label, :secret_hash, :scopes::text[], :subnetwork, :spend_per_day, :expires_ms,
    :addresses::text[]);

-- name: set_api_key
-- Of one that is good. Nothing comes back for any other, or where its maker may spend less than :spend_per_day.
UPDATE api_keys AS k SET spend_per_day = :spend_per_day
WHERE k.key_id = :key_id AND k.owner = :owner AND k.revoked_ms IS NULL AND (k.expires_ms = 0 OR k.expires_ms > now_ms())
  AND NOT EXISTS (SELECT FROM api_keys AS maker WHERE maker.key_id = k.maker_id AND maker.spend_per_day < :spend_per_day)
RETURNING k.key_id;

-- name: revoke_api_key
-- With those that it made. Nothing comes back where the owner has no such key.
WITH named AS (
    SELECT key_id FROM api_keys WHERE owner = :owner AND (key_id = :key_id OR maker_id = :key_id) ORDER BY key_id FOR UPDATE
)
UPDATE api_keys AS k SET revoked_ms = coalesce(k.revoked_ms, now_ms()) FROM named WHERE k.key_id = named.key_id
RETURNING k.key_id;

-- name: note_keys_used
-- Rows that others hold are noted the next time.
WITH free AS (
    SELECT key_id, at_ms FROM api_keys JOIN unnest(:key_ids::text[], :moments::bigint[]) AS given(key_id, at_ms) USING (key_id)
    WHERE used_ms IS NULL OR used_ms < at_ms ORDER BY key_id FOR UPDATE OF api_keys SKIP LOCKED
)
UPDATE api_keys AS k SET used_ms = free.at_ms FROM free WHERE k.key_id = free.key_id;

-- name: spend_by_key
SELECT spend_by_keys(jsonb_build_array(jsonb_build_object('key_id', :key_id::text, 'amount', :amount::bigint)));
