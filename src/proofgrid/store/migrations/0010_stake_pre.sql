-- Bonds of operators: what leases bind, what is being unbonded, and evidence for every part that was taken
-- (docs/decisions/0014).

ALTER TABLE leases ADD COLUMN stake_bound bigint NOT NULL DEFAULT 0; -- of its operator's bond, while it is held
CREATE INDEX leases_binding ON leases (operator)
    WHERE stake_bound > 0 AND state IN ('granted', 'offered', 'running', 'reported');

CREATE TABLE unbondings (
    unbonding_id text   PRIMARY KEY,
    operator     text   NOT NULL,
    amount       bigint NOT NULL CHECK (amount > 0), -- when it began
    rest         bigint NOT NULL CHECK (rest >= 0), -- what slashes left of it; 0 once it was withdrawn
    since_ms     bigint NOT NULL DEFAULT now_ms(),
    ready_ms     bigint NOT NULL,
    withdrawn_ms bigint
);
CREATE INDEX unbondings_by_operator ON unbondings (operator, since_ms);

CREATE TABLE evidence (
    evidence_id     uuid   PRIMARY KEY DEFAULT gen_random_uuid(),
    kind            text   NOT NULL CHECK (kind IN ('missed_deadline', 'invalid_proof', 'equivocation')),
    lease_id        uuid   NOT NULL REFERENCES leases,
    task_id         uuid   NOT NULL,
    job_id          uuid   NOT NULL,
    operator        text   NOT NULL,
    prover_id       text   NOT NULL,
    client          text   NOT NULL,
    program_digest  text   NOT NULL,
    slice           int    NOT NULL,
    detail          text   NOT NULL,
    facts           text   NOT NULL, -- JSON as it was, for its digest
    claim           text   NOT NULL DEFAULT '', -- what was signed; empty: nothing that can be shown to others
    signature       text   NOT NULL DEFAULT '',
    public          text   NOT NULL DEFAULT '',
    proof_digest    text,
    proof           bytea, -- the proof itself; NULL: it is an artifact, or there is none
    other_claim     text   NOT NULL DEFAULT '', -- of an equivocation
    other_signature text   NOT NULL DEFAULT '',
    amount          bigint NOT NULL,
    burnt           bigint NOT NULL,
    to_client       bigint NOT NULL,
    to_rescuer      bigint NOT NULL,
    at_ms           bigint NOT NULL DEFAULT now_ms(),
    appeal          text   NOT NULL DEFAULT '',
    appeal_ms       bigint,
    answer          text   NOT NULL DEFAULT '',
    state           text   NOT NULL DEFAULT 'stands' CHECK (state IN ('stands', 'appealed', 'upheld', 'overturned')),
    given_back      bigint NOT NULL DEFAULT 0,
    UNIQUE (lease_id, kind)
);
CREATE INDEX evidence_by_task ON evidence (task_id);
CREATE INDEX evidence_by_job ON evidence (job_id);
CREATE INDEX evidence_by_operator ON evidence (operator, at_ms DESC);
CREATE INDEX evidence_by_time ON evidence (at_ms DESC);
CREATE INDEX evidence_by_proof ON evidence (proof_digest) WHERE proof_digest IS NOT NULL AND proof IS NULL;

CREATE OR REPLACE FUNCTION artifact_is_needed(the_digest text, ended_after_ms bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM program_files WHERE digest = the_digest)
        OR EXISTS (SELECT 1 FROM artifacts WHERE digest = the_digest AND owner = '')
        OR EXISTS (SELECT 1 FROM tasks WHERE bundle_digest = the_digest)
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE input_digest = the_digest AND small_input IS NULL AND tasks.state IN ('open', 'combining'))
        OR EXISTS (SELECT 1 FROM jobs JOIN tasks USING (task_id)
            WHERE proof_digest = the_digest AND small_proof IS NULL
              AND (tasks.state IN ('open', 'combining') OR tasks.finished_ms > ended_after_ms))
        OR EXISTS (SELECT 1 FROM evidence WHERE proof_digest = the_digest AND proof IS NULL)
$$;
