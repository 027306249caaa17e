-- Firm quotes back to back: slots that provers offer ahead, and the seats that quotes reserve (docs/decisions/0019).

DO $$ BEGIN
    IF EXISTS (SELECT FROM firm_quotes WHERE state IN ('held', 'redeemed')) THEN
        RAISE EXCEPTION 'firm quotes of the first design are open, which the treasury covers'
            USING HINT = 'let the gateways of the release before end them: no more are sold with firm_quotes = false';
    END IF;
END $$;

ALTER TABLE sessions
    ADD COLUMN reserve_price bigint NOT NULL DEFAULT 0, -- least price per PU of slots offered ahead
    ADD COLUMN reserve_slots int    NOT NULL DEFAULT 0; -- how many of them

ALTER TABLE firm_quotes DROP COLUMN lanes;
ALTER TABLE firm_quotes RENAME COLUMN limit_price TO buy_price; -- what was asked for a PU
ALTER TABLE firm_quotes
    ADD COLUMN sell_price   bigint NOT NULL DEFAULT 0,  -- what operators get for one
    ADD COLUMN fee_permille int    NOT NULL DEFAULT 0,  -- of what they are paid, as agreed when it was sold
    ADD COLUMN record       text   NOT NULL DEFAULT '', -- canonical JSON of its clearing
    ADD COLUMN record_hash  text   NOT NULL DEFAULT ''; -- stands for the hash of a round in bundles

CREATE TABLE firm_quote_seats (
    quote_id     uuid   NOT NULL REFERENCES firm_quotes,
    position     int    NOT NULL, -- of the job in its request
    state        text   NOT NULL DEFAULT 'reserved', -- rules/market/firm_quote.py
    lane         text   NOT NULL,
    units        bigint NOT NULL CHECK (units > 0),
    memory_bytes bigint NOT NULL,
    prover_id    text   NOT NULL REFERENCES provers,
    operator     text   NOT NULL,
    stake_bound  bigint NOT NULL DEFAULT 0, -- by the lease that will come, of its operator's bond
    lease_id     uuid, -- that it was granted
    PRIMARY KEY (quote_id, position)
);
CREATE INDEX seats_reserved ON firm_quote_seats (prover_id) WHERE state = 'reserved';

-- A lease of round 0 was sold by a firm quote, outside rounds.
ALTER TABLE leases DROP CONSTRAINT leases_lane_round_fkey;
