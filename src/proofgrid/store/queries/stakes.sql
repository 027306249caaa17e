-- name: slashable_lease
-- A lease with all that a slash of it needs to know. :gateway_silent_ms: a gateway that was not seen for so long lives no
-- more.
SELECT l.lease_id, l.fence, l.job_id, l.task_id, l.prover_id, l.operator, l.units, l.sell_price, l.reported_ms, j.slice, j.input,
    CASE WHEN j.depends_on = '{}' THEN j.facts ELSE j.facts || jsonb_build_object('parts', parts_of(j)) END AS facts,
    j.state AS job_state, t.program_digest, t.client, t.state AS task_state,
    coalesce((SELECT address FROM network), '') AS network,
    EXISTS (SELECT 1 FROM gateways g WHERE g.gateway_id = l.gateway_id AND g.seen_ms > now_ms() - :gateway_silent_ms) AS gateway_lives
FROM leases l JOIN jobs j USING (job_id) JOIN tasks t ON t.task_id = l.task_id WHERE l.lease_id = :lease_id;

-- name: slash_unbondings
-- Under the lock of the accounts: an :amount of an operator's unbondings is taken, from what is ready first.
UPDATE unbondings SET rest = rest - taken FROM (
    SELECT unbonding_id, least(rest, greatest(0, :amount - before)) AS taken FROM (
        SELECT unbonding_id, rest, (sum(rest) OVER (ORDER BY since_ms, unbonding_id) - rest)::bigint AS before
        FROM unbondings WHERE operator = :operator AND rest > 0) AS queued) AS part
WHERE unbondings.unbonding_id = part.unbonding_id AND taken > 0;

-- name: insert_evidence
INSERT INTO evidence (kind, lease_id, task_id, job_id, operator, prover_id, client, program_digest, slice, detail, facts,
    claim, signature, public, proof_digest, proof, other_claim, other_signature, amount, burnt, to_client, to_rescuer)
VALUES (:kind, :lease_id, :task_id, :job_id, :operator, :prover_id, :client, :program_digest, :slice, :detail, :facts, :claim,
    :signature, :public, :proof_digest, :proof, :other_claim, :other_signature, :amount, :burnt, :to_client, :to_rescuer)
RETURNING evidence_id;

-- name: taken_for_lease
-- What slashes for a lease took already, of the bond and on a chain.
SELECT coalesce(sum(e.amount + coalesce(d.amount, 0)), 0)::bigint FROM evidence e
LEFT JOIN chain_debts d ON d.evidence_id = e.evidence_id AND d.state NOT IN ('dropped', 'vetoed')
WHERE e.lease_id = :lease_id;

-- name: chain_bond_of
SELECT staked FROM stake_behind(:operator);

-- name: owe_on_chain
-- What the bond did not cover, under the lock of the operator's accounts.
INSERT INTO chain_debts (evidence_id, operator, amount) VALUES (:evidence_id, :operator, :amount);

-- name: signed_evidence_of_lease
-- The first signed result of a lease that was slashed for it, and whether a second one was found already.
SELECT e.operator, e.task_id, e.claim, e.signature, e.amount,
    EXISTS (SELECT 1 FROM evidence o WHERE o.lease_id = e.lease_id AND o.kind = 'equivocation') AS known
FROM evidence e WHERE e.lease_id = :lease_id AND e.kind = 'invalid_proof';

-- name: rescues_of_jobs
-- What slashes left for whoever proves these jobs after all, and who was slashed for them.
SELECT e.job_id, e.task_id, a.balance, e.operators, e.client, jobs.slice, jobs.input
FROM (SELECT job_id, task_id, client, array_agg(operator) AS operators FROM evidence WHERE job_id = ANY(:jobs::uuid[])
      GROUP BY job_id, task_id, client) AS e
JOIN jobs USING (job_id) JOIN accounts a ON a.account = 'rescue:' || e.job_id::text
WHERE a.balance > 0 ORDER BY e.job_id;

-- name: rescues_of_task
SELECT e.job_id, a.balance FROM (SELECT DISTINCT job_id FROM evidence WHERE task_id = :task_id) AS e
JOIN accounts a ON a.account = 'rescue:' || e.job_id::text WHERE a.balance > 0 ORDER BY e.job_id;
