-- Tasks that ended because nobody could prove them, kept with their reason until an administrator has looked.

ALTER TABLE tasks ADD COLUMN replay_of uuid REFERENCES tasks;
CREATE UNIQUE INDEX one_replay_per_task ON tasks (replay_of);
CREATE INDEX tasks_dead ON tasks (finished_ms DESC) WHERE state = 'failed' AND failure_code IN ('PG-510', 'PG-511');

CREATE VIEW dead_letters AS
SELECT t.task_id, t.client, t.program_digest, t.failure_code, t.failure_detail, t.finished_ms, t.escrow, t.replay_of,
    r.task_id AS replayed_as
FROM tasks t LEFT JOIN tasks r ON r.replay_of = t.task_id
WHERE t.state = 'failed' AND t.failure_code IN ('PG-510', 'PG-511');
