-- Which stored bytes are still needed, which wait to be forgotten, and which have one copy only.

CREATE INDEX jobs_by_input ON jobs (input_digest);
CREATE INDEX jobs_by_proof ON jobs (proof_digest) WHERE proof_digest IS NOT NULL;
CREATE INDEX tasks_by_bundle ON tasks (bundle_digest) WHERE bundle_digest IS NOT NULL;
CREATE INDEX artifacts_by_age ON artifacts (created_ms) WHERE owner <> '';

-- Something that must be readable names this artifact: a program, the network itself, an open task, a bundle, or the
-- proof of a task that ended after `ended_after_ms`.
CREATE FUNCTION artifact_is_needed(the_digest text, ended_after_ms bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM program_files WHERE digest = the_digest)
        OR EXISTS (SELECT 1 FROM artifacts WHERE digest = the_digest AND owner = '')
        OR EXISTS (SELECT 1 FROM tasks WHERE bundle_digest = the_digest)
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE input_digest = the_digest AND tasks.state IN ('open', 'combining'))
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE proof_digest = the_digest
              AND (tasks.state IN ('open', 'combining') OR tasks.finished_ms > ended_after_ms))
$$;

-- Forgotten by the database, deleted from the store only after a grace.
CREATE TABLE artifact_garbage (
    digest   text    PRIMARY KEY,
    since_ms bigint  NOT NULL DEFAULT now_ms(),
    aside    boolean NOT NULL DEFAULT false -- moved out of the way in the store
);
CREATE INDEX artifact_garbage_by_age ON artifact_garbage (since_ms);

CREATE TABLE artifact_repairs (
    digest   text   PRIMARY KEY,
    since_ms bigint NOT NULL DEFAULT now_ms()
);
