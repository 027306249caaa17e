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
WHERE t.task_id = ANY(:task_ids::uuid[]) AND t.state = 'open' AND s.overflow_after_ms > 0;

-- name: move_jobs
-- The tasks' rows are locked. What bids demand of provers goes with the jobs from lane to lane.
WITH given AS (
    SELECT * FROM unnest(:job_ids::uuid[], :old_lanes::text[], :new_lanes::text[]) AS g(job_id, old_lane, new_lane)
), known AS (
    INSERT INTO lane_constraints (lane, stack, constraints)
    SELECT DISTINCT ON (new_lane) new_lane, split_part(new_lane, '/', 1) || '/' || split_part(new_lane, '/', 2), constraints
    FROM given JOIN lane_constraints ON lane = old_lane ORDER BY new_lane
    ON CONFLICT (lane) DO UPDATE SET used_ms = now_ms()
)
UPDATE jobs SET lane = new_lane FROM given WHERE jobs.job_id = given.job_id;
