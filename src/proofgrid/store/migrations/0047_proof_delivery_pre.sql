-- Proofs that are brought to contracts (docs/decisions/0092): on which terms, for which tasks, and what became of it.
-- Amounts are units of the ledger.

CREATE TABLE delivery_terms (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    chain_id  bigint  NOT NULL,
    submitter text    NOT NULL,
    contracts text[]  NOT NULL,
    price     bigint  NOT NULL CHECK (price >= 0),
    gas_most  bigint  NOT NULL
);

CREATE TABLE proof_deliveries (
    task_id   uuid    PRIMARY KEY REFERENCES tasks,
    target    text    NOT NULL, -- a contract
    state     text    NOT NULL DEFAULT 'wanted'
        CHECK (state IN ('wanted', 'ready', 'sending', 'delivered', 'refused', 'failed')),
    call      bytea,            -- the proof as a contract takes it
    price     bigint  NOT NULL DEFAULT 0, -- that was paid
    detail    text    NOT NULL DEFAULT '', -- why not
    hash      text    NOT NULL DEFAULT '', -- of the transaction
    block     bigint  NOT NULL DEFAULT 0,
    gas       bigint  NOT NULL DEFAULT 0, -- that it used
    at_ms     bigint  NOT NULL DEFAULT now_ms()
);
CREATE INDEX proof_deliveries_open ON proof_deliveries (at_ms) WHERE state IN ('wanted', 'ready', 'sending');

ALTER TABLE chain_outbox ADD COLUMN gas_most bigint NOT NULL DEFAULT 0; -- 0: as much as it needs
