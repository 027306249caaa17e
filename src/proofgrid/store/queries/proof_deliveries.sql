-- name: set_delivery_terms
INSERT INTO delivery_terms (chain_id, submitter, contracts, price, gas_most)
VALUES (:chain_id, :submitter, :contracts::text[], :price, :gas_most)
ON CONFLICT (one) DO UPDATE SET chain_id = excluded.chain_id, submitter = excluded.submitter,
    contracts = excluded.contracts, price = excluded.price, gas_most = excluded.gas_most;

-- name: get_delivery_terms
SELECT chain_id, submitter, contracts, price, gas_most FROM delivery_terms;

-- name: want_delivery
-- Once for each task.
INSERT INTO proof_deliveries (task_id, target) VALUES (:task_id, :target) ON CONFLICT (task_id) DO NOTHING RETURNING task_id;

-- name: proofs_handed_out
-- How many proofs a task ends in, those of jobs that no other one takes, and how many slices its program has.
SELECT count(*) AS proofs, (SELECT p.slices FROM tasks t JOIN programs p ON p.digest = t.program_digest
    WHERE t.task_id = :task_id) AS slices
FROM jobs WHERE jobs.task_id = :task_id AND NOT EXISTS (
    SELECT FROM jobs AS wraps WHERE wraps.task_id = :task_id AND jobs.position = ANY(wraps.depends_on));

-- name: get_proof_delivery
SELECT task_id, target, state, price, detail, hash, block, gas FROM proof_deliveries WHERE task_id = :task_id;

-- fragment: may_be_spelled
-- Of tasks that are over, whose proof is not spelled as a call yet, nor at this moment by somebody else.
proof_deliveries d JOIN tasks t USING (task_id) JOIN programs p ON p.digest = t.program_digest
WHERE d.state = 'wanted' AND t.state NOT IN (@tasks_open) AND p.proof_system = ANY(:systems::text[])
    AND NOT EXISTS (SELECT FROM gateways g WHERE g.gateway_id = d.claimed_by
        AND g.gateway_id <> :gateway_id AND g.seen_ms > now_ms() - :gateway_silent_ms)

-- name: is_to_spell
SELECT EXISTS (SELECT FROM @may_be_spelled);

-- name: claim_to_spell
-- :systems: those whose proofs this gateway can spell. What it claimed before was cut off.
WITH free AS (
    SELECT d.task_id, t.state, t.program_digest FROM @may_be_spelled
    ORDER BY d.at_ms, d.task_id LIMIT :limit FOR UPDATE OF d SKIP LOCKED
)
UPDATE proof_deliveries d SET claimed_by = :gateway_id FROM free WHERE free.task_id = d.task_id
RETURNING d.task_id, d.target, free.state AS task_state, free.program_digest;

-- name: note_call
UPDATE proof_deliveries SET state = 'ready', call = :call WHERE task_id = :task_id AND state = 'wanted' RETURNING task_id;

-- name: deliveries_to_bring
SELECT d.task_id, d.target, d.state, d.call, d.price, t.client, t.program_digest, o.stage, o.trouble, o.sender
FROM proof_deliveries d JOIN tasks t USING (task_id) LEFT JOIN chain_outbox o ON o.intent = 'deliver:' || d.task_id
WHERE d.state IN ('ready', 'sending') ORDER BY d.at_ms, d.task_id LIMIT :limit;

-- name: note_delivery_state
UPDATE proof_deliveries SET state = :state, price = :price, detail = :detail, hash = :hash, block = :block, gas = :gas
WHERE task_id = :task_id AND state = :was RETURNING task_id;
