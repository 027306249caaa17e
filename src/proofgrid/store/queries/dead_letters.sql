-- name: list_dead_letters
-- Newest first; those replayed already only when :replayed.
SELECT task_id, client, program_digest, failure_code, failure_detail, finished_ms, replay_of, replayed_as
FROM dead_letters WHERE (:replayed OR replayed_as IS NULL) AND (finished_ms, task_id) < (:before_ms::bigint, :before_id::uuid)
ORDER BY finished_ms DESC, task_id DESC LIMIT :limit;

-- name: get_dead_letter
SELECT task_id, client, program_digest, failure_code, failure_detail, finished_ms, replay_of, replayed_as
FROM dead_letters WHERE task_id = :task_id;

-- name: tries_of_task
-- Every lease that ended without a proof, oldest first.
SELECT jobs.slice, jobs.input, leases.prover_id, leases.operator, leases.reason, leases.detail, leases.ended_ms
FROM leases JOIN jobs USING (job_id)
WHERE leases.task_id = :task_id AND leases.state IN ('expired', 'failed') ORDER BY leases.fence LIMIT 1000;
