-- name: price_of_replay
-- What a replay of a task would be: whose, of what, how large, and whether it can be made anew as it is.
SELECT client, state, program_digest, coalesce(subnetwork, 'default') AS subnetwork, units, quote_id IS NOT NULL AS is_promised,
    seal IS NOT NULL AS is_sealed
FROM tasks WHERE task_id = :task_id;

-- name: lanes_of_replay
-- In which lanes its jobs were, how many units of each and how much memory the largest.
SELECT lane, units, memory_bytes FROM jobs WHERE task_id = :task_id ORDER BY position;

-- name: replay_of_task
SELECT task_id FROM tasks WHERE replay_of = :task_id;

-- name: keep_inputs
-- The inputs of a task that are artifacts are young again. Nothing comes back where one is gone, or was in its row and is
-- forgotten: what is left is its digest.
WITH wanted AS (
    SELECT DISTINCT input_digest AS digest FROM jobs WHERE task_id = :task_id AND small_input IS NULL
), kept AS (
    UPDATE artifacts SET created_ms = now_ms(), released = false
    WHERE owner = :client AND digest IN (SELECT digest FROM wanted) RETURNING digest
)
SELECT true WHERE (SELECT count(*) FROM kept) = (SELECT count(*) FROM wanted)
  AND NOT EXISTS (SELECT FROM jobs WHERE task_id = :task_id AND small_input = '' AND input_digest <> encode(sha256(''), 'hex'));

-- name: replay_task
-- The row of the dead task is locked. Nothing comes back when it was replayed before. :limit_price: per PU; NULL: as it was.
INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement, inputs,
    limit_price, units, escrow, deadline_ms, jobs_open, inputs_digest, hedging, replay_of, subnetwork, seal, tags)
SELECT :new_id, client, program_digest, 'open', 'replay:' || task_id::text, request_digest, statement, inputs,
    coalesce(:limit_price, limit_price), units, coalesce(:limit_price, limit_price) * units, now_ms() + greatest(deadline_ms - created_ms, 60000),
    (SELECT count(*) FROM jobs WHERE task_id = :dead_id), inputs_digest, hedging, task_id, subnetwork, seal,
    tags
FROM tasks WHERE task_id = :dead_id
ON CONFLICT DO NOTHING RETURNING client, program_digest, limit_price, units, escrow;

-- name: tag_replay
-- It is found by the tags of the task that it replays.
INSERT INTO task_tags (client, tag, created_ms, task_id)
SELECT client, unnest(tags), created_ms, task_id FROM tasks WHERE task_id = :new_id AND tags IS NOT NULL;

-- name: replay_jobs
-- They wait in the lanes of their task's subnetwork again, or in the common ones when there is no such subnetwork any more.
INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes, depends_on,
    input_digest, facts, limit_price, small_input)
SELECT gen_random_uuid(), :new_id, slice, input, position, CASE WHEN depends_on = '{}' THEN 'ready' ELSE 'waiting' END,
    (SELECT coalesce(subnetwork, 'default') FROM tasks WHERE task_id = :new_id) || substr(lane, strpos(lane, '/')), class,
    units, memory_bytes, depends_on, input_digest, facts, coalesce(:limit_price, limit_price), small_input
FROM jobs WHERE task_id = :dead_id ORDER BY position
RETURNING slice, input, units, lane;
