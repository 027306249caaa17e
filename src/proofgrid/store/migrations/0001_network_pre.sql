-- Everything the network knows. Times are milliseconds since the epoch by the database's clock, amounts are base units.
-- One rule keeps concurrent writers in order: whoever changes a task or its jobs holds the task's row lock first.

CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Access ------------------------------------------------------------------------------------------------------------

CREATE TABLE identities (
    address    text   NOT NULL,
    role       text   NOT NULL CHECK (role IN ('client', 'operator', 'admin')),
    label      text   NOT NULL DEFAULT '',
    granted_ms bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (address, role)
);

CREATE TABLE spent_tokens (
    token_id   text   PRIMARY KEY,
    expires_ms bigint NOT NULL
);
CREATE INDEX spent_tokens_by_expiry ON spent_tokens (expires_ms);

-- Artifacts and programs --------------------------------------------------------------------------------------------

CREATE TABLE artifacts (
    digest     text   NOT NULL,
    owner      text   NOT NULL, -- who may read it and whose quota it uses; '' for the network itself
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    created_ms bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (digest, owner)
);
CREATE INDEX artifacts_by_owner ON artifacts (owner) INCLUDE (size_bytes);

CREATE TABLE programs (
    digest       text   PRIMARY KEY,
    proof_system text   NOT NULL,
    owner        text   NOT NULL,
    label        text   NOT NULL,
    manifest     jsonb  NOT NULL,
    slices       int    NOT NULL CHECK (slices > 0),
    units        bigint NOT NULL CHECK (units > 0),
    created_ms   bigint NOT NULL DEFAULT now_ms()
);

CREATE TABLE program_files (
    digest         text NOT NULL,
    program_digest text NOT NULL REFERENCES programs,
    PRIMARY KEY (digest, program_digest)
);

-- Tasks and jobs ----------------------------------------------------------------------------------------------------

CREATE TABLE tasks (
    task_id         uuid   PRIMARY KEY,
    client          text   NOT NULL,
    program_digest  text   NOT NULL REFERENCES programs,
    state           text   NOT NULL CHECK (state IN ('open', 'combining', 'done', 'failed', 'cancelled')),
    idempotency_key text   NOT NULL,
    request_digest  text   NOT NULL, -- of the request without its key: the same key with another request is a conflict
    statement       jsonb  NOT NULL,
    inputs          int    NOT NULL CHECK (inputs > 0),
    limit_price     bigint NOT NULL CHECK (limit_price >= 0),
    units           bigint NOT NULL CHECK (units > 0),
    escrow          bigint NOT NULL CHECK (escrow >= 0),
    spent           bigint NOT NULL DEFAULT 0,
    deadline_ms     bigint NOT NULL,
    created_ms      bigint NOT NULL DEFAULT now_ms(),
    finished_ms     bigint,
    jobs_open       int    NOT NULL, -- jobs without an accepted proof
    result          jsonb,
    failure_code    text   NOT NULL DEFAULT '',
    failure_detail  text   NOT NULL DEFAULT '',
    bundle_digest   text,
    claimed_by      uuid,          -- the gateway that combines it; counts while that gateway lives
    event_seq       bigint NOT NULL DEFAULT 0,
    UNIQUE (client, idempotency_key)
);
CREATE INDEX tasks_open_by_deadline ON tasks (deadline_ms) WHERE state IN ('open', 'combining');
CREATE INDEX tasks_combining ON tasks (created_ms) WHERE state = 'combining';
CREATE INDEX tasks_by_client ON tasks (client, created_ms DESC);

CREATE TABLE jobs (
    job_id       uuid   PRIMARY KEY,
    task_id      uuid   NOT NULL REFERENCES tasks,
    slice        int    NOT NULL,
    input        int    NOT NULL,
    position     int    NOT NULL, -- order inside the task
    state        text   NOT NULL CHECK (state IN ('waiting', 'ready', 'leased', 'proven', 'failed', 'cancelled')),
    lane         text   NOT NULL,
    class        text   NOT NULL,
    units        bigint NOT NULL CHECK (units > 0),
    memory_bytes bigint NOT NULL,
    depends_on   int[]  NOT NULL DEFAULT '{}', -- positions
    input_digest text   NOT NULL,
    facts        jsonb  NOT NULL,
    attempts     int    NOT NULL DEFAULT 0, -- failures that were somebody's fault
    returns      int    NOT NULL DEFAULT 0, -- all leases that ended without a proof
    excluded     jsonb  NOT NULL DEFAULT '{}', -- prover_id -> until when, ms
    not_before_ms bigint NOT NULL DEFAULT 0,
    stage        text   NOT NULL DEFAULT '',
    permille     int    NOT NULL DEFAULT 0,
    lease_id     uuid,            -- the lease that counts now, or the one that was settled
    proof_digest text,
    public       jsonb,
    UNIQUE (task_id, slice, input)
);
CREATE INDEX jobs_ready ON jobs (lane, not_before_ms) WHERE state = 'ready';
CREATE INDEX jobs_by_task ON jobs (task_id, position);

CREATE TABLE task_events (
    task_id uuid   NOT NULL REFERENCES tasks,
    seq     bigint NOT NULL,
    kind    text   NOT NULL,
    data    jsonb  NOT NULL,
    at_ms   bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (task_id, seq)
);

-- The caller holds the task's row lock or takes it here: the sequence has no gaps and no two events share a number.
CREATE FUNCTION append_event(the_task uuid, the_kind text, the_data jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH bumped AS (
        UPDATE tasks SET event_seq = event_seq + 1 WHERE task_id = the_task RETURNING event_seq
    )
    INSERT INTO task_events (task_id, seq, kind, data) SELECT the_task, event_seq, the_kind, the_data FROM bumped;
    PERFORM pg_notify('task_events', the_task::text);
END
$$;

-- Provers, rounds, leases -------------------------------------------------------------------------------------------

CREATE TABLE gateways (
    gateway_id uuid   PRIMARY KEY,
    started_ms bigint NOT NULL DEFAULT now_ms(),
    seen_ms    bigint NOT NULL DEFAULT now_ms()
);

CREATE TABLE provers (
    prover_id   text   PRIMARY KEY,
    operator    text   NOT NULL,
    jobs_proven bigint NOT NULL DEFAULT 0,
    jobs_failed bigint NOT NULL DEFAULT 0,
    units_proven bigint NOT NULL DEFAULT 0,
    first_seen_ms bigint NOT NULL DEFAULT now_ms()
);

CREATE TABLE sessions (
    session_id   uuid   PRIMARY KEY,
    prover_id    text   NOT NULL REFERENCES provers,
    operator     text   NOT NULL,
    gateway_id   uuid   NOT NULL,
    open         boolean NOT NULL DEFAULT true,
    draining     boolean NOT NULL DEFAULT false,
    asks         jsonb  NOT NULL, -- proof system -> least price per PU
    classes      text[] NOT NULL,
    slots        int    NOT NULL CHECK (slots > 0),
    cores        int    NOT NULL,
    memory_bytes bigint NOT NULL,
    region       text   NOT NULL,
    version      text   NOT NULL,
    cached_programs text[] NOT NULL,
    opened_ms    bigint NOT NULL DEFAULT now_ms(),
    seen_ms      bigint NOT NULL DEFAULT now_ms()
);
CREATE UNIQUE INDEX one_open_session_per_prover ON sessions (prover_id) WHERE open;

CREATE TABLE rounds (
    lane            text   NOT NULL,
    number          bigint NOT NULL,
    transcript      text   NOT NULL, -- canonical JSON, the text that was hashed
    transcript_hash text   NOT NULL,
    signature       text   NOT NULL,
    buy_price       bigint NOT NULL,
    sell_price      bigint NOT NULL,
    units           bigint NOT NULL,
    bids            int    NOT NULL,
    asks            int    NOT NULL,
    next_reference  bigint,
    at_ms           bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (lane, number)
);

CREATE SEQUENCE fences;

CREATE TABLE leases (
    lease_id   uuid   PRIMARY KEY,
    fence      bigint NOT NULL DEFAULT nextval('fences'),
    job_id     uuid   NOT NULL REFERENCES jobs,
    task_id    uuid   NOT NULL REFERENCES tasks,
    prover_id  text   NOT NULL REFERENCES provers,
    operator   text   NOT NULL,
    session_id uuid   NOT NULL,
    gateway_id uuid   NOT NULL,
    lane       text   NOT NULL,
    round      bigint NOT NULL,
    units      bigint NOT NULL,
    buy_price  bigint NOT NULL,
    sell_price bigint NOT NULL,
    state      text   NOT NULL
        CHECK (state IN ('granted', 'offered', 'running', 'reported', 'settled', 'expired', 'failed', 'stopped')),
    granted_ms bigint NOT NULL DEFAULT now_ms(),
    expires_ms bigint NOT NULL,  -- without another heartbeat
    until_ms   bigint NOT NULL,  -- whatever the heartbeats say
    ended_ms   bigint,
    reason     text   NOT NULL DEFAULT '',
    detail     text   NOT NULL DEFAULT '',
    FOREIGN KEY (lane, round) REFERENCES rounds
);
CREATE UNIQUE INDEX one_held_lease_per_job ON leases (job_id)
    WHERE state IN ('granted', 'offered', 'running', 'reported');
CREATE INDEX leases_held_by_expiry ON leases (expires_ms) WHERE state IN ('granted', 'offered', 'running', 'reported');
CREATE INDEX leases_held_by_session ON leases (session_id) WHERE state IN ('granted', 'offered', 'running', 'reported');
CREATE INDEX leases_held_by_prover ON leases (prover_id) WHERE state IN ('granted', 'offered', 'running', 'reported');
CREATE INDEX leases_granted ON leases (gateway_id) WHERE state = 'granted';
CREATE INDEX leases_by_job ON leases (job_id);

-- Money -------------------------------------------------------------------------------------------------------------

CREATE TABLE accounts (
    account text   PRIMARY KEY,
    balance bigint NOT NULL DEFAULT 0,
    CHECK (balance >= 0 OR account = 'mint')
);
INSERT INTO accounts (account) VALUES ('mint'), ('treasury');

CREATE TABLE transfers (
    transfer_id text   PRIMARY KEY,
    debit       text   NOT NULL REFERENCES accounts,
    credit      text   NOT NULL REFERENCES accounts,
    amount      bigint NOT NULL CHECK (amount > 0),
    reason      text   NOT NULL,
    task_id     uuid,
    job_id      uuid,
    lane        text,
    round       bigint,
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    CHECK (debit <> credit)
);
CREATE INDEX transfers_by_debit ON transfers (debit, at_ms DESC);
CREATE INDEX transfers_by_credit ON transfers (credit, at_ms DESC);
CREATE INDEX transfers_by_task ON transfers (task_id);

-- Post transfers given as a JSON list of {transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round}.
-- Idempotent by transfer_id; a known id with another content is an error; no account but `mint` goes below zero.
-- Accounts are locked in the order of their names, so two postings never wait for each other in a circle.
CREATE FUNCTION post_transfers(given jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    posted int;
BEGIN
    INSERT INTO accounts (account)
        SELECT DISTINCT name FROM jsonb_to_recordset(given) AS g(debit text, credit text),
            LATERAL (VALUES (g.debit), (g.credit)) AS names(name)
        ORDER BY name
        ON CONFLICT DO NOTHING;
    PERFORM 1 FROM accounts
        WHERE account IN (
            SELECT name FROM jsonb_to_recordset(given) AS g(debit text, credit text),
                LATERAL (VALUES (g.debit), (g.credit)) AS names(name))
        ORDER BY account FOR UPDATE;
    IF EXISTS (
        SELECT 1 FROM jsonb_to_recordset(given) AS g(transfer_id text, debit text, credit text, amount bigint)
        JOIN transfers t USING (transfer_id)
        WHERE (t.debit, t.credit, t.amount) IS DISTINCT FROM (g.debit, g.credit, g.amount)
    ) THEN
        RAISE EXCEPTION 'a transfer id was used before with another content' USING ERRCODE = 'unique_violation';
    END IF;
    WITH fresh AS (
        INSERT INTO transfers (transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round)
            SELECT transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round
            FROM jsonb_to_recordset(given) AS g(
                transfer_id text, debit text, credit text, amount bigint, reason text,
                task_id uuid, job_id uuid, lane text, round bigint)
            ON CONFLICT (transfer_id) DO NOTHING
            RETURNING debit, credit, amount
    ), moved AS (
        SELECT account, sum(delta)::bigint AS delta FROM (
            SELECT debit AS account, -amount AS delta FROM fresh
            UNION ALL SELECT credit, amount FROM fresh
        ) AS both_sides GROUP BY account
    ), updated AS (
        UPDATE accounts SET balance = balance + delta FROM moved WHERE accounts.account = moved.account RETURNING 1
    )
    SELECT count(*) INTO posted FROM fresh;
    RETURN posted;
END
$$;
