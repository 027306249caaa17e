-- fragment: may_be_combined
state = 'combining' AND task_id <> ALL(:running::uuid[])
      AND coalesce(claimed_by <> ALL((SELECT alive FROM others)::uuid[]), true)
      AND NOT EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL AND stops_settlement)
      AND NOT EXISTS (SELECT FROM jobs WHERE jobs.task_id = tasks.task_id AND (
          split_part(lane, '/', 2) <> ALL(:engines::text[])
          OR split_part(lane, '/', 2) IN (SELECT engine FROM engine_stops WHERE resumed_ms IS NULL)))

-- name: claim_combining
-- Take tasks whose proofs are all there: at most :together of the programs :quick, at most :alone of others. :running:
-- those that this gateway is working on; what it claimed besides was cut off, perhaps with the database, and what another
-- one claimed that lives no more is free again. While settlement is stopped nothing is combined: the rest could not be
-- given back. `size_bytes` is about what its bundle will have without the program's files; NULL: some of its proofs are
-- artifacts. :engines: those whose proofs this gateway can verify; NULL: all. What a stopped engine proved is not combined.
WITH others AS (
    SELECT array_agg(gateway_id) AS alive FROM gateways
    WHERE gateway_id <> :gateway_id AND seen_ms > now_ms() - :gateway_silent_ms
), together AS (
    SELECT task_id FROM tasks WHERE program_digest = ANY(:quick::text[]) AND @may_be_combined
    ORDER BY created_ms FOR NO KEY UPDATE SKIP LOCKED LIMIT :together
), alone AS (
    SELECT task_id FROM tasks WHERE program_digest <> ALL(:quick::text[]) AND @may_be_combined
    ORDER BY created_ms FOR NO KEY UPDATE SKIP LOCKED LIMIT :alone
)
UPDATE tasks SET claimed_by = :gateway_id
WHERE task_id IN (SELECT task_id FROM together UNION ALL SELECT task_id FROM alone)
RETURNING task_id, client, program_digest, created_ms, escrow, quote_id, (
    SELECT CASE WHEN bool_and(small_proof IS NOT NULL) THEN
        pg_column_size(statement) + sum(octet_length(small_proof) + pg_column_size(public) + 1024) END
    FROM jobs WHERE jobs.task_id = tasks.task_id)::bigint AS size_bytes;

-- name: oldest_unsealed
-- For how long the tasks that nobody combines yet have been waiting since their last proof was paid; the oldest of them.
SELECT now_ms() - (SELECT coalesce(max(ended_ms), now_ms()) FROM leases
    WHERE leases.task_id = oldest.task_id AND leases.state = 'settled') AS age_ms
FROM (SELECT task_id FROM tasks WHERE state = 'combining' AND claimed_by IS NULL ORDER BY created_ms LIMIT 8) AS oldest;

-- name: proofs_of_tasks
-- Every job with the lease that was settled and the round that sold it, or the firm quote (round 0); with the first job
-- of a task its statement.
SELECT jobs.task_id, CASE WHEN jobs.position = 0 THEN tasks.statement END AS statement,
    jobs.job_id, jobs.position, jobs.slice, jobs.input, jobs.units, jobs.proof_digest, jobs.small_proof, jobs.public,
    now_ms() AS now_ms, leases.operator, leases.prover_id, leases.lane, leases.round, leases.buy_price,
    leases.sell_price, coalesce(rounds.transcript_hash, quotes.record_hash, '') AS transcript_hash
FROM jobs JOIN leases USING (lease_id) JOIN tasks ON tasks.task_id = jobs.task_id
    LEFT JOIN rounds ON rounds.lane = leases.lane AND rounds.number = leases.round
    LEFT JOIN firm_quotes AS quotes ON quotes.quote_id = tasks.quote_id
WHERE jobs.task_id = ANY(:task_ids::uuid[]) AND jobs.state = 'proven' ORDER BY jobs.task_id, jobs.input, jobs.slice;

-- name: finish_tasks
-- Tasks with their bundles, :contents where these live in rows; :sources: the states they may come from. Locked in the
-- order of their ids. Returns those that are done now: who was cancelled meanwhile, or finished elsewhere, is left out.
WITH locked AS (
    SELECT task_id FROM tasks WHERE task_id = ANY(:task_ids::uuid[]) AND state = ANY(:sources::text[])
    ORDER BY task_id FOR NO KEY UPDATE
), given AS (
    SELECT * FROM unnest(:task_ids::uuid[], :results::jsonb[], :bundles::text[], :sizes::bigint[], :contents::bytea[])
        AS g(task_id, result, bundle, size_bytes, content)
), finished AS (
    UPDATE tasks SET state = 'done', finished_ms = now_ms(), result = given.result, bundle_digest = given.bundle,
        seal = NULL -- nobody opens its inputs any more
    FROM given JOIN locked USING (task_id) WHERE tasks.task_id = given.task_id
    RETURNING tasks.task_id, client, bundle, size_bytes, content
), stored AS (
    INSERT INTO artifacts (digest, owner, size_bytes, content)
    SELECT bundle, client, size_bytes, content FROM finished ORDER BY bundle, client
    ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms, content = excluded.content,
        released = false
)
SELECT task_id FROM finished;
