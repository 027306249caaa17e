-- name: create_subnetwork
-- Nothing comes back when the name is taken.
INSERT INTO subnetworks (name, is_open, proof_systems, reference_price, overflow_after_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING name;

-- name: lock_subnetwork
-- Before it is changed: who joins it or submits to it at this moment waits, or was first.
SELECT * FROM subnetworks WHERE name = $1 FOR UPDATE;

-- name: set_subnetwork
UPDATE subnetworks SET is_open = $2, proof_systems = $3, reference_price = $4, overflow_after_ms = $5 WHERE name = $1;

-- name: remove_subnetwork
-- Its row is locked. Nothing comes back while tasks of it are open.
DELETE FROM subnetworks WHERE name = $1 AND NOT EXISTS (
    SELECT 1 FROM tasks WHERE subnetwork = $1 AND state IN ('open', 'combining')) RETURNING name;

-- name: allow_member
INSERT INTO subnetwork_members (subnetwork, address, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: deny_member
DELETE FROM subnetwork_members WHERE subnetwork = $1 AND address = $2 AND role = $3;

-- name: dismiss_strangers
-- Provers that are connected and may not serve the subnetwork any more get no more of its jobs; what they hold they finish.
UPDATE sessions SET subnetworks = array_remove(subnetworks, $1)
WHERE open AND $1 = ANY(subnetworks) AND NOT EXISTS (
    SELECT 1 FROM subnetworks AS one WHERE one.name = $1 AND (one.is_open OR EXISTS (
        SELECT 1 FROM subnetwork_members AS m
        WHERE m.subnetwork = $1 AND m.address = sessions.operator AND m.role = 'operator')));

-- name: members_of_subnetwork
SELECT address, role, since_ms FROM subnetwork_members WHERE subnetwork = $1 ORDER BY role, address;

-- name: subnetwork_for
-- $2, $3: who wants to use it, and as what.
SELECT s.*, EXISTS (
    SELECT 1 FROM subnetwork_members AS m WHERE m.subnetwork = s.name AND m.address = $2 AND m.role = $3) AS is_member
FROM subnetworks AS s WHERE s.name = $1;

-- name: join_subnetworks
-- The same of several, held as they are until the prover's session is written down.
SELECT s.*, EXISTS (
    SELECT 1 FROM subnetwork_members AS m WHERE m.subnetwork = s.name AND m.address = $2 AND m.role = 'operator') AS is_member
FROM subnetworks AS s WHERE s.name = ANY($1::text[]) ORDER BY s.name FOR KEY SHARE OF s;

-- name: serve_stacks
-- The session $1 serves more than the one stack that a session serves unless said otherwise: $2: subnetworks, $3: stacks.
WITH turn AS (
    INSERT INTO prover_turns (prover_id) SELECT prover_id FROM sessions WHERE session_id = $1 AND $3 > 1
    ON CONFLICT DO NOTHING
)
UPDATE sessions SET subnetworks = $2::text[], stacks = $3 WHERE session_id = $1;

-- name: take_turns
-- Provers that serve several stacks: those that no other round offers now, and none will until this one is over.
SELECT prover_id FROM prover_turns WHERE prover_id = ANY($1::text[]) ORDER BY prover_id FOR NO KEY UPDATE SKIP LOCKED;

-- name: loads_of_provers
-- What provers are doing, after their turn was taken: another round may have sold their slots a moment ago.
SELECT given.prover_id,
    (SELECT count(*) FROM leases l WHERE l.prover_id = given.prover_id
        AND l.state IN ('granted', 'offered', 'running')) AS busy,
    (SELECT coalesce(sum(j.memory_bytes), 0)::bigint FROM leases l JOIN jobs j USING (job_id)
        WHERE l.prover_id = given.prover_id AND l.state IN ('granted', 'offered', 'running')) AS memory_busy
FROM unnest($1::text[]) AS given(prover_id);

-- name: list_subnetworks
-- With what they have and do. $1: who asks; $2: of all, because an administrator asks; $3: gateways that were seen in so
-- many ms count; $4: only this one, or '' for each.
WITH waiting AS (
    SELECT split_part(lane, '/', 1) AS name, sum(units)::bigint AS units FROM jobs WHERE state = 'ready' GROUP BY 1
), held AS (
    SELECT split_part(lane, '/', 1) AS name, count(*) AS leases FROM leases
    WHERE state IN ('granted', 'offered', 'running') GROUP BY 1
)
SELECT s.*, coalesce(waiting.units, 0) AS ready_units, coalesce(held.leases, 0) AS busy, supply.*,
    CASE s.name WHEN 'default' THEN 0 ELSE (
        SELECT count(*) FROM tasks WHERE subnetwork = s.name AND state IN ('open', 'combining')) END AS tasks_open
FROM subnetworks AS s LEFT JOIN waiting USING (name) LEFT JOIN held USING (name) CROSS JOIN LATERAL (
    SELECT count(*) AS provers, coalesce(sum(slots), 0)::bigint AS slots,
        coalesce(sum(slots) FILTER (WHERE subnetworks = ARRAY[s.name]), 0)::bigint AS dedicated_slots
    FROM sessions JOIN gateways USING (gateway_id)
    WHERE open AND s.name = ANY(subnetworks) AND gateways.seen_ms > now_ms() - $3) AS supply
WHERE ($4 = '' OR s.name = $4) AND ($2 OR s.is_open OR EXISTS (
    SELECT 1 FROM subnetwork_members AS m WHERE m.subnetwork = s.name AND m.address = $1))
ORDER BY s.name;

-- name: tasks_waiting_too_long
-- Tasks with jobs that their subnetwork did not sell in time, oldest first. Where nothing flows over, no task is looked at.
-- The orders of the jobs keep the planner at their index by task, also in a plan that was made for empty tables.
SELECT t.task_id FROM subnetworks AS s JOIN tasks AS t ON t.subnetwork = s.name
WHERE s.overflow_after_ms > 0 AND t.state = 'open' AND t.created_ms <= now_ms() - s.overflow_after_ms AND (
    SELECT true FROM jobs AS j
    WHERE j.task_id = t.task_id AND j.state = 'ready' AND split_part(j.lane, '/', 1) = s.name
      AND waiting_ms(j, t.created_ms) >= s.overflow_after_ms
    ORDER BY j.slice, j.input LIMIT 1)
ORDER BY t.created_ms LIMIT 100;

-- name: jobs_waiting_too_long
-- The tasks' rows are locked.
SELECT waiting.* FROM tasks AS t JOIN subnetworks AS s ON s.name = t.subnetwork CROSS JOIN LATERAL (
    SELECT j.job_id, j.task_id, j.lane, waiting_ms(j, t.created_ms) AS waited_ms FROM jobs AS j
    WHERE j.task_id = t.task_id AND j.state = 'ready' AND split_part(j.lane, '/', 1) = s.name
      AND waiting_ms(j, t.created_ms) >= s.overflow_after_ms
    ORDER BY j.slice, j.input) AS waiting
WHERE t.task_id = ANY($1::uuid[]) AND t.state = 'open' AND s.overflow_after_ms > 0;

-- name: move_jobs
-- The tasks' rows are locked. $1, $2, $3: jobs, and the lanes that they leave and go to. What bids demand of provers goes
-- with them.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS g(job_id, old_lane, new_lane)
), known AS (
    INSERT INTO lane_constraints (lane, stack, constraints)
    SELECT DISTINCT ON (new_lane) new_lane, split_part(new_lane, '/', 1) || '/' || split_part(new_lane, '/', 2), constraints
    FROM given JOIN lane_constraints ON lane = old_lane ORDER BY new_lane
    ON CONFLICT (lane) DO UPDATE SET used_ms = now_ms()
)
UPDATE jobs SET lane = new_lane FROM given WHERE jobs.job_id = given.job_id;
