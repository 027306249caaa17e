-- name: slashable_lease
-- A lease with all that a slash of it needs to know. $2: a gateway that was not seen for so long, ms, lives no more.
SELECT l.lease_id, l.fence, l.job_id, l.task_id, l.prover_id, l.operator, l.units, l.sell_price, l.reported_ms, j.slice, j.input,
    j.facts, j.state AS job_state, t.program_digest, t.client, t.state AS task_state,
    coalesce((SELECT address FROM network), '') AS network,
    EXISTS (SELECT 1 FROM gateways g WHERE g.gateway_id = l.gateway_id AND g.seen_ms > now_ms() - $2) AS gateway_lives
FROM leases l JOIN jobs j USING (job_id) JOIN tasks t ON t.task_id = l.task_id WHERE l.lease_id = $1;

-- name: lock_accounts
-- In the order of their names.
SELECT account, balance FROM accounts WHERE account = ANY($1::text[]) ORDER BY account FOR UPDATE;

-- name: slash_unbondings
-- Under the lock of the accounts: $2 of an operator's unbondings is taken, from what is ready first.
UPDATE unbondings SET rest = rest - taken FROM (
    SELECT unbonding_id, least(rest, greatest(0, $2 - before)) AS taken FROM (
        SELECT unbonding_id, rest, (sum(rest) OVER (ORDER BY since_ms, unbonding_id) - rest)::bigint AS before
        FROM unbondings WHERE operator = $1 AND rest > 0) AS queued) AS part
WHERE unbondings.unbonding_id = part.unbonding_id AND taken > 0;

-- name: insert_evidence
INSERT INTO evidence (kind, lease_id, task_id, job_id, operator, prover_id, client, program_digest, slice, detail, facts,
    claim, signature, public, proof_digest, proof, other_claim, other_signature, amount, burnt, to_client, to_rescuer)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
RETURNING evidence_id;

-- name: signed_evidence_of_lease
-- The first signed result of a lease that was slashed for it, and whether a second one was found already.
SELECT e.*, EXISTS (SELECT 1 FROM evidence o WHERE o.lease_id = e.lease_id AND o.kind = 'equivocation') AS known
FROM evidence e WHERE e.lease_id = $1 AND e.kind = 'invalid_proof';

-- name: rescues_of_jobs
-- What slashes left for whoever proves these jobs after all, and who was slashed for them.
SELECT e.job_id, e.task_id, a.balance, e.operators, e.client, jobs.slice, jobs.input
FROM (SELECT job_id, task_id, client, array_agg(operator) AS operators FROM evidence WHERE job_id = ANY($1::uuid[])
      GROUP BY job_id, task_id, client) AS e
JOIN jobs USING (job_id) JOIN accounts a ON a.account = 'rescue:' || e.job_id::text
WHERE a.balance > 0 ORDER BY e.job_id;

-- name: rescues_of_task
SELECT e.job_id, a.balance FROM (SELECT DISTINCT job_id FROM evidence WHERE task_id = $1) AS e
JOIN accounts a ON a.account = 'rescue:' || e.job_id::text WHERE a.balance > 0 ORDER BY e.job_id;

-- name: bound_of_operators
SELECT operator, sum(stake_bound)::bigint AS bound FROM leases
WHERE operator = ANY($1::text[]) AND stake_bound > 0 AND state IN ('granted', 'offered', 'running', 'reported')
GROUP BY operator;

-- name: insert_unbonding
-- $4: the delay, ms. Twice is once.
INSERT INTO unbondings (unbonding_id, operator, amount, rest, ready_ms) VALUES ($1, $2, $3, $3, now_ms() + $4)
ON CONFLICT (unbonding_id) DO NOTHING RETURNING unbonding_id;

-- name: get_unbonding
SELECT * FROM unbondings WHERE unbonding_id = $1;

-- name: withdraw_unbondings
-- Under the lock of the accounts: what is ready.
UPDATE unbondings SET rest = 0, withdrawn_ms = now_ms() FROM unbondings AS was
WHERE was.unbonding_id = unbondings.unbonding_id AND unbondings.operator = $1 AND unbondings.rest > 0
  AND unbondings.ready_ms <= now_ms()
RETURNING was.unbonding_id, was.rest;

-- name: unbondings_of
SELECT * FROM unbondings WHERE operator = $1 AND rest > 0 ORDER BY since_ms, unbonding_id;

-- name: list_evidence
-- $1: of this operator, '' for all; $2: in this state, '' for any.
SELECT * FROM evidence WHERE ($1 = '' OR operator = $1) AND ($2 = '' OR state = $2) ORDER BY at_ms DESC LIMIT $3;

-- name: get_evidence
SELECT e.*, coalesce((SELECT address FROM network), '') AS network, p.manifest
FROM evidence e LEFT JOIN programs p ON p.digest = e.program_digest WHERE evidence_id = $1;

-- name: lock_evidence
SELECT * FROM evidence WHERE evidence_id = $1 FOR UPDATE;

-- name: appeal
UPDATE evidence SET state = 'appealed', appeal = $2, appeal_ms = now_ms() WHERE evidence_id = $1;

-- name: resolve_appeal
UPDATE evidence SET state = $2, answer = $3, given_back = $4 WHERE evidence_id = $1;
