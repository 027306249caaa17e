-- name: waiting_jobs
-- The jobs of a task that nobody proves, in their order.
SELECT job_id, state, lane, units, memory_bytes, coalesce(limit_price, 0) AS limit_price, not_before_ms,
    nullif(excluded, '{}') AS excluded, now_ms() AS now_ms
FROM jobs WHERE task_id = :task_id AND state IN (@jobs_idle) ORDER BY position;

-- name: lane_now
-- The reference price of a lane's next round, or that of its subnetwork while there was none, and the price to which its
-- latest round came, if that was held in the last minute: while jobs are unsold rounds follow each other. Of a round that
-- sold nothing that is where its clocks came to rest.
WITH setting AS (
    SELECT nullif(reference_price, 0) AS price FROM subnetworks WHERE name = split_part(:lane, '/', 1)
)
SELECT coalesce(last.next_reference, (SELECT price FROM setting)) AS reference,
    coalesce((SELECT next_reference FROM rounds WHERE lane = array_to_string((string_to_array(:lane, '/'))[1:3], '/')
        ORDER BY number DESC LIMIT 1), (SELECT price FROM setting)) AS anchor,
    CASE WHEN last.at_ms <= now_ms() - 60000 THEN NULL WHEN last.units > 0 THEN last.buy_price
        ELSE greatest((last.transcript::jsonb #>> '{result,buy_price}')::bigint,
            (last.transcript::jsonb #>> '{result,sell_price}')::bigint) END AS price
FROM (SELECT) AS always LEFT JOIN LATERAL (
    SELECT next_reference, buy_price, units, at_ms, transcript FROM rounds WHERE rounds.lane = :lane
    ORDER BY number DESC LIMIT 1) AS last ON true;

-- name: running_leases
-- What keeps the slots of these provers busy.
SELECT prover_id, units, started_ms, permille FROM leases
WHERE prover_id = ANY(:provers::text[]) AND state IN (@leases_in_flight);

-- name: last_told
-- Which tasks of these lanes were told last that nobody serves them (`nobody`), or that their price is too low, without a
-- sale since; and how often they were told anything. Tasks that were never told give no row.
SELECT given.task_id, given.lane, said.number, said.nobody, said.sold_since
FROM unnest(:task_ids::uuid[], :lanes::text[]) AS given(task_id, lane) CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE kind = 'no_sale') AS number,
        coalesce((array_agg(data ? 'nobody' ORDER BY seq DESC) FILTER (WHERE kind = 'no_sale'))[1], false) AS nobody,
        coalesce(max(seq) FILTER (WHERE kind = 'sold') > max(seq) FILTER (WHERE kind = 'no_sale'), false) AS sold_since
    FROM task_events
    WHERE task_events.task_id = given.task_id AND kind IN ('no_sale', 'sold') AND data ->> 'lane' = given.lane) AS said
WHERE said.number > 0;
