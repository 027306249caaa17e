-- name: list_evidence
-- Newest first; :operator: of this one, '' for all; :state: in this one, '' for any.
SELECT e.evidence_id, e.kind, e.lease_id, e.task_id, e.job_id, e.operator, e.prover_id, e.program_digest, e.slice, e.detail, e.amount,
    e.burnt, e.to_client, e.to_rescuer, e.at_ms, e.state, e.appeal, e.answer, e.given_back, e.claim <> '' AS can_be_verified
FROM evidence AS e WHERE (:operator = '' OR e.operator = :operator) AND (:state = '' OR e.state = :state)
  AND (e.at_ms, e.evidence_id) < (:before_ms::bigint, :before_id::uuid) ORDER BY at_ms DESC, evidence_id DESC LIMIT :limit;

-- name: get_evidence
SELECT e.evidence_id, e.kind, e.lease_id, e.task_id, e.job_id, e.operator, e.prover_id, e.program_digest, e.slice, e.detail, e.amount,
    e.burnt, e.to_client, e.to_rescuer, e.at_ms, e.state, e.appeal, e.answer, e.given_back, e.claim <> '' AS can_be_verified
FROM evidence AS e WHERE evidence_id = :evidence_id;

-- name: evidence_to_seal
-- With all that shows the lie to others.
SELECT e.kind, coalesce((SELECT address FROM network), '') AS network, e.operator, e.claim, e.signature, e.other_claim,
    e.other_signature, e.public, e.facts, p.manifest, e.proof, e.proof_digest
FROM evidence AS e LEFT JOIN programs p ON p.digest = e.program_digest WHERE evidence_id = :evidence_id;

-- name: lock_evidence
SELECT state, appeal, operator, amount, burnt FROM evidence WHERE evidence_id = :evidence_id FOR UPDATE;

-- name: appeal
UPDATE evidence SET state = 'appealed', appeal = :text, appeal_ms = now_ms() WHERE evidence_id = :evidence_id;

-- name: resolve_appeal
UPDATE evidence SET state = :state, answer = :answer, given_back = :given_back WHERE evidence_id = :evidence_id;
