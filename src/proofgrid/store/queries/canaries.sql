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
-- Of programs that somebody owns; with the size, and the lanes in which its jobs were sold when it was proven first: those of everybody.
SELECT c.canary_id, c.program_digest, c.inputs, c.inputs_digest, p.proof_system, t.units,
    ARRAY(SELECT DISTINCT lane FROM jobs WHERE jobs.task_id = c.first_task ORDER BY lane) AS lanes
FROM canaries c JOIN tasks t ON t.task_id = c.first_task JOIN programs p ON p.digest = c.program_digest
WHERE t.state = 'done' AND EXISTS (SELECT 1 FROM program_owners AS o WHERE o.program_digest = c.program_digest)
ORDER BY c.canary_id;

-- name: operators_to_try
-- The operators of connected provers at gateways that were seen in the last :gateway_silent_ms, with what those offer, what
-- all of the operator's have proven, and its bond; nobody who is silent (:silent_ms: how long a lease lives without a
-- heartbeat) or paused, because nothing is sold to them (supply_of_stack).
SELECT s.operator, array_agg(DISTINCT engine) AS engines, max(behind.usable) AS stake,
    (SELECT sum(all_of.jobs_proven)::bigint FROM provers all_of WHERE all_of.operator = s.operator) AS jobs_proven
FROM sessions s JOIN provers p USING (prover_id) JOIN gateways g USING (gateway_id)
    CROSS JOIN LATERAL jsonb_object_keys(s.asks) AS engine
    LEFT JOIN operator_standings o ON o.operator = s.operator AND p.jobs_proven < 8
    LEFT JOIN accounts bond ON bond.account = 'stake:' || s.operator
    CROSS JOIN LATERAL bond_behind(s.operator, bond.balance) AS behind
WHERE s.open AND NOT s.draining AND g.seen_ms > now_ms() - :gateway_silent_ms AND NOT is_silent(s, :silent_ms)
    AND greatest(p.paused_until_ms, o.paused_until_ms) <= now_ms()
GROUP BY s.operator ORDER BY s.operator;

-- name: canary_spending
-- What the canaries of the last :within_ms cost the :network, by the one operator that each was directed at: what was paid,
-- and what is set aside for those that still run. An administrator's own tasks are directed at nobody.
SELECT wanted.constraints -> 'allowed_operators' ->> 0 AS operator,
    sum(CASE WHEN t.state IN (@tasks_open) THEN t.escrow ELSE t.spent END)::bigint AS spent
FROM tasks t CROSS JOIN LATERAL (SELECT lane FROM jobs WHERE jobs.task_id = t.task_id ORDER BY job_id LIMIT 1) AS job
    JOIN lane_constraints AS wanted USING (lane)
WHERE t.client = :network AND t.created_ms > now_ms() - :within_ms
GROUP BY 1;
