-- name: record_artifact
-- Stored again is young again, so that retention does not take away what somebody was just told is there.
INSERT INTO artifacts (digest, owner, size_bytes) VALUES ($1, $2, $3)
ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms;

-- name: record_artifacts
-- Many of one owner: digests, sizes.
INSERT INTO artifacts (digest, owner, size_bytes)
SELECT DISTINCT d, $1, s FROM unnest($2::text[], $3::bigint[]) AS given(d, s)
ON CONFLICT DO NOTHING;

-- name: stored_bytes
SELECT coalesce(sum(size_bytes), 0)::bigint FROM artifacts WHERE owner = $1;

-- name: artifact_size
SELECT max(size_bytes) FROM artifacts WHERE digest = $1;

-- name: may_read_artifact
-- Readable: what you own, what the network owns (program files, the SRS), the input of a job you hold a lease for.
SELECT EXISTS (SELECT 1 FROM artifacts WHERE digest = $1 AND owner IN ($2, ''))
    OR EXISTS (
        SELECT 1 FROM jobs JOIN leases USING (job_id)
        WHERE jobs.input_digest = $1 AND leases.operator = $2
          AND leases.state IN ('granted', 'offered', 'running', 'reported')
    );

-- name: lease_allows_upload
-- The operator holds this lease now.
SELECT EXISTS (
    SELECT 1 FROM leases WHERE lease_id = $1 AND operator = $2
      AND state IN ('granted', 'offered', 'running', 'reported'));
