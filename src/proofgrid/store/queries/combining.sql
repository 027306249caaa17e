-- name: claim_combining
-- Take tasks whose proofs are all there. :running: those that this gateway is working on; what it claimed besides was cut
-- off, perhaps with the database, and what another one claimed that lives no more is free again. While settlement
-- is stopped nothing is combined: the rest could not be given back.
UPDATE tasks SET claimed_by = :gateway_id
WHERE task_id IN (
    SELECT task_id FROM tasks WHERE state = 'combining' AND task_id <> ALL(:running::uuid[])
      AND NOT EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL) AND NOT EXISTS (
        SELECT 1 FROM gateways WHERE gateway_id = tasks.claimed_by AND gateway_id <> :gateway_id
          AND seen_ms > now_ms() - :gateway_silent_ms)
    ORDER BY created_ms FOR NO KEY UPDATE SKIP LOCKED LIMIT :room)
RETURNING task_id, client, program_digest, statement, created_ms, escrow, quote_id;

-- name: oldest_unsealed
-- For how long the tasks that nobody combines yet have been waiting since their last proof was paid; the oldest of them.
SELECT now_ms() - (SELECT coalesce(max(ended_ms), now_ms()) FROM leases
    WHERE leases.task_id = oldest.task_id AND leases.state = 'settled') AS age_ms
FROM (SELECT task_id FROM tasks WHERE state = 'combining' AND claimed_by IS NULL ORDER BY created_ms LIMIT 8) AS oldest;

-- name: combining_elsewhere
-- Is anything left that another gateway combines? :running: what this one is working on.
SELECT EXISTS (SELECT 1 FROM tasks WHERE state = 'combining' AND task_id <> ALL(:running::uuid[]));

-- name: proofs_of_task
-- Every job with the lease that was settled and the round that sold it, or the firm quote (round 0).
SELECT jobs.job_id, jobs.slice, jobs.input, jobs.units, jobs.proof_digest, jobs.small_proof, jobs.public,
    now_ms() AS now_ms, leases.operator, leases.prover_id, leases.lane, leases.round, leases.buy_price,
    leases.sell_price, coalesce(rounds.transcript_hash, quotes.record_hash, '') AS transcript_hash
FROM jobs JOIN leases USING (lease_id) JOIN tasks ON tasks.task_id = jobs.task_id
    LEFT JOIN rounds ON rounds.lane = leases.lane AND rounds.number = leases.round
    LEFT JOIN firm_quotes AS quotes ON quotes.quote_id = tasks.quote_id
WHERE jobs.task_id = :task_id AND jobs.state = 'proven' ORDER BY jobs.input, jobs.slice;

-- name: finish_task
UPDATE tasks SET state = 'done', finished_ms = now_ms(), result = :result, bundle_digest = :bundle
WHERE task_id = :task_id AND state = ANY(:sources::text[]) RETURNING task_id;
