-- Firm quotes: a cost and a time that the network holds (docs/decisions/0019).

CREATE TABLE firm_quotes (
    quote_id        uuid   PRIMARY KEY,
    client          text   NOT NULL,
    idempotency_key text   NOT NULL,
    state           text   NOT NULL DEFAULT 'held', -- rules/market/firm_quote.py
    program_digest  text   NOT NULL,
    inputs          int    NOT NULL CHECK (inputs > 0), -- how many, not which
    units           bigint NOT NULL CHECK (units > 0),
    lanes           jsonb  NOT NULL, -- lane -> units
    cost            bigint NOT NULL CHECK (cost >= 0),
    premium         bigint NOT NULL CHECK (premium >= 0),
    penalty         bigint NOT NULL CHECK (penalty >= 0),
    limit_price     bigint NOT NULL CHECK (limit_price > 0),
    hold_ms         bigint NOT NULL CHECK (hold_ms > 0),
    within_ms       bigint NOT NULL CHECK (within_ms > 0),
    created_ms      bigint NOT NULL DEFAULT now_ms(),
    held_until_ms   bigint NOT NULL,
    ended_ms        bigint,
    UNIQUE (client, idempotency_key)
);
CREATE INDEX firm_quotes_held ON firm_quotes (held_until_ms) WHERE state = 'held';
CREATE INDEX firm_quotes_by_client ON firm_quotes (client, created_ms DESC);

ALTER TABLE tasks ADD COLUMN quote_id uuid REFERENCES firm_quotes; -- what it was redeemed with; the network pays it
CREATE UNIQUE INDEX tasks_by_quote ON tasks (quote_id) WHERE quote_id IS NOT NULL;
