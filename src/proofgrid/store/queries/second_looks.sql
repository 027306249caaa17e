-- name: leases_to_look_at
-- Proofs that were accepted by other versions of the engines that are :here, of programs that these built too, and that were
-- not looked at yet: the :network's own, and one in :one_in of others; of leases that were sold :since that id, newest first.
WITH others AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM program_engines WHERE engine <> ALL(:here::text[])) AS are_there
)
SELECT leases.lease_id, split_part(leases.lane, '/', 2) AS accepted_by, mine.engine AS looking, jobs.proof_digest,
    jobs.small_proof, jobs.public
FROM leases JOIN jobs USING (lease_id) JOIN tasks ON tasks.task_id = leases.task_id
    JOIN program_engines AS mine ON mine.program_digest = tasks.program_digest AND mine.engine = ANY(:here::text[])
    AND split_part(mine.engine, '@', 1) = split_part(split_part(leases.lane, '/', 2), '@', 1)
WHERE (SELECT are_there FROM others) AND leases.lease_id > :since AND leases.state = 'settled'
  AND split_part(leases.lane, '/', 2) <> mine.engine AND jobs.proof_digest IS NOT NULL
  AND (tasks.client = :network OR get_byte(decode(md5(leases.lease_id::text), 'hex'), 0) % :one_in::int = 0)
  AND NOT EXISTS (SELECT FROM second_looks WHERE second_looks.lease_id = leases.lease_id AND second_looks.engine = mine.engine)
ORDER BY leases.lease_id DESC LIMIT :limit;

-- name: note_second_look
-- Nothing comes back when somebody else was faster.
INSERT INTO second_looks (lease_id, engine, verdict, detail) VALUES (:lease_id, :engine, :verdict, :detail)
ON CONFLICT DO NOTHING RETURNING verdict;
