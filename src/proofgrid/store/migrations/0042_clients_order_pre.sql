-- What clients need to keep order (docs/decisions/0087): tags of tasks, acts on many tasks at once, and being told when an
-- account runs low.

ALTER TABLE tasks ADD COLUMN tags text[]; -- NULL: none

-- The same once more, to find tasks by: a client's tag, newest first. Most tasks have none and cost nothing here.
CREATE TABLE task_tags (
    client     text   NOT NULL,
    tag        text   NOT NULL,
    created_ms bigint NOT NULL,
    task_id    uuid   NOT NULL REFERENCES tasks,
    PRIMARY KEY (client, tag, created_ms, task_id)
);
CREATE INDEX task_tags_by_task ON task_tags (task_id);
CREATE INDEX tasks_that_failed ON tasks (client, created_ms DESC, task_id DESC) WHERE state IN ('failed', 'cancelled');

-- What an idempotency key of a cancel or a replay was used for, and which tasks it found.
CREATE TABLE bulk_acts (
    client          text   NOT NULL,
    idempotency_key text   NOT NULL,
    request_digest  text   NOT NULL,
    matching        int    NOT NULL,
    task_ids        uuid[] NOT NULL,
    at_ms           bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (client, idempotency_key)
);

-- Below which balance a client is told so; 0: never. `told`: how often it was.
CREATE TABLE low_balances (
    account text   PRIMARY KEY,
    owner   text   NOT NULL,
    amount  bigint NOT NULL CHECK (amount >= 0),
    is_low  boolean NOT NULL,
    told    bigint NOT NULL DEFAULT 0
);

-- What happened to accounts, as task_events are to tasks; an account's id is made of its owner's address.
CREATE TABLE account_events (
    account_id uuid   NOT NULL,
    seq        bigint NOT NULL,
    kind       text   NOT NULL,
    data       jsonb  NOT NULL,
    at_ms      bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (account_id, seq)
);

-- What webhooks tell of: `subject_id` is a task's id, or an account's.
CREATE VIEW told_events AS
SELECT task_id AS subject_id, seq, kind, data, at_ms FROM task_events
UNION ALL SELECT account_id, seq, kind, data, at_ms FROM account_events;
