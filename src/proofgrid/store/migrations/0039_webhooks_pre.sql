-- Webhooks (docs/decisions/0079): where clients are told of their tasks, and what is to be sent. A delivery is written in
-- the transaction that writes its event.

CREATE TABLE webhook_endpoints (
    endpoint_id uuid   PRIMARY KEY,
    owner       text   NOT NULL,
    url         text   NOT NULL,
    kinds       text[] NOT NULL,
    secret      bytea  NOT NULL,
    created_ms  bigint NOT NULL DEFAULT now_ms(),
    failing_ms  bigint, -- since when nothing was taken
    disabled_ms bigint,
    disabled_why text  NOT NULL DEFAULT ''
);
CREATE INDEX webhook_endpoints_by_owner ON webhook_endpoints (owner);

CREATE TABLE webhook_deliveries (
    endpoint_id uuid   NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    task_id     uuid   NOT NULL,
    seq         bigint NOT NULL,
    state       text   NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts    int    NOT NULL DEFAULT 0,
    due_ms      bigint NOT NULL DEFAULT 0,
    status      int    NOT NULL DEFAULT 0, -- of the last answer; 0: none
    answer      text   NOT NULL DEFAULT '', -- its beginning, or why there is none
    at_ms       bigint NOT NULL DEFAULT now_ms(), -- of what happened last
    PRIMARY KEY (endpoint_id, task_id, seq)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_ms) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint_id, task_id, seq) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (endpoint_id, at_ms);

CREATE FUNCTION note_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER note_webhooks AFTER INSERT ON task_events REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION note_webhooks();
