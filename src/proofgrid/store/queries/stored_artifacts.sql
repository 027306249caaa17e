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

-- name: stored_bytes
SELECT coalesce(sum(size_bytes), 0)::bigint FROM artifacts WHERE owner = :owner;

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

-- name: lease_allows_upload
-- The operator holds this lease now.
SELECT EXISTS (
    SELECT 1 FROM leases WHERE lease_id = :lease_id AND operator = :operator
      AND state IN (@leases_held));
