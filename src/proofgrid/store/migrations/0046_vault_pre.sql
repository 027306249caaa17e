-- Money over the vault (docs/decisions/0093): deposits that are credited, what was claimed, and batches. Amounts are
-- units of the ledger, where nothing else is said.

CREATE TABLE vault_view (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    chain_id       bigint  NOT NULL,
    vault          text    NOT NULL,
    token          text    NOT NULL,
    unit           bigint  NOT NULL CHECK (unit > 0), -- base units of the token in one of the ledger
    delay_blocks   bigint  NOT NULL,
    silence_blocks bigint  NOT NULL,
    final          bigint  NOT NULL DEFAULT 0, -- the block that was read
    newest         bigint  NOT NULL DEFAULT 0,
    last_posted    bigint  NOT NULL DEFAULT 0, -- a block
    is_frozen      boolean NOT NULL DEFAULT false
);

CREATE TABLE vault_deposits (
    number      bigint PRIMARY KEY, -- in the contract, without gaps
    account     text   NOT NULL,
    payer       text   NOT NULL,
    amount      bigint NOT NULL CHECK (amount >= 0), -- 0: more than a ledger can hold; it was refused
    transaction text   NOT NULL,
    at_ms       bigint NOT NULL DEFAULT now_ms()
);

CREATE TABLE vault_claims (
    account text   PRIMARY KEY,
    claimed bigint NOT NULL CHECK (claimed > 0) -- in all, in blocks that are final
);

CREATE TABLE vault_batches (
    sequence      bigint  PRIMARY KEY,
    file          text    NOT NULL, -- what everybody may read; empty: it is old
    payouts       text    NOT NULL, -- root
    balances      text    NOT NULL, -- root
    deposits_seen bigint  NOT NULL,
    payouts_total bigint  NOT NULL,
    to_ms         bigint  NOT NULL, -- rounds until then are in its digest
    state         text    NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'posted', 'final', 'in_force', 'struck')),
    number        bigint  UNIQUE, -- in the contract; null: it is in no block yet
    in_force_at   bigint  NOT NULL DEFAULT 0, -- a block
    made_ms       bigint  NOT NULL DEFAULT now_ms()
);
CREATE INDEX vault_batches_open ON vault_batches (sequence) WHERE state IN ('wanted', 'posted', 'final');
