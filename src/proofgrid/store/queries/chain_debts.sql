-- name: owed_debts
SELECT d.evidence_id::text AS evidence_id, d.operator, d.amount, (now_ms() - d.at_ms)::bigint AS age_ms
FROM chain_debts d JOIN evidence e USING (evidence_id) WHERE d.state = 'owed' AND e.state NOT IN ('appealed', 'overturned')
ORDER BY d.evidence_id;

-- name: drop_overturned
UPDATE chain_debts d SET state = 'dropped' FROM evidence e
WHERE e.evidence_id = d.evidence_id AND d.state = 'owed' AND e.state = 'overturned' RETURNING d.evidence_id::text;

-- name: add_proposal
INSERT INTO chain_proposals (cold, amount, evidence_root) VALUES (:cold, :amount, :evidence_root)
ON CONFLICT (evidence_root) DO NOTHING RETURNING proposal_id;

-- name: propose_debts
UPDATE chain_debts SET state = 'proposed', proposal_id = :proposal_id
WHERE evidence_id::text = ANY(:evidence::text[]) AND state = 'owed' RETURNING evidence_id::text;

-- name: open_proposals
SELECT p.proposal_id, p.cold, p.amount, p.evidence_root, p.state, p.number, p.executable_at, p.taken,
    EXISTS (SELECT FROM chain_debts d JOIN evidence e USING (evidence_id)
        WHERE d.proposal_id = p.proposal_id AND e.state = 'overturned') AS overturned
FROM chain_proposals p WHERE p.state NOT IN ('final', 'short', 'vetoed') ORDER BY p.at_ms, p.proposal_id;

-- name: note_proposal
UPDATE chain_proposals SET state = :state, number = :number, executable_at = :executable_at, taken = :taken
WHERE proposal_id = :proposal_id AND state = :was RETURNING proposal_id;

-- name: note_debts
-- What was taken is split over them by the caller.
UPDATE chain_debts d SET state = :state, taken = given.taken
FROM unnest(:evidence::text[], :takens::bigint[]) AS given(evidence_id, taken)
WHERE d.evidence_id::text = given.evidence_id;

-- name: debts_of_proposal
SELECT d.evidence_id::text AS evidence_id, d.operator, d.amount, e.client, e.task_id, e.state AS evidence_state
FROM chain_debts d JOIN evidence e USING (evidence_id) WHERE d.proposal_id = :proposal_id ORDER BY d.evidence_id;

-- name: debts_of_operator
SELECT d.evidence_id::text AS evidence_id, d.amount, d.state, d.taken, p.number, p.executable_at
FROM chain_debts d LEFT JOIN chain_proposals p USING (proposal_id) WHERE d.operator = :operator
ORDER BY d.at_ms DESC LIMIT :limit;
