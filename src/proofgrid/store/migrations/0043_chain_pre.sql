-- A chain beside the network (docs/decisions/0091): blocks that were read, stake in them, what is owed there, and what is
-- sent there. Amounts are units of the ledger.

CREATE TABLE chain_view (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    chain_id       bigint  NOT NULL,
    avs            text    NOT NULL,
    mode           text    NOT NULL CHECK (mode IN ('ledger', 'eigenlayer', 'both')),
    horizon        int     NOT NULL, -- blocks
    read_ms        bigint  NOT NULL DEFAULT 0,
    fresh_until_ms bigint  NOT NULL DEFAULT 0, -- after that no stake of the chain counts
    trouble        text    NOT NULL DEFAULT ''
);

CREATE TABLE chain_blocks (
    number bigint PRIMARY KEY,
    hash   text   NOT NULL
);

CREATE TABLE stake_samples (
    block     bigint NOT NULL REFERENCES chain_blocks ON DELETE CASCADE,
    cold      text   NOT NULL,
    signer    text   NOT NULL, -- the hot key, which is the operator in the network
    slashable bigint NOT NULL CHECK (slashable >= 0),
    PRIMARY KEY (block, cold)
);

CREATE TABLE chain_stakes (
    operator text   PRIMARY KEY,
    cold     text   NOT NULL,
    staked   bigint NOT NULL CHECK (staked >= 0),
    leaving  boolean NOT NULL DEFAULT false -- no member in the newest block, or less staked there than before
);

CREATE TABLE chain_proposals (
    proposal_id   uuid    PRIMARY KEY DEFAULT gen_random_uuid(),
    cold          text    NOT NULL,
    amount        bigint  NOT NULL CHECK (amount > 0),
    evidence_root text    NOT NULL UNIQUE,
    state         text    NOT NULL DEFAULT 'proposed'
        CHECK (state IN ('proposed', 'vetoed', 'executed', 'final', 'short')),
    number        bigint  UNIQUE, -- in the contract; null: it is in no block yet
    executable_at bigint  NOT NULL DEFAULT 0, -- a block
    taken         bigint  NOT NULL DEFAULT 0,
    at_ms         bigint  NOT NULL DEFAULT now_ms()
);
CREATE INDEX chain_proposals_open ON chain_proposals (at_ms) WHERE state NOT IN ('final', 'short', 'vetoed');

CREATE TABLE chain_debts (
    evidence_id uuid   PRIMARY KEY REFERENCES evidence,
    operator    text   NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    state       text   NOT NULL DEFAULT 'owed'
        CHECK (state IN ('owed', 'dropped', 'proposed', 'vetoed', 'executed', 'final', 'short')),
    proposal_id uuid   REFERENCES chain_proposals,
    taken       bigint NOT NULL DEFAULT 0,
    at_ms       bigint NOT NULL DEFAULT now_ms()
);
CREATE INDEX chain_debts_waiting ON chain_debts (operator) WHERE state IN ('owed', 'proposed', 'executed');
CREATE INDEX chain_debts_by_proposal ON chain_debts (proposal_id) WHERE proposal_id IS NOT NULL;

CREATE TABLE chain_outbox (
    intent    text   PRIMARY KEY, -- names the fact: propose:<proposal>
    sender    text   NOT NULL,
    target    text   NOT NULL,
    data      text   NOT NULL,
    stage     text   NOT NULL DEFAULT 'wanted' CHECK (stage IN ('wanted', 'signed', 'mined', 'final', 'failed')),
    nonce     bigint,
    signed_at bigint NOT NULL DEFAULT 0, -- the newest block then
    trouble   text   NOT NULL DEFAULT '',
    at_ms     bigint NOT NULL DEFAULT now_ms(),
    UNIQUE (sender, nonce)
);
CREATE INDEX chain_outbox_open ON chain_outbox (at_ms) WHERE stage IN ('wanted', 'signed', 'mined');

CREATE TABLE chain_raws (
    hash    text   PRIMARY KEY,
    intent  text   NOT NULL REFERENCES chain_outbox,
    raw     text   NOT NULL,
    fee     bigint NOT NULL, -- the most, in wei for each unit of gas
    tip     bigint NOT NULL,
    sent_ms bigint NOT NULL DEFAULT 0 -- 0: not yet, as far as we know
);
CREATE INDEX chain_raws_by_intent ON chain_raws (intent, fee);
