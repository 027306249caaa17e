-- Who has the last word about a job that several operators call unprovable, and until when it is waited for alone.

ALTER TABLE jobs ADD COLUMN last_word text NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN last_word_until_ms bigint NOT NULL DEFAULT 0;

-- Who says that an input cannot be proven, and it can, is slashed for that.
ALTER TABLE evidence DROP CONSTRAINT evidence_kind_check;
ALTER TABLE evidence ADD CONSTRAINT evidence_kind_check
    CHECK (kind IN ('missed_deadline', 'invalid_proof', 'equivocation', 'refuted'));
