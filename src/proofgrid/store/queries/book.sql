-- fragment: suits_everybody
excluded = '{}' AND memory_bytes <= :all_bytes AND units BETWEEN :all_units_min AND :all_units_max

-- fragment: suits_somebody
CASE WHEN excluded = '{}' THEN EXISTS (
    SELECT 1 FROM unnest(:most_bytes::bigint[], :most_units_min::bigint[], :most_units_max::bigint[])
        AS most(memory_bytes, units_min, units_max)
    WHERE most.memory_bytes >= jobs.memory_bytes AND jobs.units BETWEEN most.units_min AND most.units_max)
ELSE EXISTS (
    SELECT 1 FROM unnest(:provers::text[], :room_bytes::bigint[], :units_min::bigint[], :units_max::bigint[])
        AS p(prover_id, memory_bytes, units_min, units_max)
    WHERE p.memory_bytes >= jobs.memory_bytes AND jobs.units BETWEEN p.units_min AND p.units_max
      AND NOT is_excluded(excluded, prover_id)) END

-- name: lock_tasks_for_sale
-- Locks the tasks of a lane's book from the best bid down, first come first, one step of the index for each, until :limit
-- of them have a job that every free prover can have, and those that follow bid less than the one at the place :enough of
-- these; at most :most. :provers, :room_bytes, :units_min, :units_max: the free provers, and what they have room for; a job
-- that none of them can have (rules/scheduling/fitness.py) is not for sale. Of jobs without exclusions :most_bytes and so on
-- tell whether somebody can have them, :all_bytes and so on whether everybody can. Nobody who bids less than :least. And the
-- tasks that wish for a second lease of a job.
WITH RECURSIVE book AS (
    (SELECT limit_price, task_id, 1 AS place, (@suits_everybody)::int AS plain, -1::bigint AS marginal FROM jobs
     WHERE state = 'ready' AND lane = :lane AND not_before_ms <= now_ms() AND -limit_price <= -(:least::bigint)
       AND CASE WHEN @suits_everybody THEN true ELSE @suits_somebody END
     ORDER BY -limit_price, task_id LIMIT 1)
    UNION ALL
    SELECT later.limit_price, later.task_id, book.place + 1, book.plain + later.plain,
        CASE WHEN book.plain + later.plain = :enough AND later.plain = 1 THEN later.limit_price ELSE book.marginal END
    FROM book CROSS JOIN LATERAL (
        SELECT limit_price, task_id, (@suits_everybody)::int AS plain FROM jobs
        WHERE state = 'ready' AND lane = :lane AND not_before_ms <= now_ms()
          AND (-jobs.limit_price, jobs.task_id) > (-book.limit_price, book.task_id) AND -jobs.limit_price <= -(:least::bigint)
          AND CASE WHEN @suits_everybody THEN true ELSE @suits_somebody END
        ORDER BY -limit_price, task_id LIMIT 1) AS later
    WHERE book.place < :most AND (book.plain < :limit OR book.limit_price = book.marginal)
), wishes AS (
    SELECT task_id, array_agg(job_id) AS wished FROM (
        SELECT task_id, job_id FROM jobs
        WHERE lane = :lane AND hedge_price IS NOT NULL AND hedge_until_ms > now_ms() AND state = 'leased' LIMIT 64) AS open
    GROUP BY task_id
)
SELECT wanted.task_id, wanted.wished, coalesce(taken.program_digest, '') AS program_digest,
    coalesce(taken.limit_price, 0) AS limit_price, coalesce(taken.client, '') AS client, taken.task_id IS NOT NULL AS is_free
FROM (SELECT task_id, wished, place FROM book FULL JOIN wishes USING (task_id)) AS wanted LEFT JOIN LATERAL (
    -- What somebody else changes at this moment is skipped, and the round says that it should be held again soon. CASE: a
    -- plan that was made while there were few tasks would look for this one in an index of all that are open.
    SELECT task_id, program_digest, limit_price, client FROM tasks
    WHERE tasks.task_id = wanted.task_id AND CASE state WHEN 'open' THEN deadline_ms > now_ms() END FOR NO KEY UPDATE SKIP LOCKED
) AS taken ON true ORDER BY wanted.place;

-- name: lock_tasks_of_others
-- Where a book is full of one client's tasks: the best bids of so many other :clients with open tasks, drawn from :start
-- on, :of_each of them, among their best 64. :lane, :provers and their room as above; :known: the tasks that are in the book.
WITH RECURSIVE clients AS (
    (SELECT client, 1 AS place FROM tasks WHERE state IN (@tasks_open) AND client > :start ORDER BY client LIMIT 1)
    UNION ALL
    SELECT later.client, clients.place + 1 FROM clients CROSS JOIN LATERAL (
        SELECT client FROM tasks WHERE state IN (@tasks_open) AND client > clients.client
        ORDER BY client LIMIT 1) AS later
    WHERE clients.place < :clients
)
SELECT taken.task_id, NULL::uuid[] AS wished, taken.program_digest, taken.limit_price, taken.client, true AS is_free
FROM clients CROSS JOIN LATERAL (
    SELECT best.task_id FROM (
        SELECT task_id, limit_price FROM tasks
        WHERE state IN (@tasks_open) AND tasks.client = clients.client
        ORDER BY -limit_price, task_id LIMIT 64) AS best
    WHERE best.task_id <> ALL(:known::uuid[]) AND EXISTS (
        SELECT 1 FROM jobs WHERE state = 'ready' AND lane = :lane AND -jobs.limit_price = -best.limit_price
          AND jobs.task_id = best.task_id AND not_before_ms <= now_ms()
          AND @suits_somebody)
    LIMIT :of_each) AS wanted CROSS JOIN LATERAL (
    SELECT task_id, program_digest, limit_price, client FROM tasks
    WHERE tasks.task_id = wanted.task_id AND CASE state WHEN 'open' THEN deadline_ms > now_ms() END FOR NO KEY UPDATE SKIP LOCKED
) AS taken;

-- name: cheap_jobs
-- A lane's jobs whose bids are below :below, from the best of them down, at most :limit, with their tasks; nothing is locked.
-- The provers and what they have room for as above; a job that none of them can have is not there. is_plain: every one of
-- them can have it.
SELECT job.task_id, job.limit_price, job.units, job.is_plain, tasks.program_digest, tasks.client FROM (
    SELECT task_id, limit_price, units,
        @suits_everybody AS is_plain FROM jobs
    WHERE state = 'ready' AND lane = :lane AND not_before_ms <= (SELECT now_ms()) AND -limit_price > -(:below::bigint)
      AND CASE WHEN @suits_everybody THEN true ELSE @suits_somebody END
    ORDER BY -limit_price, task_id LIMIT :limit) AS job CROSS JOIN LATERAL (
    SELECT program_digest, client FROM tasks
    WHERE tasks.task_id = job.task_id AND CASE state WHEN 'open' THEN deadline_ms > (SELECT now_ms()) END LIMIT 1) AS tasks
ORDER BY -job.limit_price, job.task_id;

-- name: lock_tasks_to_tell
-- Those of the :tasks that are open and that nobody else is changing at this moment.
SELECT task_id FROM tasks WHERE task_id = ANY(:tasks::uuid[]) AND state = 'open'
ORDER BY task_id FOR NO KEY UPDATE SKIP LOCKED;

-- name: lock_tasks_unserved
-- The tasks that bid best in each of the :lanes, from at most so many :jobs of each; not those that were :told.
SELECT best.lane, tasks.task_id, tasks.limit_price
FROM (
    SELECT DISTINCT given.lane, wanted.task_id FROM unnest(:lanes::text[]) AS given(lane) CROSS JOIN LATERAL (
        SELECT task_id FROM jobs
        WHERE state = 'ready' AND lane = given.lane AND not_before_ms <= now_ms() AND task_id <> ALL (:told::uuid[])
        ORDER BY -limit_price, task_id LIMIT :jobs) AS wanted
) AS best JOIN tasks USING (task_id)
WHERE tasks.state = 'open' ORDER BY tasks.task_id FOR NO KEY UPDATE OF tasks SKIP LOCKED;

-- name: tasks_for_sale
-- What lock_tasks_for_sale finds, for reading only, and without wishes.
SELECT task_id, NULL::uuid[] AS wished, program_digest, limit_price, client, true AS is_free FROM tasks
WHERE state = 'open' AND task_id IN (
    SELECT task_id FROM jobs WHERE state = 'ready' AND lane = :lane AND not_before_ms <= now_ms()
    ORDER BY -limit_price, task_id LIMIT :limit)
ORDER BY -limit_price, task_id;

-- name: clients_in_flight
-- How many jobs of a lane the clients have in flight.
SELECT tasks.client, count(*) AS jobs FROM leases JOIN tasks USING (task_id)
WHERE leases.lane = :lane AND leases.state IN (@leases_in_flight) AND tasks.client = ANY(:clients::text[])
GROUP BY tasks.client;

-- name: jobs_for_sale
-- Of tasks with their limit prices, at most so many of each, and at most so many in all.
SELECT found.*, now_ms() AS now_ms
FROM unnest(:tasks::uuid[], :limit_prices::bigint[]) AS given(task_id, limit_price) CROSS JOIN LATERAL (
    SELECT job_id, jobs.task_id, units, memory_bytes, nullif(excluded, '{}') AS excluded, slice, input,
        returns = 0 AND depends_on = '{}' AS is_fresh FROM jobs
    WHERE state = 'ready' AND lane = :lane AND not_before_ms <= now_ms()
      AND -jobs.limit_price = -given.limit_price AND jobs.task_id = given.task_id
    ORDER BY position LIMIT :of_each) AS found
LIMIT :limit;

-- name: wishes_for_sale
-- The tasks' rows are locked. Those of the :jobs that wish for a second lease, the oldest wish first.
SELECT job_id, task_id, units, memory_bytes, excluded, slice, input, hedge_price, hedge_operator, now_ms() AS now_ms
FROM jobs WHERE job_id = ANY(:jobs::uuid[]) AND state = 'leased' AND hedge_price IS NOT NULL AND hedge_until_ms > now_ms()
ORDER BY hedge_until_ms, job_id;

-- name: waiting_units
-- Of a lane's first 10,000 jobs for sale.
SELECT coalesce(sum(units), 0)::bigint FROM (
    SELECT units FROM jobs WHERE state = 'ready' AND lane = :lane LIMIT 10000) AS waiting;

-- name: waiting_lanes
SELECT lane FROM waiting_lanes(:stack) AS waiting(lane);

-- name: lanes_with_ready_jobs
-- Hop from lane to lane over the index.
WITH RECURSIVE hops AS (
    (SELECT lane FROM jobs WHERE state = 'ready' ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT lane FROM jobs WHERE state = 'ready' AND lane > hops.lane ORDER BY lane LIMIT 1)
    FROM hops WHERE hops.lane IS NOT NULL
)
SELECT lane FROM hops WHERE lane IS NOT NULL;

-- name: next_put_off
-- Milliseconds until the next job of a stack that waits for its time, or for the end of an exclusion, may be sold, or
-- until the next prover may have work again that was paused while somebody waits.
WITH waiting AS MATERIALIZED (SELECT lane FROM waiting_lanes(:stack) AS waiting(lane))
SELECT least(min(until_next_job(lane)),
    CASE WHEN count(*) > 0 THEN (
        SELECT min(greatest(20, paused.until_ms - now_ms())) FROM (
            SELECT prover_id, paused_until_ms AS until_ms FROM provers WHERE paused_until_ms > 0
            UNION ALL SELECT prover_id, o.paused_until_ms FROM operator_standings o JOIN provers p USING (operator)
            WHERE o.paused_until_ms > 0 AND p.jobs_proven < 8) AS paused JOIN sessions s USING (prover_id)
        WHERE paused.until_ms > now_ms() AND s.open AND NOT s.draining) END)
FROM waiting;
