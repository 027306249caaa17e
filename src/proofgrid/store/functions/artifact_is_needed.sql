-- Something that must be readable names this artifact: a program that somebody owns or that is being proven, what verifies
-- the proofs that a deleted one left, the network itself, an open task, a bundle, or the proof of a task that ended after
-- `ended_after_ms`.
CREATE OR REPLACE FUNCTION artifact_is_needed(the_digest text, ended_after_ms bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM program_files AS f JOIN programs AS p ON p.digest = f.program_digest
            WHERE f.digest = the_digest AND (
                EXISTS (SELECT 1 FROM program_owners AS o WHERE o.program_digest = f.program_digest)
                OR (f.is_for_verifiers AND p.is_used)
                OR EXISTS (SELECT 1 FROM tasks WHERE tasks.program_digest = f.program_digest AND tasks.state IN (@tasks_open))))
        OR EXISTS (SELECT 1 FROM artifacts WHERE digest = the_digest AND owner = '')
        OR EXISTS (SELECT 1 FROM tasks WHERE bundle_digest = the_digest)
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE input_digest = the_digest AND small_input IS NULL AND tasks.state IN (@tasks_open))
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE proof_digest = the_digest AND small_proof IS NULL
              AND (tasks.state IN (@tasks_open) OR tasks.finished_ms > ended_after_ms))
        OR EXISTS (SELECT 1 FROM evidence WHERE proof_digest = the_digest AND proof IS NULL)
$$;
