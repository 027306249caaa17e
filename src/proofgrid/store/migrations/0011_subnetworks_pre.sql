-- Named parts of the network with lanes of their own, and their members (docs/decisions/0018).

CREATE TABLE subnetworks (
    name              text    PRIMARY KEY,
    is_open           boolean NOT NULL, -- to all; otherwise to subnetwork_members
    proof_systems     text[]  NOT NULL DEFAULT '{}', -- empty: all
    reference_price   bigint  NOT NULL DEFAULT 0 CHECK (reference_price >= 0), -- 0: the gateways' setting
    overflow_after_ms bigint  NOT NULL DEFAULT 0 CHECK (overflow_after_ms >= 0), -- 0: never
    created_ms        bigint  NOT NULL DEFAULT now_ms()
);
INSERT INTO subnetworks (name, is_open) VALUES ('default', true);

CREATE TABLE subnetwork_members (
    subnetwork text   NOT NULL REFERENCES subnetworks ON DELETE CASCADE,
    address    text   NOT NULL,
    role       text   NOT NULL CHECK (role IN ('client', 'operator')),
    since_ms   bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (subnetwork, address, role)
);
CREATE INDEX subnetwork_members_by_address ON subnetwork_members (address);

-- NULL is `default`: the common case pays for no foreign key. Jobs may have flowed over to other lanes since.
ALTER TABLE tasks ADD COLUMN subnetwork text REFERENCES subnetworks ON DELETE SET NULL;
CREATE INDEX tasks_of_subnetworks ON tasks (subnetwork) WHERE subnetwork IS NOT NULL;
CREATE INDEX tasks_open_of_subnetworks ON tasks (subnetwork, created_ms)
    WHERE subnetwork IS NOT NULL AND state IN ('open', 'combining');

ALTER TABLE sessions
    ADD COLUMN subnetworks text[] NOT NULL DEFAULT '{default}', -- that the prover serves
    ADD COLUMN chains      int    NOT NULL DEFAULT 1; -- those times its proof systems: its capacity is offered in one at a time

-- A round that offers a prover of several chains holds its row here. Heartbeats and payments change other rows, so they
-- never wait for a round.
CREATE TABLE prover_turns (
    prover_id text   PRIMARY KEY REFERENCES provers,
    since_ms  bigint NOT NULL DEFAULT now_ms()
);

-- How long a job has been for sale: since its task came, it was given back, or the last job that it needs was proven.
CREATE FUNCTION waiting_ms(job jobs, accepted_ms bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT now_ms() - greatest(accepted_ms, (job).not_before_ms,
        (SELECT max(ended_ms) FROM leases WHERE leases.task_id = (job).task_id AND leases.job_id = (job).job_id),
        CASE WHEN (job).depends_on <> '{}' THEN (
            SELECT max(ended_ms) FROM leases WHERE leases.task_id = (job).task_id AND leases.state = 'settled') END)
$$;
