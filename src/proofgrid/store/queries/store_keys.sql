-- name: note_store_keys
-- A gateway says which store keys it has, and of those that nobody knew that they are there.
WITH fresh AS (
    INSERT INTO store_keys (key_id) SELECT unnest(:held::text[]) EXCEPT SELECT key_id FROM store_keys ON CONFLICT DO NOTHING
)
UPDATE gateways SET store_keys = :held WHERE gateway_id = :gateway_id AND store_keys <> :held;

-- name: common_store_key
-- The newest of :held that every living gateway has too.
SELECT key_id FROM store_keys
WHERE retired_ms IS NULL AND key_id = ANY(:held::text[]) AND NOT EXISTS (
    SELECT 1 FROM gateways WHERE seen_ms > now_ms() - :gateway_silent_ms AND NOT store_keys.key_id = ANY(gateways.store_keys))
ORDER BY number DESC LIMIT 1;

-- name: need_store_key
-- From now on something may be locked under it.
UPDATE store_keys SET since_ms = now_ms() WHERE key_id = :key_id AND since_ms IS NULL;

-- name: needed_store_keys
SELECT key_id FROM store_keys WHERE since_ms IS NOT NULL AND retired_ms IS NULL ORDER BY number;

-- name: every_store_key
-- The newest first; `gateways` of :gateway_silent_ms live, and `at` of them have it.
SELECT key_id, made_ms, since_ms, swept_ms, retired_ms,
    count(gateway_id) FILTER (WHERE key_id = ANY(store_keys.held)) AS at, count(gateway_id) AS gateways
FROM (
    SELECT key_id, number, made_ms, since_ms, swept_ms, retired_ms, gateway_id, gateways.store_keys AS held
    FROM store_keys LEFT JOIN gateways ON seen_ms > now_ms() - :gateway_silent_ms
) AS store_keys
GROUP BY key_id, number, made_ms, since_ms, swept_ms, retired_ms ORDER BY number DESC;

-- name: retire_store_key
-- Nothing is locked under it any more; or, where it is :lost, what was is lost.
UPDATE store_keys SET retired_ms = now_ms()
WHERE key_id = :key_id AND retired_ms IS NULL AND (:lost::boolean OR since_ms IS NULL OR EXISTS (
    SELECT 1 FROM store_keys AS newer WHERE newer.number > store_keys.number AND newer.swept_ms IS NOT NULL))
RETURNING key_id;

-- name: sweep_is_due
-- Is the key that locks now still to be brought to what was stored before? Not before all gateways know that it does.
SELECT EXISTS (SELECT 1 FROM store_keys WHERE key_id = :key_id AND swept_ms IS NULL AND since_ms < now_ms() - :known_ms);

-- name: store_is_swept
UPDATE store_keys SET swept_ms = now_ms() WHERE key_id = :key_id;

-- name: inputs_in_rows
-- The jobs' inputs that live in their rows, in the order of the jobs' ids.
SELECT job_id, small_input FROM jobs WHERE job_id > :after AND small_input <> '' ORDER BY job_id LIMIT :limit;

-- name: lock_inputs_again
-- Rows that somebody else has are left as they are: this waits for nobody, whatever locks it holds.
WITH free AS (
    SELECT jobs.job_id, given.fresh FROM jobs
    JOIN unnest(:job_ids::uuid[], :before::bytea[], :fresh::bytea[]) AS given(job_id, before, fresh) USING (job_id)
    WHERE jobs.small_input = given.before FOR NO KEY UPDATE OF jobs SKIP LOCKED
)
UPDATE jobs SET small_input = free.fresh FROM free WHERE jobs.job_id = free.job_id RETURNING jobs.job_id;
