-- Something that must be readable names this artifact: a program, the network itself, an open task, a bundle, or the
-- proof of a task that ended after `ended_after_ms`.
CREATE OR REPLACE FUNCTION artifact_is_needed(the_digest text, ended_after_ms bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM program_files WHERE digest = the_digest)
        OR EXISTS (SELECT 1 FROM artifacts WHERE digest = the_digest AND owner = '')
        OR EXISTS (SELECT 1 FROM tasks WHERE bundle_digest = the_digest)
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE input_digest = the_digest AND small_input IS NULL AND tasks.state IN (@tasks_open))
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE proof_digest = the_digest AND small_proof IS NULL
              AND (tasks.state IN (@tasks_open) OR tasks.finished_ms > ended_after_ms))
        OR EXISTS (SELECT 1 FROM evidence WHERE proof_digest = the_digest AND proof IS NULL)
$$;
