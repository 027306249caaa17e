-- Hot paths write many rows at once. Small inputs and proofs live in their job's row: no file, no download, no fsync of
-- their own. What every update had to maintain, and no query needs, is gone.

ALTER TABLE jobs
    ADD COLUMN limit_price bigint NOT NULL DEFAULT 0, -- of the task: rounds read the book from the best bid down
    ADD COLUMN small_input bytea, -- the input itself; NULL: it is an artifact
    ADD COLUMN small_proof bytea; -- the proof itself; NULL: it is an artifact
UPDATE jobs SET limit_price = tasks.limit_price FROM tasks WHERE tasks.task_id = jobs.task_id;

DROP INDEX jobs_ready;
CREATE INDEX jobs_for_sale ON jobs (lane, (-limit_price), task_id, position) WHERE state = 'ready';
CREATE INDEX jobs_put_off ON jobs (lane, not_before_ms) WHERE state = 'ready' AND not_before_ms > 0;
CREATE INDEX jobs_waiting ON jobs (task_id) WHERE state = 'waiting';
DROP INDEX jobs_by_task; -- the unique (task_id, slice, input) serves as well
DROP INDEX jobs_by_input;
CREATE INDEX jobs_by_input ON jobs (input_digest) WHERE small_input IS NULL;
DROP INDEX jobs_by_proof;
CREATE INDEX jobs_by_proof ON jobs (proof_digest) WHERE proof_digest IS NOT NULL AND small_proof IS NULL;

-- Heartbeats change `expires_ms` only. Without an index on it they write one row and nothing else; the leases that are
-- held at one time are few enough to be read whole.
DROP INDEX leases_held_by_expiry;
DROP INDEX leases_held_by_session; -- a prover has one session: leases_held_by_prover serves as well
DROP INDEX leases_by_job;
CREATE INDEX leases_by_task ON leases (task_id);
ALTER TABLE leases SET (fillfactor = 80);
ALTER TABLE tasks SET (fillfactor = 80);
CREATE INDEX tasks_open_of_client ON tasks (client) WHERE state IN ('open', 'combining');

CREATE OR REPLACE FUNCTION artifact_is_needed(the_digest text, ended_after_ms bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM program_files WHERE digest = the_digest)
        OR EXISTS (SELECT 1 FROM artifacts WHERE digest = the_digest AND owner = '')
        OR EXISTS (SELECT 1 FROM tasks WHERE bundle_digest = the_digest)
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE input_digest = the_digest AND small_input IS NULL AND tasks.state IN ('open', 'combining'))
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE proof_digest = the_digest AND small_proof IS NULL
              AND (tasks.state IN ('open', 'combining') OR tasks.finished_ms > ended_after_ms))
$$;
