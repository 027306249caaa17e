-- fragment: readable
-- Readable: what you own, what the network owns (the SRS), what verifies proofs; under a lease that you hold: the input
-- of its job, the proofs that it takes, the program's files that its slice needs.
EXISTS (SELECT 1 FROM artifacts WHERE digest = :digest AND owner IN (:reader, ''))
    OR EXISTS (SELECT 1 FROM program_files WHERE digest = :digest AND is_for_verifiers)
    OR EXISTS (
        SELECT 1 FROM jobs JOIN leases USING (job_id)
        WHERE jobs.input_digest = :digest AND jobs.small_input IS NULL AND leases.operator = :reader
          AND leases.state IN (@leases_held)
    ) OR EXISTS (
        SELECT 1 FROM jobs AS part JOIN jobs ON jobs.task_id = part.task_id AND part.position = ANY(jobs.depends_on)
            JOIN leases ON leases.job_id = jobs.job_id
        WHERE part.proof_digest = :digest AND part.small_proof IS NULL AND leases.operator = :reader
          AND leases.state IN (@leases_held)
    ) OR EXISTS (
        SELECT 1 FROM leases JOIN jobs USING (job_id) JOIN tasks ON tasks.task_id = leases.task_id
            JOIN program_files AS f ON f.program_digest = tasks.program_digest
        WHERE f.digest = :digest AND jobs.slice = ANY(f.slices) AND leases.operator = :reader
          AND leases.state IN (@leases_held)
    )

-- name: record_artifacts
-- Stored again is young again, so that retention does not take away what somebody was just told
-- is there.
INSERT INTO artifacts (digest, owner, size_bytes)
SELECT DISTINCT digest, owner, size_bytes
FROM unnest(:owners::text[], :digests::text[], :sizes::bigint[]) AS g(owner, digest, size_bytes)
ORDER BY digest, owner
ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms, released = false;

-- name: hand_over_proofs
-- What :operators uploaded under leases and was paid is their clients' from now on.
WITH given AS (
    SELECT DISTINCT ON (digest, owner) digest, owner, operator, size_bytes
    FROM unnest(:owners::text[], :operators::text[], :digests::text[], :sizes::bigint[]) AS g(owner, operator, digest, size_bytes)
), handed AS (
    DELETE FROM artifacts USING given
    WHERE artifacts.digest = given.digest AND artifacts.owner = given.operator AND given.operator <> given.owner
      AND artifacts.lease_id IS NOT NULL
)
INSERT INTO artifacts (digest, owner, size_bytes) SELECT digest, owner, size_bytes FROM given ORDER BY digest, owner
ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms, released = false, lease_id = NULL;

-- name: artifact_size
SELECT max(size_bytes) FROM artifacts WHERE digest = :digest;

-- name: artifact_in_row
SELECT content FROM artifacts WHERE digest = :digest AND content IS NOT NULL LIMIT 1;

-- name: readable_artifact
-- As may_read_artifact, with the bytes where they live in a row.
SELECT @readable AS allowed,
    (SELECT content FROM artifacts WHERE digest = :digest AND content IS NOT NULL LIMIT 1) AS content;

-- name: may_read_artifact
SELECT @readable;
