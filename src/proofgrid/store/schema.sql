-- Today's whole schema, made by `make schema` out of what the migrations make; a test holds the two equal.
-- For readers: nothing executes it. What columns mean stands where they were added, in migrations/*.sql.

CREATE SEQUENCE fences;

CREATE TABLE account_events (
    account_id uuid NOT NULL,
    seq        bigint NOT NULL,
    kind       text NOT NULL,
    data       jsonb NOT NULL,
    at_ms      bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (account_id, seq)
);

CREATE TABLE accounts (
    account text NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account),
    CHECK (((balance >= 0) OR (account = 'mint')))
);

CREATE TABLE api_keys (
    key_id        text NOT NULL,
    owner         text NOT NULL,
    maker_id      text,
    label         text NOT NULL,
    secret_hash   bytea NOT NULL,
    scopes        text[] NOT NULL,
    subnetwork    text NOT NULL,
    spend_per_day bigint NOT NULL,
    spent         bigint NOT NULL DEFAULT 0,
    spent_day     bigint NOT NULL DEFAULT 0,
    created_ms    bigint NOT NULL DEFAULT now_ms(),
    expires_ms    bigint NOT NULL,
    revoked_ms    bigint,
    used_ms       bigint,
    addresses     text[] NOT NULL DEFAULT '{}'[],
    PRIMARY KEY (key_id),
    CHECK ((spend_per_day >= 0)),
    CHECK ((spent >= 0)),
    FOREIGN KEY (maker_id) REFERENCES api_keys(key_id)
);
CREATE INDEX api_keys_by_maker ON api_keys (maker_id) WHERE (maker_id IS NOT NULL);
CREATE INDEX api_keys_by_owner ON api_keys (owner, created_ms);
CREATE TRIGGER tell_of_api_keys AFTER UPDATE OF revoked_ms ON api_keys FOR EACH ROW EXECUTE FUNCTION tell_of_api_keys();

CREATE TABLE artifact_garbage (
    digest   text NOT NULL,
    since_ms bigint NOT NULL DEFAULT now_ms(),
    aside    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (digest)
);
CREATE INDEX artifact_garbage_by_age ON artifact_garbage (since_ms);

CREATE TABLE artifact_repairs (
    digest   text NOT NULL,
    since_ms bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (digest)
);

CREATE TABLE artifacts (
    digest     text NOT NULL,
    owner      text NOT NULL,
    size_bytes bigint NOT NULL,
    created_ms bigint NOT NULL DEFAULT now_ms(),
    content    bytea,
    released   boolean NOT NULL DEFAULT false,
    lease_id   uuid,
    PRIMARY KEY (digest, owner),
    CHECK ((size_bytes >= 0))
);
CREATE INDEX artifacts_by_age ON artifacts (created_ms) WHERE (owner <> '');
CREATE INDEX artifacts_by_lease ON artifacts (lease_id) WHERE (lease_id IS NOT NULL);
CREATE INDEX artifacts_by_owner ON artifacts (owner) INCLUDE (size_bytes);
CREATE INDEX artifacts_released ON artifacts (digest) WHERE released;

CREATE TABLE audit_checkpoints (
    size  bigint NOT NULL,
    roots bytea[] NOT NULL,
    note  text NOT NULL,
    at_ms bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (size),
    CHECK ((size > 0))
);
CREATE TRIGGER audit_checkpoints_only_grow BEFORE DELETE OR UPDATE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_checkpoints_stay BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE audit_entries (
    entry_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    act      text NOT NULL,
    caller   text NOT NULL,
    peer     text NOT NULL,
    what     jsonb NOT NULL,
    outcome  text NOT NULL,
    count    bigint NOT NULL,
    at_ms    bigint NOT NULL DEFAULT now_ms(),
    position bigint,
    spelled  bytea,
    leaf     bytea,
    PRIMARY KEY (entry_id),
    CHECK (((("position" IS NULL) = (spelled IS NULL)) AND (("position" IS NULL) = (leaf IS NULL)))),
    CHECK ((count > 0)),
    CHECK (("position" >= 0))
);
CREATE INDEX audit_entries_act ON audit_entries (act, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX audit_entries_caller ON audit_entries (caller, "position") WHERE ("position" IS NOT NULL);
CREATE UNIQUE INDEX audit_entries_position ON audit_entries ("position") WHERE ("position" IS NOT NULL);
CREATE INDEX audit_entries_waiting ON audit_entries (entry_id) WHERE ("position" IS NULL);
CREATE TRIGGER audit_entries_only_grow BEFORE DELETE OR UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER audit_entries_stay BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE bulk_acts (
    client          text NOT NULL,
    idempotency_key text NOT NULL,
    request_digest  text NOT NULL,
    matching        integer NOT NULL,
    task_ids        uuid[] NOT NULL,
    at_ms           bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (client, idempotency_key)
);

CREATE TABLE byte_reservations (
    reservation_id uuid NOT NULL,
    owner          text NOT NULL,
    lease_id       uuid,
    size_bytes     bigint NOT NULL,
    expires_ms     bigint NOT NULL,
    PRIMARY KEY (reservation_id),
    CHECK ((size_bytes >= 0))
);
CREATE INDEX byte_reservations_by_owner ON byte_reservations (owner);

CREATE TABLE canaries (
    canary_id      uuid NOT NULL,
    program_digest text NOT NULL,
    inputs         jsonb NOT NULL,
    inputs_digest  text NOT NULL,
    first_task     uuid NOT NULL,
    added_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (canary_id),
    UNIQUE (program_digest, inputs_digest),
    FOREIGN KEY (program_digest) REFERENCES programs(digest)
);

CREATE TABLE chain_blocks (
    number bigint NOT NULL,
    hash   text NOT NULL,
    PRIMARY KEY (number)
);

CREATE TABLE chain_debts (
    evidence_id uuid NOT NULL,
    operator    text NOT NULL,
    amount      bigint NOT NULL,
    state       text NOT NULL DEFAULT 'owed',
    proposal_id uuid,
    taken       bigint NOT NULL DEFAULT 0,
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (evidence_id),
    CHECK ((amount > 0)),
    CHECK ((state = ANY (ARRAY['owed', 'dropped', 'proposed', 'vetoed', 'executed', 'final', 'short']))),
    FOREIGN KEY (evidence_id) REFERENCES evidence(evidence_id),
    FOREIGN KEY (proposal_id) REFERENCES chain_proposals(proposal_id)
);
CREATE INDEX chain_debts_by_proposal ON chain_debts (proposal_id) WHERE (proposal_id IS NOT NULL);
CREATE INDEX chain_debts_waiting ON chain_debts (operator) WHERE (state = ANY (ARRAY['owed', 'proposed', 'executed']));

CREATE TABLE chain_outbox (
    intent    text NOT NULL,
    sender    text NOT NULL DEFAULT '',
    target    text NOT NULL,
    data      text NOT NULL,
    stage     text NOT NULL DEFAULT 'wanted',
    nonce     bigint,
    signed_at bigint NOT NULL DEFAULT 0,
    trouble   text NOT NULL DEFAULT '',
    at_ms     bigint NOT NULL DEFAULT now_ms(),
    gas_most  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (intent),
    UNIQUE (sender, nonce),
    CHECK ((stage = ANY (ARRAY['wanted', 'signed', 'mined', 'final', 'failed'])))
);
CREATE INDEX chain_outbox_open ON chain_outbox (at_ms) WHERE (stage = ANY (ARRAY['wanted', 'signed', 'mined']));

CREATE TABLE chain_proposals (
    proposal_id   uuid NOT NULL DEFAULT gen_random_uuid(),
    cold          text NOT NULL,
    amount        bigint NOT NULL,
    evidence_root text NOT NULL,
    state         text NOT NULL DEFAULT 'proposed',
    number        bigint,
    executable_at bigint NOT NULL DEFAULT 0,
    taken         bigint NOT NULL DEFAULT 0,
    at_ms         bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (proposal_id),
    UNIQUE (evidence_root),
    UNIQUE (number),
    CHECK ((amount > 0)),
    CHECK ((state = ANY (ARRAY['proposed', 'vetoed', 'executed', 'final', 'short'])))
);
CREATE INDEX chain_proposals_open ON chain_proposals (at_ms) WHERE (state <> ALL (ARRAY['final', 'short', 'vetoed']));

CREATE TABLE chain_raws (
    hash    text NOT NULL,
    intent  text NOT NULL,
    raw     text NOT NULL,
    fee     bigint NOT NULL,
    tip     bigint NOT NULL,
    sent_ms bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (hash),
    FOREIGN KEY (intent) REFERENCES chain_outbox(intent)
);
CREATE INDEX chain_raws_by_intent ON chain_raws (intent, fee);

CREATE TABLE chain_stakes (
    operator text NOT NULL,
    cold     text NOT NULL,
    staked   bigint NOT NULL,
    leaving  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (operator),
    CHECK ((staked >= 0))
);

CREATE TABLE chain_view (
    one            boolean NOT NULL DEFAULT true,
    chain_id       bigint NOT NULL,
    avs            text NOT NULL,
    mode           text NOT NULL,
    horizon        integer NOT NULL,
    read_ms        bigint NOT NULL DEFAULT 0,
    fresh_until_ms bigint NOT NULL DEFAULT 0,
    trouble        text NOT NULL DEFAULT '',
    PRIMARY KEY (one),
    CHECK ((mode = ANY (ARRAY['ledger', 'eigenlayer', 'both']))),
    CHECK (one)
);

CREATE TABLE delivery_terms (
    one       boolean NOT NULL DEFAULT true,
    chain_id  bigint NOT NULL,
    submitter text NOT NULL,
    contracts text[] NOT NULL,
    price     bigint NOT NULL,
    gas_most  bigint NOT NULL,
    PRIMARY KEY (one),
    CHECK (one),
    CHECK ((price >= 0))
);

CREATE TABLE engine_stops (
    stop_id    bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    engine     text NOT NULL,
    reason     text NOT NULL,
    stopped_by text NOT NULL,
    stopped_ms bigint NOT NULL DEFAULT now_ms(),
    resumed_by text NOT NULL DEFAULT '',
    resumed_ms bigint,
    swept      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (stop_id)
);
CREATE UNIQUE INDEX one_stop_per_engine ON engine_stops (engine) WHERE (resumed_ms IS NULL);

CREATE TABLE evidence (
    evidence_id     uuid NOT NULL DEFAULT gen_random_uuid(),
    kind            text NOT NULL,
    lease_id        uuid NOT NULL,
    task_id         uuid NOT NULL,
    job_id          uuid NOT NULL,
    operator        text NOT NULL,
    prover_id       text NOT NULL,
    client          text NOT NULL,
    program_digest  text NOT NULL,
    slice           integer NOT NULL,
    detail          text NOT NULL,
    facts           text NOT NULL,
    claim           text NOT NULL DEFAULT '',
    signature       text NOT NULL DEFAULT '',
    public          text NOT NULL DEFAULT '',
    proof_digest    text,
    proof           bytea,
    other_claim     text NOT NULL DEFAULT '',
    other_signature text NOT NULL DEFAULT '',
    amount          bigint NOT NULL,
    burnt           bigint NOT NULL,
    to_client       bigint NOT NULL,
    to_rescuer      bigint NOT NULL,
    at_ms           bigint NOT NULL DEFAULT now_ms(),
    appeal          text NOT NULL DEFAULT '',
    appeal_ms       bigint,
    answer          text NOT NULL DEFAULT '',
    state           text NOT NULL DEFAULT 'stands',
    given_back      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (evidence_id),
    UNIQUE (lease_id, kind),
    CHECK ((kind = ANY (ARRAY['missed_deadline', 'invalid_proof', 'equivocation', 'refuted']))),
    CHECK ((state = ANY (ARRAY['stands', 'appealed', 'upheld', 'overturned']))),
    FOREIGN KEY (lease_id) REFERENCES leases(lease_id)
);
CREATE INDEX evidence_by_job ON evidence (job_id);
CREATE INDEX evidence_by_operator ON evidence (operator, at_ms DESC);
CREATE INDEX evidence_by_proof ON evidence (proof_digest) WHERE ((proof_digest IS NOT NULL) AND (proof IS NULL));
CREATE INDEX evidence_by_task ON evidence (task_id);
CREATE INDEX evidence_by_time ON evidence (at_ms DESC);

CREATE TABLE firm_quote_seats (
    quote_id     uuid NOT NULL,
    position     integer NOT NULL,
    state        text NOT NULL DEFAULT 'reserved',
    lane         text NOT NULL,
    units        bigint NOT NULL,
    memory_bytes bigint NOT NULL,
    prover_id    text NOT NULL,
    operator     text NOT NULL,
    stake_bound  bigint NOT NULL DEFAULT 0,
    lease_id     uuid,
    sizes        bigint NOT NULL DEFAULT 0,
    begin_ms     bigint NOT NULL DEFAULT 0,
    due_ms       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (quote_id, "position"),
    CHECK ((units > 0)),
    FOREIGN KEY (prover_id) REFERENCES provers(prover_id),
    FOREIGN KEY (quote_id) REFERENCES firm_quotes(quote_id)
);
CREATE INDEX seats_reserved ON firm_quote_seats (prover_id) WHERE (state = 'reserved');

CREATE TABLE firm_quotes (
    quote_id        uuid NOT NULL,
    client          text NOT NULL,
    idempotency_key text NOT NULL,
    state           text NOT NULL DEFAULT 'held',
    program_digest  text NOT NULL,
    inputs          integer NOT NULL,
    units           bigint NOT NULL,
    cost            bigint NOT NULL,
    premium         bigint NOT NULL,
    penalty         bigint NOT NULL,
    buy_price       bigint NOT NULL,
    hold_ms         bigint NOT NULL,
    within_ms       bigint NOT NULL,
    created_ms      bigint NOT NULL DEFAULT now_ms(),
    held_until_ms   bigint NOT NULL,
    ended_ms        bigint,
    sell_price      bigint NOT NULL DEFAULT 0,
    fee_permille    integer NOT NULL DEFAULT 0,
    record          text NOT NULL DEFAULT '',
    record_hash     text NOT NULL DEFAULT '',
    aggregate       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (quote_id),
    UNIQUE (client, idempotency_key),
    CHECK ((cost >= 0)),
    CHECK ((hold_ms > 0)),
    CHECK ((inputs > 0)),
    CHECK ((buy_price > 0)),
    CHECK ((penalty >= 0)),
    CHECK ((premium >= 0)),
    CHECK ((units > 0)),
    CHECK ((within_ms > 0))
);
CREATE INDEX firm_quotes_by_client ON firm_quotes (client, created_ms DESC);
CREATE INDEX firm_quotes_held ON firm_quotes (held_until_ms) WHERE (state = 'held');

CREATE TABLE gateways (
    gateway_id uuid NOT NULL,
    started_ms bigint NOT NULL DEFAULT now_ms(),
    seen_ms    bigint NOT NULL DEFAULT now_ms(),
    store_keys text[] NOT NULL DEFAULT '{}'[],
    PRIMARY KEY (gateway_id)
);

CREATE TABLE identities (
    address    text NOT NULL,
    role       text NOT NULL,
    label      text NOT NULL DEFAULT '',
    granted_ms bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (address, role),
    CHECK ((role = ANY (ARRAY['client', 'operator', 'admin'])))
);
CREATE TRIGGER tell_of_roles AFTER INSERT OR DELETE OR UPDATE ON identities FOR EACH ROW EXECUTE FUNCTION tell_of_roles();

CREATE TABLE incident_changes (
    incident_id bigint NOT NULL,
    change      text NOT NULL,
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    why         text NOT NULL DEFAULT '',
    PRIMARY KEY (incident_id, change),
    CHECK ((change = ANY (ARRAY['opened', 'acted', 'closed']))),
    FOREIGN KEY (incident_id) REFERENCES incidents(incident_id) ON DELETE CASCADE
);
CREATE INDEX incident_changes_by_time ON incident_changes (at_ms);

CREATE TABLE incident_tellings (
    incident_id bigint NOT NULL,
    change      text NOT NULL,
    channel     text NOT NULL,
    state       text NOT NULL DEFAULT 'waiting',
    attempts    bigint NOT NULL DEFAULT 0,
    due_ms      bigint NOT NULL DEFAULT now_ms(),
    answer      text NOT NULL DEFAULT '',
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (incident_id, change, channel),
    CHECK ((channel = ANY (ARRAY['alertmanager', 'webhook', 'mail']))),
    CHECK ((state = ANY (ARRAY['waiting', 'told', 'failed']))),
    FOREIGN KEY (incident_id, change) REFERENCES incident_changes(incident_id, change) ON DELETE CASCADE
);
CREATE INDEX incident_tellings_due ON incident_tellings (channel, due_ms) WHERE (state = 'waiting');
CREATE INDEX incident_tellings_told ON incident_tellings (channel, at_ms) WHERE (state = 'told');

CREATE TABLE incidents (
    incident_id      bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind             text NOT NULL,
    subject          text NOT NULL,
    detail           text NOT NULL,
    opened_ms        bigint NOT NULL DEFAULT now_ms(),
    closed_ms        bigint,
    closed_by        text NOT NULL DEFAULT '',
    stops_settlement boolean NOT NULL DEFAULT true,
    facts            jsonb NOT NULL DEFAULT '{}'::jsonb,
    signal_ms        bigint NOT NULL DEFAULT now_ms(),
    seen_ms          bigint NOT NULL DEFAULT now_ms(),
    times            bigint NOT NULL DEFAULT 1,
    acted_ms         bigint,
    acted            text NOT NULL DEFAULT '',
    until_ms         bigint,
    PRIMARY KEY (incident_id)
);
CREATE INDEX incidents_by_subject ON incidents (kind, subject, incident_id DESC);
CREATE UNIQUE INDEX one_open_incident ON incidents (kind, subject) WHERE (closed_ms IS NULL);
CREATE TRIGGER note_incident_changes AFTER INSERT OR UPDATE OF acted_ms, closed_ms ON incidents FOR EACH ROW EXECUTE FUNCTION note_incident_changes();
CREATE TRIGGER tell_of_incidents AFTER INSERT OR UPDATE OF acted_ms, closed_ms ON incidents FOR EACH ROW EXECUTE FUNCTION tell_of_incidents();

CREATE TABLE jobs (
    job_id             uuid NOT NULL,
    task_id            uuid NOT NULL,
    slice              integer NOT NULL,
    input              integer NOT NULL,
    position           integer NOT NULL,
    state              text NOT NULL,
    lane               text NOT NULL,
    class              text NOT NULL,
    units              bigint NOT NULL,
    memory_bytes       bigint NOT NULL,
    depends_on         integer[] NOT NULL DEFAULT '{}'::integer[],
    input_digest       text NOT NULL,
    facts              jsonb NOT NULL,
    attempts           integer NOT NULL DEFAULT 0,
    returns            integer NOT NULL DEFAULT 0,
    excluded           jsonb NOT NULL DEFAULT '{}'::jsonb,
    not_before_ms      bigint NOT NULL DEFAULT 0,
    stage              text NOT NULL DEFAULT '',
    permille           integer NOT NULL DEFAULT 0,
    lease_id           uuid,
    proof_digest       text,
    public             jsonb,
    limit_price        bigint NOT NULL DEFAULT 0,
    small_input        bytea,
    small_proof        bytea,
    slow_ms            bigint,
    hedges             integer NOT NULL DEFAULT 0,
    hedge_price        bigint,
    hedge_operator     text NOT NULL DEFAULT '',
    hedge_until_ms     bigint NOT NULL DEFAULT 0,
    last_word          text NOT NULL DEFAULT '',
    last_word_until_ms bigint NOT NULL DEFAULT 0,
    sizes              bigint NOT NULL DEFAULT 0,
    said_units         bigint,
    said_memory_bytes  bigint,
    PRIMARY KEY (job_id),
    UNIQUE (task_id, slice, input),
    CHECK ((state = ANY (ARRAY['waiting', 'ready', 'leased', 'proven', 'failed', 'cancelled']))),
    CHECK ((units > 0)),
    FOREIGN KEY (task_id) REFERENCES tasks(task_id)
);
CREATE INDEX jobs_by_input ON jobs (input_digest) WHERE (small_input IS NULL);
CREATE INDEX jobs_by_proof ON jobs (proof_digest) WHERE ((proof_digest IS NOT NULL) AND (small_proof IS NULL));
CREATE INDEX jobs_for_sale ON jobs (lane, ((- limit_price)), task_id, "position") WHERE (state = 'ready');
CREATE INDEX jobs_put_off ON jobs (lane, not_before_ms) WHERE ((state = 'ready') AND (not_before_ms > 0));
CREATE INDEX jobs_waiting ON jobs (task_id) WHERE (state = 'waiting');
CREATE INDEX jobs_wished ON jobs (lane) WHERE (hedge_price IS NOT NULL);

CREATE TABLE key_lists (
    number  bigint NOT NULL,
    spelled text NOT NULL,
    at_ms   bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (number),
    CHECK ((number > 0))
);

CREATE TABLE lane_constraints (
    lane        text NOT NULL,
    stack       text NOT NULL,
    constraints jsonb NOT NULL,
    used_ms     bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (lane)
);
CREATE INDEX lane_constraints_by_stack ON lane_constraints (stack, used_ms DESC);

CREATE TABLE lane_times (
    lane        text NOT NULL,
    us_per_unit bigint[] NOT NULL,
    PRIMARY KEY (lane)
);

CREATE TABLE lanes (
    lane     text NOT NULL,
    epoch    bigint NOT NULL DEFAULT 1,
    leader   uuid NOT NULL,
    since_ms bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (lane)
);

CREATE TABLE leases (
    lease_id          uuid NOT NULL,
    fence             bigint NOT NULL DEFAULT nextval('fences'::regclass),
    job_id            uuid NOT NULL,
    task_id           uuid NOT NULL,
    prover_id         text NOT NULL,
    operator          text NOT NULL,
    session_id        uuid NOT NULL,
    gateway_id        uuid NOT NULL,
    lane              text NOT NULL,
    round             bigint NOT NULL,
    units             bigint NOT NULL,
    buy_price         bigint NOT NULL,
    sell_price        bigint NOT NULL,
    state             text NOT NULL,
    granted_ms        bigint NOT NULL DEFAULT now_ms(),
    expires_ms        bigint NOT NULL,
    until_ms          bigint NOT NULL,
    ended_ms          bigint,
    reason            text NOT NULL DEFAULT '',
    detail            text NOT NULL DEFAULT '',
    epoch             bigint NOT NULL DEFAULT 0,
    kind              text NOT NULL DEFAULT 'first',
    phase_until_ms    bigint NOT NULL DEFAULT '9007199254740991'::bigint,
    prove_ms          bigint NOT NULL DEFAULT '9007199254740991'::bigint,
    started_ms        bigint NOT NULL DEFAULT 0,
    reported_ms       bigint NOT NULL DEFAULT 0,
    stage             text NOT NULL DEFAULT '',
    permille          integer NOT NULL DEFAULT 0,
    stake_bound       bigint NOT NULL DEFAULT 0,
    fee_permille      integer NOT NULL DEFAULT 0,
    memory_peak_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (lease_id),
    CHECK (((fee_permille >= 0) AND (fee_permille <= 1000))),
    CHECK ((kind = ANY (ARRAY['first', 'hedge']))),
    CHECK ((state = ANY (ARRAY['granted', 'offered', 'running', 'reported', 'settled', 'expired', 'failed', 'stopped']))),
    FOREIGN KEY (job_id) REFERENCES jobs(job_id),
    FOREIGN KEY (prover_id) REFERENCES provers(prover_id),
    FOREIGN KEY (task_id) REFERENCES tasks(task_id)
) WITH (fillfactor=80);
CREATE INDEX leases_binding ON leases (operator) WHERE ((stake_bound > 0) AND (state = ANY (ARRAY['granted', 'offered', 'running', 'reported'])));
CREATE INDEX leases_by_task ON leases (task_id);
CREATE INDEX leases_by_time ON leases USING brin (granted_ms) WITH (pages_per_range='8');
CREATE INDEX leases_granted ON leases (gateway_id) WHERE (state = 'granted');
CREATE INDEX leases_held_by_prover ON leases (prover_id) WHERE (state = ANY (ARRAY['granted', 'offered', 'running', 'reported']));
CREATE UNIQUE INDEX one_held_lease_per_job_and_kind ON leases (job_id, kind) WHERE (state = ANY (ARRAY['granted', 'offered', 'running', 'reported']));

CREATE TABLE lies (
    lease_id    uuid NOT NULL,
    kind        text NOT NULL,
    operator    text NOT NULL,
    prover_id   text NOT NULL,
    engine      text NOT NULL,
    proven_jobs bigint NOT NULL,
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (lease_id, kind),
    CHECK ((kind = ANY (ARRAY['invalid', 'false', 'equivocation'])))
);
CREATE INDEX lies_by_time ON lies (at_ms);

CREATE TABLE low_balances (
    account text NOT NULL,
    owner   text NOT NULL,
    amount  bigint NOT NULL,
    is_low  boolean NOT NULL,
    told    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account),
    CHECK ((amount >= 0))
);

CREATE TABLE network (
    one     boolean NOT NULL DEFAULT true,
    address text NOT NULL,
    PRIMARY KEY (one),
    CHECK (one)
);

CREATE TABLE operator_standings (
    operator        text NOT NULL,
    proven_micro    bigint NOT NULL DEFAULT 0,
    late_micro      bigint NOT NULL DEFAULT 0,
    lost_micro      bigint NOT NULL DEFAULT 0,
    crashed_micro   bigint NOT NULL DEFAULT 0,
    invalid_micro   bigint NOT NULL DEFAULT 0,
    facts_ms        bigint NOT NULL DEFAULT 0,
    outcomes        text NOT NULL DEFAULT '',
    pauses          integer NOT NULL DEFAULT 0,
    paused_until_ms bigint NOT NULL DEFAULT 0,
    last_faults     text NOT NULL DEFAULT '',
    PRIMARY KEY (operator)
) WITH (fillfactor=50);

CREATE TABLE program_engines (
    program_digest text NOT NULL,
    engine         text NOT NULL,
    added_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (program_digest, engine),
    FOREIGN KEY (program_digest) REFERENCES programs(digest) ON DELETE CASCADE
);

CREATE TABLE program_files (
    digest           text NOT NULL,
    program_digest   text NOT NULL,
    slices           integer[] NOT NULL DEFAULT '{}'::integer[],
    is_for_verifiers boolean NOT NULL DEFAULT false,
    PRIMARY KEY (digest, program_digest),
    FOREIGN KEY (program_digest) REFERENCES programs(digest)
);

CREATE TABLE program_owners (
    program_digest text NOT NULL,
    owner          text NOT NULL,
    label          text NOT NULL DEFAULT '',
    since_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (program_digest, owner),
    FOREIGN KEY (program_digest) REFERENCES programs(digest)
);
CREATE INDEX program_owners_by_owner ON program_owners (owner, since_ms DESC);

CREATE TABLE program_shares (
    program_digest text NOT NULL,
    owner          text NOT NULL,
    audience       text NOT NULL,
    since_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (program_digest, owner, audience),
    FOREIGN KEY (program_digest, owner) REFERENCES program_owners(program_digest, owner) ON DELETE CASCADE
);
CREATE INDEX program_shares_by_audience ON program_shares (audience);

CREATE TABLE programs (
    digest       text NOT NULL,
    proof_system text NOT NULL,
    owner        text NOT NULL DEFAULT '',
    label        text NOT NULL DEFAULT '',
    manifest     jsonb NOT NULL,
    slices       integer NOT NULL,
    units        bigint NOT NULL,
    created_ms   bigint NOT NULL DEFAULT now_ms(),
    is_used      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (digest),
    CHECK ((slices > 0)),
    CHECK ((units > 0))
);

CREATE TABLE proof_deliveries (
    task_id    uuid NOT NULL,
    target     text NOT NULL,
    state      text NOT NULL DEFAULT 'wanted',
    call       bytea,
    price      bigint NOT NULL DEFAULT 0,
    detail     text NOT NULL DEFAULT '',
    hash       text NOT NULL DEFAULT '',
    block      bigint NOT NULL DEFAULT 0,
    gas        bigint NOT NULL DEFAULT 0,
    at_ms      bigint NOT NULL DEFAULT now_ms(),
    claimed_by uuid,
    PRIMARY KEY (task_id),
    CHECK ((state = ANY (ARRAY['wanted', 'ready', 'sending', 'delivered', 'refused', 'failed']))),
    FOREIGN KEY (task_id) REFERENCES tasks(task_id)
);
CREATE INDEX proof_deliveries_open ON proof_deliveries (at_ms) WHERE (state = ANY (ARRAY['wanted', 'ready', 'sending']));

CREATE TABLE prover_speeds (
    prover_id    text NOT NULL,
    proof_system text NOT NULL,
    class        text NOT NULL,
    units        bigint NOT NULL DEFAULT 0,
    wall_ms      bigint NOT NULL DEFAULT 0,
    samples      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (prover_id, proof_system, class),
    FOREIGN KEY (prover_id) REFERENCES provers(prover_id)
);

CREATE TABLE prover_turns (
    prover_id text NOT NULL,
    since_ms  bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (prover_id),
    FOREIGN KEY (prover_id) REFERENCES provers(prover_id)
);

CREATE TABLE provers (
    prover_id       text NOT NULL,
    operator        text NOT NULL,
    jobs_proven     bigint NOT NULL DEFAULT 0,
    jobs_failed     bigint NOT NULL DEFAULT 0,
    units_proven    bigint NOT NULL DEFAULT 0,
    first_seen_ms   bigint NOT NULL DEFAULT now_ms(),
    proven_micro    bigint NOT NULL DEFAULT 0,
    late_micro      bigint NOT NULL DEFAULT 0,
    lost_micro      bigint NOT NULL DEFAULT 0,
    crashed_micro   bigint NOT NULL DEFAULT 0,
    invalid_micro   bigint NOT NULL DEFAULT 0,
    facts_ms        bigint NOT NULL DEFAULT 0,
    outcomes        text NOT NULL DEFAULT '',
    pauses          integer NOT NULL DEFAULT 0,
    paused_until_ms bigint NOT NULL DEFAULT 0,
    last_faults     text NOT NULL DEFAULT '',
    PRIMARY KEY (prover_id)
);
CREATE INDEX provers_by_operator ON provers (operator, prover_id);
CREATE INDEX provers_paused ON provers (paused_until_ms) WHERE (paused_until_ms > 0);

CREATE TABLE rounds (
    lane            text NOT NULL,
    number          bigint NOT NULL,
    transcript      text NOT NULL,
    transcript_hash text NOT NULL,
    signature       text NOT NULL,
    buy_price       bigint NOT NULL,
    sell_price      bigint NOT NULL,
    units           bigint NOT NULL,
    bids            integer NOT NULL,
    asks            integer NOT NULL,
    next_reference  bigint,
    at_ms           bigint NOT NULL DEFAULT now_ms(),
    epoch           bigint NOT NULL DEFAULT 0,
    secret          bytea,
    PRIMARY KEY (lane, number)
);

CREATE TABLE schema_functions (
    name       text NOT NULL,
    digest     text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (name)
);

CREATE TABLE schema_migrations (
    version    integer NOT NULL,
    name       text NOT NULL,
    digest     text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (version)
);

CREATE TABLE second_looks (
    lease_id uuid NOT NULL,
    engine   text NOT NULL,
    verdict  text NOT NULL,
    detail   text NOT NULL DEFAULT '',
    at_ms    bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (lease_id, engine),
    CHECK ((verdict = ANY (ARRAY['agrees', 'differs', 'unknown'])))
);

CREATE TABLE secrets (
    name   text NOT NULL,
    secret text NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE sessions (
    session_id        uuid NOT NULL,
    prover_id         text NOT NULL,
    operator          text NOT NULL,
    gateway_id        uuid NOT NULL,
    open              boolean NOT NULL DEFAULT true,
    draining          boolean NOT NULL DEFAULT false,
    asks              jsonb NOT NULL,
    classes           text[] NOT NULL,
    slots             integer NOT NULL,
    cores             integer NOT NULL,
    memory_bytes      bigint NOT NULL,
    region            text NOT NULL,
    version           text NOT NULL,
    cached_programs   text[] NOT NULL,
    opened_ms         bigint NOT NULL DEFAULT now_ms(),
    seen_ms           bigint NOT NULL DEFAULT now_ms(),
    class_asks        jsonb NOT NULL DEFAULT '{}'::jsonb,
    units_min         bigint NOT NULL DEFAULT 0,
    subnetworks       text[] NOT NULL DEFAULT '{default}'[],
    stacks            integer NOT NULL DEFAULT 1,
    peer              text NOT NULL DEFAULT '',
    session_key       text NOT NULL DEFAULT '',
    run               text NOT NULL DEFAULT '',
    reserve_price     bigint NOT NULL DEFAULT 0,
    reserve_slots     integer NOT NULL DEFAULT 0,
    confinement       text NOT NULL DEFAULT '',
    sealing_key       bytea,
    sealing_until_ms  bigint,
    sealing_signature text,
    PRIMARY KEY (session_id),
    CHECK ((slots > 0)),
    FOREIGN KEY (prover_id) REFERENCES provers(prover_id)
);
CREATE UNIQUE INDEX one_open_session_per_prover ON sessions (prover_id) WHERE open;

CREATE TABLE size_corrections (
    number                   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    proof_system             text NOT NULL,
    engine                   text NOT NULL,
    scope                    text NOT NULL,
    units_permille           bigint NOT NULL,
    memory_permille          bigint NOT NULL,
    operators                integer NOT NULL DEFAULT 0,
    proofs                   integer NOT NULL DEFAULT 0,
    measured_permille        bigint,
    measured_memory_permille bigint,
    made_ms                  bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (number),
    CHECK ((memory_permille > 0)),
    CHECK ((units_permille > 0))
);
CREATE INDEX size_corrections_newest ON size_corrections (proof_system, engine, scope, number DESC);

CREATE TABLE spent_tokens (
    token_id   text NOT NULL,
    expires_ms bigint NOT NULL,
    PRIMARY KEY (token_id)
);
CREATE INDEX spent_tokens_by_expiry ON spent_tokens (expires_ms);

CREATE TABLE stake_samples (
    block     bigint NOT NULL,
    cold      text NOT NULL,
    signer    text NOT NULL,
    slashable bigint NOT NULL,
    PRIMARY KEY (block, cold),
    CHECK ((slashable >= 0)),
    FOREIGN KEY (block) REFERENCES chain_blocks(number) ON DELETE CASCADE
);

CREATE TABLE store_keys (
    key_id     text NOT NULL,
    number     bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    made_ms    bigint NOT NULL DEFAULT now_ms(),
    since_ms   bigint,
    swept_ms   bigint,
    retired_ms bigint,
    PRIMARY KEY (key_id)
);

CREATE TABLE subnetwork_members (
    subnetwork text NOT NULL,
    address    text NOT NULL,
    role       text NOT NULL,
    since_ms   bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (subnetwork, address, role),
    CHECK ((role = ANY (ARRAY['client', 'operator']))),
    FOREIGN KEY (subnetwork) REFERENCES subnetworks(name) ON DELETE CASCADE
);
CREATE INDEX subnetwork_members_by_address ON subnetwork_members (address);

CREATE TABLE subnetworks (
    name              text NOT NULL,
    is_open           boolean NOT NULL,
    proof_systems     text[] NOT NULL DEFAULT '{}'[],
    reference_price   bigint NOT NULL DEFAULT 0,
    overflow_after_ms bigint NOT NULL DEFAULT 0,
    created_ms        bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (name),
    CHECK ((overflow_after_ms >= 0)),
    CHECK ((reference_price >= 0))
);

CREATE TABLE task_events (
    task_id uuid NOT NULL,
    seq     bigint NOT NULL,
    kind    text NOT NULL,
    data    jsonb NOT NULL,
    at_ms   bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (task_id, seq),
    FOREIGN KEY (task_id) REFERENCES tasks(task_id)
);
CREATE TRIGGER note_webhooks AFTER INSERT ON task_events REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_webhooks();

CREATE TABLE task_tags (
    client     text NOT NULL,
    tag        text NOT NULL,
    created_ms bigint NOT NULL,
    task_id    uuid NOT NULL,
    PRIMARY KEY (client, tag, created_ms, task_id),
    FOREIGN KEY (task_id) REFERENCES tasks(task_id)
);
CREATE INDEX task_tags_by_task ON task_tags (task_id);

CREATE TABLE tasks (
    task_id         uuid NOT NULL,
    client          text NOT NULL,
    program_digest  text NOT NULL,
    state           text NOT NULL,
    idempotency_key text NOT NULL,
    request_digest  text NOT NULL,
    statement       jsonb NOT NULL,
    inputs          integer NOT NULL,
    limit_price     bigint NOT NULL,
    units           bigint NOT NULL,
    escrow          bigint NOT NULL,
    spent           bigint NOT NULL DEFAULT 0,
    deadline_ms     bigint NOT NULL,
    created_ms      bigint NOT NULL DEFAULT now_ms(),
    finished_ms     bigint,
    jobs_open       integer NOT NULL,
    result          jsonb,
    failure_code    text NOT NULL DEFAULT '',
    failure_detail  text NOT NULL DEFAULT '',
    bundle_digest   text,
    claimed_by      uuid,
    event_seq       bigint NOT NULL DEFAULT 0,
    inputs_digest   text NOT NULL DEFAULT '',
    replay_of       uuid,
    hedging         boolean NOT NULL DEFAULT false,
    hedges          integer NOT NULL DEFAULT 0,
    raise_permille  integer,
    raise_every_ms  bigint,
    raise_max       bigint,
    raise_at_ms     bigint,
    subnetwork      text,
    quote_id        uuid,
    seal            jsonb,
    tags            text[],
    PRIMARY KEY (task_id),
    UNIQUE (client, idempotency_key),
    CHECK ((escrow >= 0)),
    CHECK ((inputs > 0)),
    CHECK ((limit_price >= 0)),
    CHECK ((state = ANY (ARRAY['open', 'combining', 'done', 'failed', 'cancelled']))),
    CHECK ((units > 0)),
    FOREIGN KEY (program_digest) REFERENCES programs(digest),
    FOREIGN KEY (quote_id) REFERENCES firm_quotes(quote_id),
    FOREIGN KEY (replay_of) REFERENCES tasks(task_id),
    FOREIGN KEY (subnetwork) REFERENCES subnetworks(name) ON DELETE SET NULL
) WITH (fillfactor=80);
CREATE UNIQUE INDEX one_replay_per_task ON tasks (replay_of);
CREATE INDEX tasks_by_bundle ON tasks (bundle_digest) WHERE (bundle_digest IS NOT NULL);
CREATE INDEX tasks_by_client ON tasks (client, created_ms DESC);
CREATE UNIQUE INDEX tasks_by_quote ON tasks (quote_id) WHERE (quote_id IS NOT NULL);
CREATE INDEX tasks_by_time ON tasks USING brin (created_ms) WITH (pages_per_range='8');
CREATE INDEX tasks_combining ON tasks (created_ms) WHERE (state = 'combining');
CREATE INDEX tasks_dead ON tasks (finished_ms DESC) WHERE ((state = 'failed') AND (failure_code = ANY (ARRAY['PG-510', 'PG-511'])));
CREATE INDEX tasks_done_by_inputs ON tasks (client, program_digest, inputs_digest) WHERE (state = 'done');
CREATE INDEX tasks_of_subnetworks ON tasks (subnetwork) WHERE (subnetwork IS NOT NULL);
CREATE INDEX tasks_open_by_deadline ON tasks (deadline_ms) WHERE (state = ANY (ARRAY['open', 'combining']));
CREATE INDEX tasks_open_of_client ON tasks (client, ((- limit_price)), task_id) WHERE (state = ANY (ARRAY['open', 'combining']));
CREATE INDEX tasks_open_of_subnetworks ON tasks (subnetwork, created_ms) WHERE ((subnetwork IS NOT NULL) AND (state = ANY (ARRAY['open', 'combining'])));
CREATE INDEX tasks_that_failed ON tasks (client, created_ms DESC, task_id DESC) WHERE (state = ANY (ARRAY['failed', 'cancelled']));
CREATE INDEX tasks_to_raise ON tasks (raise_at_ms) WHERE ((raise_at_ms IS NOT NULL) AND (state = 'open'));

CREATE TABLE transfers (
    transfer_id text NOT NULL,
    debit       text NOT NULL,
    credit      text NOT NULL,
    amount      bigint NOT NULL,
    reason      text NOT NULL,
    task_id     uuid,
    job_id      uuid,
    lane        text,
    round       bigint,
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (transfer_id),
    CHECK ((amount > 0)),
    CHECK ((debit <> credit)),
    FOREIGN KEY (credit) REFERENCES accounts(account),
    FOREIGN KEY (debit) REFERENCES accounts(account)
);
CREATE INDEX transfers_by_credit ON transfers (credit, at_ms DESC);
CREATE INDEX transfers_by_debit ON transfers (debit, at_ms DESC);
CREATE INDEX transfers_by_task ON transfers (task_id);
CREATE INDEX transfers_by_time ON transfers USING brin (at_ms) WITH (pages_per_range='8');
CREATE TRIGGER refuse_while_stopped AFTER INSERT ON transfers REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_while_stopped();

CREATE TABLE unbondings (
    unbonding_id text NOT NULL,
    operator     text NOT NULL,
    amount       bigint NOT NULL,
    rest         bigint NOT NULL,
    since_ms     bigint NOT NULL DEFAULT now_ms(),
    ready_ms     bigint NOT NULL,
    withdrawn_ms bigint,
    PRIMARY KEY (unbonding_id),
    CHECK ((amount > 0)),
    CHECK ((rest >= 0))
);
CREATE INDEX unbondings_by_operator ON unbondings (operator, since_ms);

CREATE TABLE vault_batches (
    sequence      bigint NOT NULL,
    file          text NOT NULL,
    payouts       text NOT NULL,
    balances      text NOT NULL,
    deposits_seen bigint NOT NULL,
    payouts_total bigint NOT NULL,
    to_ms         bigint NOT NULL,
    state         text NOT NULL DEFAULT 'wanted',
    number        bigint,
    in_force_at   bigint NOT NULL DEFAULT 0,
    made_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (sequence),
    UNIQUE (number),
    CHECK ((state = ANY (ARRAY['wanted', 'posted', 'final', 'in_force', 'struck', 'refused'])))
);
CREATE INDEX vault_batches_open ON vault_batches (sequence) WHERE (state = ANY (ARRAY['wanted', 'posted', 'final']));

CREATE TABLE vault_claims (
    account text NOT NULL,
    claimed bigint NOT NULL,
    PRIMARY KEY (account),
    CHECK ((claimed > 0))
);

CREATE TABLE vault_deposits (
    number      bigint NOT NULL,
    account     text NOT NULL,
    payer       text NOT NULL,
    amount      bigint NOT NULL,
    transaction text NOT NULL,
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (number),
    CHECK ((amount >= 0))
);

CREATE TABLE vault_view (
    one            boolean NOT NULL DEFAULT true,
    chain_id       bigint NOT NULL,
    vault          text NOT NULL,
    token          text NOT NULL,
    unit           bigint NOT NULL,
    delay_blocks   bigint NOT NULL,
    silence_blocks bigint NOT NULL,
    final          bigint NOT NULL DEFAULT 0,
    newest         bigint NOT NULL DEFAULT 0,
    last_posted    bigint NOT NULL DEFAULT 0,
    is_frozen      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (one),
    CHECK (one),
    CHECK ((unit > 0))
);

CREATE TABLE webhook_deliveries (
    endpoint_id uuid NOT NULL,
    task_id     uuid NOT NULL,
    seq         bigint NOT NULL,
    state       text NOT NULL DEFAULT 'waiting',
    attempts    integer NOT NULL DEFAULT 0,
    due_ms      bigint NOT NULL DEFAULT 0,
    status      integer NOT NULL DEFAULT 0,
    answer      text NOT NULL DEFAULT '',
    at_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (endpoint_id, task_id, seq),
    CHECK ((state = ANY (ARRAY['waiting', 'delivered', 'failed']))),
    FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints(endpoint_id) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_ms) WHERE (state = 'waiting');
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (endpoint_id, at_ms);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint_id, task_id, seq) WHERE (state = 'waiting');

CREATE TABLE webhook_endpoints (
    endpoint_id  uuid NOT NULL,
    owner        text NOT NULL,
    url          text NOT NULL,
    kinds        text[] NOT NULL,
    secret       bytea NOT NULL,
    created_ms   bigint NOT NULL DEFAULT now_ms(),
    failing_ms   bigint,
    disabled_ms  bigint,
    disabled_why text NOT NULL DEFAULT '',
    PRIMARY KEY (endpoint_id)
);
CREATE INDEX webhook_endpoints_by_owner ON webhook_endpoints (owner);

CREATE VIEW dead_letters AS
SELECT t.task_id,
    t.client,
    t.program_digest,
    t.failure_code,
    t.failure_detail,
    t.finished_ms,
    t.escrow,
    t.replay_of,
    r.task_id AS replayed_as
   FROM tasks t
     LEFT JOIN tasks r ON r.replay_of = t.task_id
  WHERE t.state = 'failed' AND (t.failure_code = ANY (ARRAY['PG-510', 'PG-511']));

CREATE VIEW told_events AS
SELECT task_events.task_id AS subject_id,
    task_events.seq,
    task_events.kind,
    task_events.data,
    task_events.at_ms
   FROM task_events
UNION ALL
 SELECT account_events.account_id AS subject_id,
    account_events.seq,
    account_events.kind,
    account_events.data,
    account_events.at_ms
   FROM account_events;

-- functions/artifact_is_needed.sql: (the_digest text, ended_after_ms bigint) -> boolean
-- functions/bond_behind.sql: (who text, ledger bigint) -> TABLE(usable bigint)
-- functions/grant_leases.sql: (the_leases jsonb, the_lane text, the_round bigint, the_buy_price bigint, sources text[], the_epoch bigint, winners text[]) -> integer
-- functions/is_excluded.sql: (excluded jsonb, prover_id text) -> boolean
-- functions/is_meant.sql: (audience text, reader text) -> boolean
-- functions/is_silent.sql: (sessions, bigint) -> boolean
-- functions/lock_of_session.sql: (prover_id text) -> bigint
-- functions/note_incident_changes.sql: () -> trigger
-- functions/note_low_balances.sql: (touched text[]) -> integer
-- functions/note_webhooks.sql: () -> trigger
-- functions/now_ms.sql: () -> bigint
-- functions/open_stack.sql: (the_stack text, the_leader uuid) -> TABLE(lane text, epoch bigint, number bigint, transcript_hash text, next_reference bigint, next_put_off bigint, first_reference bigint, wide_reference bigint, backed boolean)
-- functions/parts_of.sql: (job jobs) -> jsonb
-- functions/post_transfers.sql: (given jsonb) -> integer
-- functions/ran_ms.sql: (leases) -> bigint
-- functions/refuse_rewriting.sql: () -> trigger
-- functions/refuse_while_stopped.sql: () -> trigger
-- functions/spend_by_keys.sql: (given jsonb) -> integer
-- functions/stake_behind.sql: (who text) -> TABLE(staked bigint)
-- functions/tell_of_api_keys.sql: () -> trigger
-- functions/tell_of_incidents.sql: () -> trigger
-- functions/tell_of_roles.sql: () -> trigger
-- functions/until_next_job.sql: (the_lane text) -> bigint
-- functions/waiting_lanes.sql: (the_stack text) -> SETOF text
-- functions/waiting_ms.sql: (job jobs, accepted_ms bigint) -> bigint
