-- How every prover stands: decayed counters of verified facts and its circuit breaker (docs/decisions/0015).

ALTER TABLE provers
    ADD COLUMN proven_micro  bigint NOT NULL DEFAULT 0, -- millionths, as of facts_ms (rules/reputation/counters.py)
    ADD COLUMN late_micro    bigint NOT NULL DEFAULT 0,
    ADD COLUMN lost_micro    bigint NOT NULL DEFAULT 0,
    ADD COLUMN crashed_micro bigint NOT NULL DEFAULT 0,
    ADD COLUMN invalid_micro bigint NOT NULL DEFAULT 0,
    ADD COLUMN facts_ms      bigint NOT NULL DEFAULT 0,
    ADD COLUMN outcomes      text   NOT NULL DEFAULT '', -- of the last ten jobs: '.' proven, 'x' failed
    ADD COLUMN pauses        int    NOT NULL DEFAULT 0,
    ADD COLUMN paused_until_ms bigint NOT NULL DEFAULT 0, -- 0: not paused; in the past: one job at a time until one verifies
    ADD COLUMN last_faults   text   NOT NULL DEFAULT ''; -- a line each, newest first
CREATE INDEX provers_by_operator ON provers (operator, prover_id);
CREATE INDEX provers_paused ON provers (paused_until_ms) WHERE paused_until_ms > 0;

-- Jobs that the network sends to see who works: programs and inputs of its own, never a client's.
CREATE TABLE canaries (
    canary_id      uuid   PRIMARY KEY,
    program_digest text   NOT NULL REFERENCES programs,
    inputs         jsonb  NOT NULL,
    inputs_digest  text   NOT NULL,
    first_task     uuid   NOT NULL, -- the ordinary task that proved it first; sent only after that
    added_ms       bigint NOT NULL DEFAULT now_ms(),
    UNIQUE (program_digest, inputs_digest)
);

-- While settlement is stopped, money for canaries is set aside like a client's: it may share a statement with clients'.
CREATE OR REPLACE FUNCTION refuse_while_stopped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL)
        AND EXISTS (SELECT FROM fresh WHERE reason NOT IN ('deposit', 'escrow', 'canary', 'treasury_funding')) THEN
        RAISE EXCEPTION 'settlement is stopped by an incident' USING ERRCODE = 'PG340';
    END IF;
    RETURN NULL;
END
$$;
