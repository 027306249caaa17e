-- Who has the last word about a job that several operators call unprovable, and until when it is waited for alone.

ALTER TABLE jobs ADD COLUMN last_word text NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN last_word_until_ms bigint NOT NULL DEFAULT 0;
