-- name: lock_artifacts_for_retention
-- Whoever writes a reference to an artifact also writes to this table in the same transaction. So with this lock every
-- reference is either committed and seen, or will find the row gone and write it anew.
LOCK TABLE artifacts IN SHARE ROW EXCLUSIVE MODE;

-- name: old_artifacts_exist
-- Without the lock: is there anything to forget that was written before $1?
SELECT EXISTS (
    SELECT 1 FROM artifacts WHERE owner <> '' AND created_ms < $1 AND NOT artifact_is_needed(digest, $1));

-- name: forget_artifacts
-- Rows written before $1 that nothing needs, $2 at most; bytes that another row names stay.
WITH old AS (
    SELECT digest, owner FROM artifacts
    WHERE owner <> '' AND created_ms < $1 AND NOT artifact_is_needed(digest, $1)
    ORDER BY created_ms LIMIT $2
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
-- Of tasks that ended before $1, $2 tasks at a time: the inputs and proofs that live in rows.
WITH old AS (
    SELECT task_id FROM tasks WHERE finished_ms < $1 AND EXISTS (
        SELECT 1 FROM jobs WHERE jobs.task_id = tasks.task_id AND (small_input <> '' OR small_proof <> ''))
    LIMIT $2
)
UPDATE jobs SET small_input = CASE WHEN small_input IS NOT NULL THEN ''::bytea END,
    small_proof = CASE WHEN small_proof IS NOT NULL THEN ''::bytea END
FROM old WHERE jobs.task_id = old.task_id RETURNING jobs.job_id;

-- name: forget_strays
-- $1: what the store holds and was written long ago: garbage when no row names it.
INSERT INTO artifact_garbage (digest)
SELECT DISTINCT d FROM unnest($1::text[]) AS given(d)
WHERE NOT EXISTS (SELECT 1 FROM artifacts WHERE digest = d) AND NOT artifact_is_needed(d, $2)
ON CONFLICT DO NOTHING RETURNING digest;

-- name: garbage_needed_again
SELECT digest FROM artifact_garbage
WHERE EXISTS (SELECT 1 FROM artifacts WHERE artifacts.digest = artifact_garbage.digest)
   OR artifact_is_needed(digest, $1);

-- name: garbage_to_set_aside
SELECT digest FROM artifact_garbage WHERE NOT aside ORDER BY since_ms LIMIT $1;

-- name: garbage_is_aside
-- The grace begins when the bytes are out of the way.
UPDATE artifact_garbage SET aside = true, since_ms = now_ms() WHERE digest = $1;

-- name: garbage_to_delete
SELECT digest FROM artifact_garbage WHERE aside AND since_ms < $1 ORDER BY since_ms LIMIT $2;

-- name: garbage_gone
DELETE FROM artifact_garbage WHERE digest = $1;

-- name: lock_retention
-- One gateway tidies at a time.
SELECT pg_try_advisory_lock(hashtextextended('retention', 0));

-- name: unlock_retention
SELECT pg_advisory_unlock(hashtextextended('retention', 0));

-- name: add_repair
INSERT INTO artifact_repairs (digest) VALUES ($1) ON CONFLICT (digest) DO UPDATE SET since_ms = now_ms();

-- name: first_repairs
SELECT digest FROM artifact_repairs ORDER BY since_ms LIMIT $1;

-- name: remove_repair
DELETE FROM artifact_repairs WHERE digest = $1;

-- name: every_artifact
SELECT DISTINCT digest FROM artifacts ORDER BY digest;

-- name: database_has_tables
SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public');
