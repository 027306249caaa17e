-- name: insert_canary
INSERT INTO canaries (canary_id, program_digest, inputs, inputs_digest, first_task)
VALUES (:canary_id, :program_digest, :inputs, :inputs_digest, :first_task)
ON CONFLICT DO NOTHING;

-- name: list_canaries
-- With the state of the task that proves each first, and how often the :network has sent it.
SELECT c.*, p.proof_system, t.state, t.failure_detail,
    (SELECT count(*) FROM tasks sent WHERE sent.client = :network AND sent.program_digest = c.program_digest
        AND sent.inputs_digest = c.inputs_digest AND sent.task_id <> c.first_task) AS sent
FROM canaries c JOIN tasks t ON t.task_id = c.first_task JOIN programs p ON p.digest = c.program_digest
ORDER BY c.added_ms, c.canary_id;

-- name: ready_canaries
SELECT c.canary_id, c.program_digest, c.inputs, c.inputs_digest, p.proof_system
FROM canaries c JOIN tasks t ON t.task_id = c.first_task JOIN programs p ON p.digest = c.program_digest
WHERE t.state = 'done' ORDER BY c.canary_id;

-- name: provers_to_try
-- The connected provers at gateways that were seen in the last :gateway_silent_ms, with what they offer and have proven;
-- nobody who is silent (:silent_ms: how long a lease lives without a heartbeat), because nothing is sold to them
-- (supply_of_stack).
SELECT s.prover_id, s.asks, p.jobs_proven, p.paused_until_ms > now_ms() AS paused
FROM sessions s JOIN provers p USING (prover_id) JOIN gateways g USING (gateway_id)
WHERE s.open AND NOT s.draining AND g.seen_ms > now_ms() - :gateway_silent_ms AND NOT is_silent(s, :silent_ms)
ORDER BY s.prover_id;

-- name: reference_of_system
-- The highest reference price of the lanes of a proof system, if they had a round.
SELECT max(last.next_reference) FROM lanes CROSS JOIN LATERAL (
    SELECT next_reference FROM rounds WHERE rounds.lane = lanes.lane ORDER BY number DESC LIMIT 1) AS last
WHERE split_part(lanes.lane, '/', 2) = :proof_system;
