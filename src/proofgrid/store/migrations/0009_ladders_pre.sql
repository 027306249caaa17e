-- Limit prices that rise while nobody sells (rules/jobs/ladder.py).
ALTER TABLE tasks
    ADD COLUMN raise_permille int,
    ADD COLUMN raise_every_ms bigint,
    ADD COLUMN raise_max      bigint,
    ADD COLUMN raise_at_ms    bigint; -- NULL: the limit price stays as it is
CREATE INDEX tasks_to_raise ON tasks (raise_at_ms) WHERE raise_at_ms IS NOT NULL AND state = 'open';
