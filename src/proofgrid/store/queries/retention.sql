-- name: lock_artifacts_for_retention
-- Whoever writes a reference to an artifact also writes to this table in the same transaction. So with this lock every
-- reference is either committed and seen, or will find the row gone and write it anew.
LOCK TABLE artifacts IN SHARE ROW EXCLUSIVE MODE;

-- name: wait_for_locks
-- Whatever else the transaction locks, it waits no longer than :patience_ms for it.
SELECT set_config('lock_timeout', :patience_ms, true);

-- name: release_left_uploads
-- What operators uploaded under leases that they do not hold any more, before :before_ms, and that was not paid: a result
-- that comes late finds it for as long as a grace lasts.
UPDATE artifacts SET released = true
WHERE lease_id IS NOT NULL AND NOT released AND created_ms < :before_ms AND NOT EXISTS (
    SELECT 1 FROM leases WHERE leases.lease_id = artifacts.lease_id AND leases.state IN (@leases_held));

-- name: forget_reservations
DELETE FROM byte_reservations WHERE expires_ms <= now_ms();

-- name: old_artifacts_exist
-- Without the lock: is there anything to forget that was written before :keep_after_ms?
SELECT EXISTS (
    SELECT 1 FROM artifacts WHERE owner <> '' AND (
        released OR (created_ms < :keep_after_ms AND NOT artifact_is_needed(digest, :keep_after_ms))));

-- name: forget_artifacts
-- Rows written before :keep_after_ms that nothing needs, and those that were released, at most :limit; bytes that another
-- row names stay, and those that something needs are brought back before they are out of the way.
WITH old AS (
    SELECT digest, owner FROM artifacts
    WHERE owner <> '' AND (
        released OR (created_ms < :keep_after_ms AND NOT artifact_is_needed(digest, :keep_after_ms)))
    ORDER BY created_ms LIMIT :limit
), forgotten AS (
    DELETE FROM artifacts USING old WHERE artifacts.digest = old.digest AND artifacts.owner = old.owner
    RETURNING artifacts.digest, artifacts.owner
), garbage AS (
    INSERT INTO artifact_garbage (digest)
    SELECT DISTINCT digest FROM forgotten WHERE NOT EXISTS (
        SELECT 1 FROM artifacts AS other WHERE other.digest = forgotten.digest
          AND NOT EXISTS (SELECT 1 FROM forgotten AS too WHERE (too.digest, too.owner) = (other.digest, other.owner)))
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM forgotten;

-- name: forget_small_artifacts
-- Of tasks that ended before :keep_after_ms, so many :tasks at a time: the inputs and proofs that live in rows.
WITH old AS (
    SELECT task_id FROM tasks WHERE finished_ms < :keep_after_ms AND EXISTS (
        SELECT 1 FROM jobs WHERE jobs.task_id = tasks.task_id AND (small_input <> '' OR small_proof <> ''))
    LIMIT :tasks
)
UPDATE jobs SET small_input = CASE WHEN small_input IS NOT NULL THEN ''::bytea END,
    small_proof = CASE WHEN small_proof IS NOT NULL THEN ''::bytea END
FROM old WHERE jobs.task_id = old.task_id RETURNING jobs.job_id;

-- name: forget_strays
-- :digests: what the store holds and was written long ago: garbage when no row names it.
INSERT INTO artifact_garbage (digest)
SELECT DISTINCT d FROM unnest(:digests::text[]) AS given(d)
WHERE NOT EXISTS (SELECT 1 FROM artifacts WHERE digest = d) AND NOT artifact_is_needed(d, :keep_after_ms)
ON CONFLICT DO NOTHING RETURNING digest;

-- name: garbage_needed_again
SELECT digest FROM artifact_garbage
WHERE EXISTS (SELECT 1 FROM artifacts WHERE artifacts.digest = artifact_garbage.digest)
   OR artifact_is_needed(digest, :keep_after_ms);

-- name: garbage_to_set_aside
SELECT digest FROM artifact_garbage WHERE NOT aside ORDER BY since_ms LIMIT :limit;

-- name: garbage_is_aside
-- The grace begins when the bytes are out of the way.
UPDATE artifact_garbage SET aside = true, since_ms = now_ms() WHERE digest = :digest;

-- name: garbage_to_delete
SELECT digest FROM artifact_garbage WHERE aside AND since_ms < :aside_before_ms ORDER BY since_ms LIMIT :limit;

-- name: garbage_gone
DELETE FROM artifact_garbage WHERE digest = :digest;

-- name: lock_retention
-- One gateway tidies at a time.
SELECT pg_try_advisory_lock(hashtextextended('retention', 0));

-- name: unlock_retention
SELECT pg_advisory_unlock(hashtextextended('retention', 0));
