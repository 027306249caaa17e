-- name: lock_tasks_for_sale
-- Locks the tasks of a lane's book from the best bid down, first come first: at most $2, one step of the index for each.
-- $3, $4: the free provers and their memory; a job that none of them may run and can hold is not for sale. And the tasks
-- that wish for a second lease of a job.
WITH RECURSIVE book AS (
    (SELECT limit_price, task_id, 1 AS place FROM jobs
     WHERE state = 'ready' AND lane = $1 AND not_before_ms <= now_ms() AND EXISTS (
         SELECT 1 FROM unnest($3::text[], $4::bigint[]) AS p(prover_id, memory_bytes)
         WHERE p.memory_bytes >= jobs.memory_bytes AND (excluded = '{}' OR NOT is_excluded(excluded, prover_id)))
     ORDER BY -limit_price, task_id LIMIT 1)
    UNION ALL
    SELECT later.limit_price, later.task_id, book.place + 1
    FROM book CROSS JOIN LATERAL (
        SELECT limit_price, task_id FROM jobs
        WHERE state = 'ready' AND lane = $1 AND not_before_ms <= now_ms()
          AND (-jobs.limit_price, jobs.task_id) > (-book.limit_price, book.task_id) AND EXISTS (
              SELECT 1 FROM unnest($3::text[], $4::bigint[]) AS p(prover_id, memory_bytes)
              WHERE p.memory_bytes >= jobs.memory_bytes AND (excluded = '{}' OR NOT is_excluded(excluded, prover_id)))
        ORDER BY -limit_price, task_id LIMIT 1) AS later
    WHERE book.place < $2
), wishes AS (
    SELECT task_id, array_agg(job_id) AS wished FROM (
        SELECT task_id, job_id FROM jobs
        WHERE lane = $1 AND hedge_price IS NOT NULL AND hedge_until_ms > now_ms() AND state = 'leased' LIMIT 64) AS open
    GROUP BY task_id
)
SELECT wanted.task_id, wanted.wished, taken.program_digest, taken.limit_price, taken.client
FROM (SELECT task_id, wished, place FROM book FULL JOIN wishes USING (task_id)) AS wanted LEFT JOIN LATERAL (
    -- What somebody else changes at this moment is skipped, and the round says that it should be held again soon.
    SELECT task_id, program_digest, limit_price, client FROM tasks
    WHERE tasks.task_id = wanted.task_id AND state = 'open' AND deadline_ms > now_ms() FOR NO KEY UPDATE SKIP LOCKED
) AS taken ON true ORDER BY wanted.place;

-- name: lock_tasks_unserved
-- The tasks that bid best in each of the lanes $1, from at most $2 jobs of each; not those of $3, which were told.
SELECT best.lane, tasks.task_id, tasks.limit_price
FROM (
    SELECT DISTINCT given.lane, wanted.task_id FROM unnest($1::text[]) AS given(lane) CROSS JOIN LATERAL (
        SELECT task_id FROM jobs
        WHERE state = 'ready' AND lane = given.lane AND not_before_ms <= now_ms() AND task_id <> ALL ($3::uuid[])
        ORDER BY -limit_price, task_id LIMIT $2) AS wanted
) AS best JOIN tasks USING (task_id)
WHERE tasks.state = 'open' ORDER BY tasks.task_id FOR NO KEY UPDATE OF tasks SKIP LOCKED;

-- name: tasks_for_sale
-- The same for reading only, without wishes: $1: a lane, $2: at most so many.
SELECT task_id, NULL::uuid[] AS wished, program_digest, limit_price, client FROM tasks
WHERE state = 'open' AND task_id IN (
    SELECT task_id FROM jobs WHERE state = 'ready' AND lane = $1 AND not_before_ms <= now_ms()
    ORDER BY -limit_price, task_id LIMIT $2)
ORDER BY -limit_price, task_id;

-- name: waiting_lanes
SELECT lane FROM waiting_lanes($1) AS waiting(lane);

-- name: references_of_lanes
-- The reference price of each lane's next round; of a lane without a round that of its subnetwork, if it has one.
SELECT given.lane, last.next_reference,
    (SELECT reference_price FROM subnetworks WHERE name = split_part(given.lane, '/', 1)) AS first_reference
FROM unnest($1::text[]) AS given(lane) LEFT JOIN LATERAL (
    SELECT next_reference FROM rounds WHERE rounds.lane = given.lane ORDER BY number DESC LIMIT 1) AS last ON true;

-- name: recent_buy_prices
-- Of the latest $2 rounds of a lane, those in which something was sold.
SELECT buy_price FROM (SELECT buy_price, units FROM rounds WHERE lane = $1 ORDER BY number DESC LIMIT $2) AS latest
WHERE units > 0;

-- name: waiting_units
-- Of a lane's first 10,000 jobs for sale.
SELECT coalesce(sum(units), 0)::bigint FROM (
    SELECT units FROM jobs WHERE state = 'ready' AND lane = $1 LIMIT 10000) AS waiting;

-- name: lock_tasks_of_others
-- Where a book is full of one client's tasks: the best bids of $5 other clients with open tasks, drawn from $6 on, $7 of
-- each, among their best 64. $1, $3, $4 as above; $2: the tasks that are in the book.
WITH RECURSIVE clients AS (
    (SELECT client, 1 AS place FROM tasks WHERE state IN ('open', 'combining') AND client > $6 ORDER BY client LIMIT 1)
    UNION ALL
    SELECT later.client, clients.place + 1 FROM clients CROSS JOIN LATERAL (
        SELECT client FROM tasks WHERE state IN ('open', 'combining') AND client > clients.client
        ORDER BY client LIMIT 1) AS later
    WHERE clients.place < $5
)
SELECT taken.task_id, NULL::uuid[] AS wished, taken.program_digest, taken.limit_price, taken.client
FROM clients CROSS JOIN LATERAL (
    SELECT best.task_id FROM (
        SELECT task_id, limit_price FROM tasks
        WHERE state IN ('open', 'combining') AND tasks.client = clients.client
        ORDER BY -limit_price, task_id LIMIT 64) AS best
    WHERE best.task_id <> ALL($2::uuid[]) AND EXISTS (
        SELECT 1 FROM jobs WHERE state = 'ready' AND lane = $1 AND -jobs.limit_price = -best.limit_price
          AND jobs.task_id = best.task_id AND not_before_ms <= now_ms() AND EXISTS (
            SELECT 1 FROM unnest($3::text[], $4::bigint[]) AS p(prover_id, memory_bytes)
            WHERE p.memory_bytes >= jobs.memory_bytes AND (excluded = '{}' OR NOT is_excluded(excluded, prover_id))))
    LIMIT $7) AS wanted CROSS JOIN LATERAL (
    SELECT task_id, program_digest, limit_price, client FROM tasks
    WHERE tasks.task_id = wanted.task_id AND state = 'open' AND deadline_ms > now_ms() FOR NO KEY UPDATE SKIP LOCKED
) AS taken;

-- name: clients_in_flight
-- How many jobs of a lane the clients have in flight.
SELECT tasks.client, count(*) AS jobs FROM leases JOIN tasks USING (task_id)
WHERE leases.lane = $1 AND leases.state IN ('granted', 'offered', 'running') AND tasks.client = ANY($2::text[])
GROUP BY tasks.client;

-- name: jobs_for_sale
-- $1, $2: tasks and their limit prices, $4: at most so many jobs of one task, $5: at most so many in all.
SELECT found.*, now_ms() AS now_ms FROM unnest($1::uuid[], $2::bigint[]) AS given(task_id, limit_price) CROSS JOIN LATERAL (
    SELECT job_id, jobs.task_id, units, memory_bytes, nullif(excluded, '{}') AS excluded, slice, input FROM jobs
    WHERE state = 'ready' AND lane = $3 AND not_before_ms <= now_ms()
      AND -jobs.limit_price = -given.limit_price AND jobs.task_id = given.task_id
    ORDER BY position LIMIT $4) AS found
LIMIT $5;

-- name: wishes_for_sale
-- The tasks' rows are locked. $1: jobs with a wish for a second lease. The oldest wish first.
SELECT job_id, task_id, units, memory_bytes, excluded, slice, input, hedge_price, hedge_operator, now_ms() AS now_ms
FROM jobs WHERE job_id = ANY($1::uuid[]) AND state = 'leased' AND hedge_price IS NOT NULL AND hedge_until_ms > now_ms()
ORDER BY hedge_until_ms, job_id;

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
WITH waiting AS MATERIALIZED (SELECT lane FROM waiting_lanes($1) AS waiting(lane))
SELECT least(min(until_next_job(lane)),
    CASE WHEN count(*) > 0 THEN (
        SELECT min(greatest(20, p.paused_until_ms - now_ms())) FROM provers p JOIN sessions s USING (prover_id)
        WHERE p.paused_until_ms > 0 AND p.paused_until_ms > now_ms() AND s.open AND NOT s.draining) END)
FROM waiting;

-- name: lock_stack
-- One round of a stack's lanes at a time, whichever gateway runs it. $2: how long it may be silent before it loses the
-- round, ms. The lanes in which somebody waits, or NULL when another one is at it.
SELECT CASE WHEN pg_try_advisory_xact_lock(hashtextextended('lane:' || $1, 0)) THEN ARRAY(SELECT * FROM waiting_lanes($1)) END
FROM set_config('idle_in_transaction_session_timeout', $2, true);

-- name: open_rounds
-- Under the stack's lock: for each lane the epoch of this gateway's lead (a new one when another gateway led before) and
-- the round before this one.
WITH led AS (
    INSERT INTO lanes (lane, leader) SELECT lane, $2 FROM unnest($1::text[]) AS given(lane) ORDER BY lane
    ON CONFLICT (lane) DO UPDATE SET leader = excluded.leader,
        epoch = lanes.epoch + (lanes.leader <> excluded.leader)::int,
        since_ms = CASE WHEN lanes.leader = excluded.leader THEN lanes.since_ms ELSE now_ms() END
    RETURNING lane, epoch
)
SELECT led.lane, led.epoch, last.number, last.transcript_hash, last.next_reference, until_next_job(led.lane) AS next_put_off,
    (SELECT reference_price FROM subnetworks WHERE name = split_part(led.lane, '/', 1)) AS first_reference
FROM led LEFT JOIN LATERAL (
    SELECT number, transcript_hash, next_reference FROM rounds WHERE lane = led.lane ORDER BY number DESC LIMIT 1
) AS last ON true;

-- name: insert_round
-- Nothing comes back, and nothing is written, when the epoch is not that of the lane any more.
INSERT INTO rounds (lane, number, transcript, transcript_hash, signature, buy_price, sell_price, units, bids, asks,
    next_reference, epoch, secret)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, epoch, $14 FROM lanes WHERE lane = $1 AND epoch = $12 AND leader = $13
RETURNING number;

-- name: grant_leases
-- $1: JSON list of leases, times from now on; $5: the states from which a job is sold. The job and its lease change together; the gateways
-- of the provers are told. The prover's session is the one that it has now, behind keep_sessions.
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(lease_id uuid, job_id uuid, task_id uuid, prover_id text,
        operator text, session_id uuid, gateway_id uuid, units bigint, sell_price bigint, pick_up_ms bigint,
        limit_ms bigint, prove_ms bigint, stake_bound bigint, fee_permille int)
), sold AS (
    UPDATE jobs SET state = 'leased', lease_id = given.lease_id, slow_ms = NULL
    FROM given WHERE jobs.job_id = given.job_id AND jobs.state = ANY($5::text[]) RETURNING jobs.job_id
), granted AS (
    INSERT INTO leases (lease_id, job_id, task_id, prover_id, operator, session_id, gateway_id, lane, round, units,
        buy_price, sell_price, state, expires_ms, phase_until_ms, until_ms, prove_ms, epoch, stake_bound,
        fee_permille)
    SELECT lease_id, given.job_id, task_id, given.prover_id, given.operator,
        coalesce(now.session_id, given.session_id), coalesce(now.gateway_id, given.gateway_id), $2, $3, units, $4,
        sell_price, 'granted', at_ms + pick_up_ms, at_ms + pick_up_ms, at_ms + limit_ms, prove_ms, $6, stake_bound,
        fee_permille
    FROM given JOIN sold USING (job_id) LEFT JOIN sessions AS now ON now.prover_id = given.prover_id AND now.open,
        (SELECT now_ms() AS at_ms) AS clock
    RETURNING gateway_id
)
SELECT count(*) AS number, pg_notify('leases', gateway_id::text) FROM granted GROUP BY gateway_id;

-- name: grant_hedges
-- As grant_leases, for jobs that are leased already: their wishes come true.
WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(lease_id uuid, job_id uuid, task_id uuid, prover_id text,
        operator text, session_id uuid, gateway_id uuid, units bigint, sell_price bigint, pick_up_ms bigint,
        limit_ms bigint, prove_ms bigint, stake_bound bigint, fee_permille int)
), sold AS (
    UPDATE jobs SET hedges = hedges + 1, hedge_price = NULL FROM given
    WHERE jobs.job_id = given.job_id AND jobs.state = ANY($5::text[]) AND jobs.hedge_price IS NOT NULL
    RETURNING jobs.job_id, jobs.task_id
), counted AS (
    UPDATE tasks SET hedges = hedges + 1 FROM sold WHERE tasks.task_id = sold.task_id
), granted AS (
    INSERT INTO leases (lease_id, job_id, task_id, prover_id, operator, session_id, gateway_id, lane, round, units,
        buy_price, sell_price, state, kind, expires_ms, phase_until_ms, until_ms, prove_ms, epoch, stake_bound,
        fee_permille)
    SELECT lease_id, given.job_id, given.task_id, given.prover_id, given.operator,
        coalesce(now.session_id, given.session_id), coalesce(now.gateway_id, given.gateway_id), $2, $3, units, $4,
        sell_price, 'granted', 'hedge', at_ms + pick_up_ms, at_ms + pick_up_ms, at_ms + limit_ms, prove_ms, $6,
        stake_bound, fee_permille
    FROM given JOIN sold USING (job_id) LEFT JOIN sessions AS now ON now.prover_id = given.prover_id AND now.open,
        (SELECT now_ms() AS at_ms) AS clock
    RETURNING gateway_id
)
SELECT count(*) AS number, pg_notify('leases', gateway_id::text) FROM granted GROUP BY gateway_id;

-- name: offer_leases
-- What this gateway has to hand to its provers, with what the prover needs to know. $3: how long a lease lives without
-- a heartbeat, $5: how long until the prover's first word, ms.
UPDATE leases SET state = 'offered', phase_until_ms = at_ms + $5, expires_ms = least(at_ms + $3, at_ms + $5, until_ms)
FROM jobs, tasks, (SELECT now_ms() AS at_ms) AS clock
WHERE leases.gateway_id = $1 AND leases.state = 'granted' AND leases.state = ANY($2::text[])
  AND leases.session_id = ANY($4::uuid[]) AND jobs.job_id = leases.job_id AND tasks.task_id = leases.task_id
RETURNING leases.lease_id, leases.fence, leases.session_id, leases.job_id, leases.units, leases.sell_price,
    leases.until_ms - at_ms AS run_ms, jobs.slice, jobs.input_digest, jobs.small_input, jobs.memory_bytes,
    tasks.program_digest;

-- name: get_lease
SELECT leases.*, ran_ms(leases) AS ran_ms, jobs.slice, jobs.input, jobs.facts, tasks.program_digest, tasks.client
FROM leases JOIN jobs USING (job_id)
JOIN tasks ON tasks.task_id = leases.task_id WHERE leases.lease_id = $1;

-- name: lock_lease
-- After its task's row is locked.
SELECT * FROM leases WHERE lease_id = $1 FOR NO KEY UPDATE;

-- name: leases_of_reports
SELECT leases.lease_id, leases.fence, leases.job_id, leases.task_id, leases.prover_id, leases.operator, leases.session_id,
    leases.lane, leases.round, leases.units, leases.buy_price, leases.sell_price, leases.fee_permille, leases.state,
    leases.reason, leases.prove_ms, leases.expires_ms - now_ms() AS left_ms, jobs.slice, jobs.input, jobs.facts,
    tasks.program_digest, tasks.client
FROM leases JOIN jobs USING (job_id) JOIN tasks ON tasks.task_id = leases.task_id
WHERE leases.lease_id = ANY($1::uuid[]);

-- name: report_leases
-- Results have arrived: the provers' clocks stop, the gateway's verification has $2 ms. Sent again: no more time. The
-- provers have room again, so their lanes are woken.
WITH held AS (
    SELECT lease_id FROM leases WHERE lease_id = ANY($1::uuid[]) ORDER BY lease_id FOR NO KEY UPDATE
), reported AS (
    UPDATE leases SET state = 'reported', reported_ms = at_ms, expires_ms = at_ms + $2, phase_until_ms = at_ms + $2,
        until_ms = greatest(until_ms, at_ms + $2)
    FROM (SELECT now_ms() AS at_ms) AS clock
    WHERE lease_id IN (SELECT lease_id FROM held) AND state = ANY($3::text[]) AND state <> 'reported'
    RETURNING lane
)
SELECT pg_notify('lanes', lane) FROM reported GROUP BY lane;

-- name: settle_leases
-- The tasks' rows are locked. $1: leases, $2: fences, $3: proof digests, $4: small proofs, $5: public values, $6, $7: the
-- states that leases and jobs may come from. Lease and job change together; what is not returned did not change. Of two
-- leases of one job the first one wins.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[], $5::jsonb[]) WITH ORDINALITY
        AS g(lease_id, fence, proof_digest, small_proof, public, place)
), held AS (
    -- One step of the primary key for each, in the order of their ids, whatever the statistics say.
    SELECT found.*, sorted.place FROM (SELECT lease_id, fence, place FROM given ORDER BY lease_id) AS sorted
    CROSS JOIN LATERAL (
        SELECT lease_id, job_id, task_id FROM leases
        WHERE leases.lease_id = sorted.lease_id AND leases.fence = sorted.fence AND leases.state = ANY($6::text[])
        FOR NO KEY UPDATE) AS found
), open AS (
    SELECT lease_id, job_id, place FROM held
    WHERE (SELECT state FROM jobs WHERE jobs.job_id = held.job_id) = ANY($7::text[])
      AND (SELECT state FROM tasks WHERE tasks.task_id = held.task_id) = 'open'
), won AS (
    SELECT DISTINCT ON (job_id) lease_id, job_id FROM open ORDER BY job_id, place
), proven AS (
    UPDATE jobs SET state = 'proven', lease_id = won.lease_id, hedge_price = NULL, proof_digest = given.proof_digest,
        small_proof = given.small_proof, public = given.public
    FROM won JOIN given USING (lease_id) WHERE jobs.job_id = won.job_id
    RETURNING jobs.lease_id, jobs.hedges, jobs.attempts
)
UPDATE leases SET state = 'settled', ended_ms = now_ms() FROM proven WHERE leases.lease_id = proven.lease_id
RETURNING leases.lease_id, ran_ms(leases) AS ran_ms, proven.hedges, proven.attempts;

-- name: lock_rivals
-- The tasks' rows are locked. The leases that are held for the jobs of these leases, in the order of their ids.
SELECT lease_id FROM leases
WHERE job_id IN (SELECT job_id FROM leases WHERE lease_id = ANY($1::uuid[]))
  AND state IN ('granted', 'offered', 'running', 'reported')
ORDER BY lease_id FOR NO KEY UPDATE;

-- name: stop_rivals
-- $1: leases that won, $2: why the others of their jobs are stopped. With what is needed to pay them; the gateways that
-- hold their streams are told.
WITH lost AS (
    SELECT rival.lease_id, won.buy_price AS winner_buy_price, jobs.slice, jobs.input, tasks.limit_price,
        coalesce(speed.units, 0) AS speed_units, coalesce(speed.wall_ms, 0) AS speed_wall_ms,
        coalesce(speed.samples, 0) AS speed_samples
    FROM leases AS won JOIN leases AS rival USING (job_id) JOIN jobs USING (job_id)
    JOIN tasks ON tasks.task_id = won.task_id LEFT JOIN prover_speeds AS speed ON speed.prover_id = rival.prover_id
        AND speed.proof_system = split_part(rival.lane, '/', 2) AND speed.class = split_part(rival.lane, '/', 3)
    WHERE won.lease_id = ANY($1::uuid[]) AND rival.lease_id <> won.lease_id
      AND rival.state IN ('granted', 'offered', 'running', 'reported')
), stopped AS (
    UPDATE leases SET state = 'stopped', reason = $2, ended_ms = now_ms() FROM lost
    WHERE leases.lease_id = lost.lease_id
    RETURNING leases.*, ran_ms(leases) AS ran_ms, lost.winner_buy_price, lost.slice, lost.input, lost.limit_price,
        lost.speed_units, lost.speed_wall_ms, lost.speed_samples
)
SELECT *, pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
    'reason', $2::text)::text) FROM stopped;

-- name: leases_of_progress
-- The tasks' rows are locked. $1: leases, $2: fences, $3: sessions. Their timers, with the place of their jobs.
SELECT leases.lease_id, leases.task_id, leases.prover_id, leases.state, leases.expires_ms, leases.phase_until_ms,
    leases.until_ms, leases.prove_ms, leases.started_ms, leases.permille, jobs.slice, jobs.input, now_ms() AS now_ms
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS given(lease_id, fence, session_id)
JOIN leases USING (lease_id, fence, session_id) JOIN jobs ON jobs.job_id = leases.job_id
WHERE leases.state IN ('offered', 'running') ORDER BY leases.lease_id FOR NO KEY UPDATE OF leases;

-- name: note_progress
-- The leases' rows are locked. $1: leases, and what their timers are from now on.
UPDATE leases SET state = given.state, expires_ms = given.expires_ms, phase_until_ms = given.phase_until_ms,
    started_ms = given.started_ms, permille = given.permille, stage = given.stage
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::text[])
    AS given(lease_id, state, expires_ms, phase_until_ms, started_ms, permille, stage)
WHERE leases.lease_id = given.lease_id;

-- name: tasks_of_leases
SELECT DISTINCT task_id FROM leases WHERE lease_id = ANY($1::uuid[]);

-- name: end_lease
-- $2: the new state, $3: the states it may come from.
UPDATE leases SET state = $2, ended_ms = now_ms(), reason = $4, detail = $5
WHERE lease_id = $1 AND state = ANY($3::text[]) RETURNING lease_id;

-- name: expired_leases
SELECT lease_id, task_id FROM leases
WHERE state IN ('granted', 'offered', 'running', 'reported') AND expires_ms <= now_ms()
ORDER BY expires_ms LIMIT 200;

-- name: next_expiry
SELECT min(expires_ms) - now_ms() FROM leases WHERE state IN ('granted', 'offered', 'running', 'reported');

-- name: job_of_lease
-- The job that a lease was for, while it is leased, and another lease that is held for it.
SELECT jobs.*, rival.lease_id AS rival_id FROM leases JOIN jobs USING (job_id)
LEFT JOIN leases AS rival ON rival.job_id = leases.job_id AND rival.lease_id <> leases.lease_id
    AND rival.state IN ('granted', 'offered', 'running', 'reported')
WHERE leases.lease_id = $1 AND jobs.state = 'leased';

-- name: carry_on
-- $2: the states it may come from. One of two leases of a job ended; the other one, $6, goes on as the first.
WITH alone AS (
    UPDATE leases SET kind = 'first' WHERE lease_id = $6
)
UPDATE jobs SET slow_ms = CASE WHEN lease_id = $6 THEN slow_ms END, lease_id = $6, hedge_price = NULL,
    returns = returns + 1, attempts = $3, excluded = excluded || jsonb_build_object($4::text, $5::bigint)
WHERE job_id = $1 AND state = ANY($2::text[]);

-- name: return_job
-- $2: the states it may come from.
UPDATE jobs SET state = 'ready', lease_id = NULL, hedge_price = NULL, returns = returns + 1, attempts = $3,
    not_before_ms = $4, excluded = excluded || jsonb_build_object($5::text, $6::bigint)
WHERE job_id = $1 AND state = ANY($2::text[]) RETURNING lane;

-- name: tell_session_to_stop
SELECT pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id, 'lease', lease_id,
    'reason', $2::text)::text) FROM leases WHERE lease_id = $1;

-- name: count_down_jobs
-- $1: tasks, $2: jobs proven, $3: what the client pays for them, $4: the states in which the last one ends the proving.
UPDATE tasks SET jobs_open = jobs_open - proven, spent = spent + paid,
    state = CASE WHEN jobs_open = proven AND state = ANY($4::text[]) THEN 'combining' ELSE state END
FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS given(task_id, proven, paid)
WHERE tasks.task_id = given.task_id RETURNING tasks.task_id, state;

-- name: move_on
-- After proofs of the tasks $1 were accepted: jobs whose dependencies are all proven become ready ($2: the states they
-- may come from), their lanes are woken, the lanes $3 too, and if $4 the combiners.
WITH unblocked AS (
    UPDATE jobs SET state = 'ready'
    WHERE task_id = ANY($1::uuid[]) AND state = 'waiting' AND state = ANY($2::text[]) AND NOT EXISTS (
        SELECT 1 FROM jobs AS needed WHERE needed.task_id = jobs.task_id AND needed.position = ANY(jobs.depends_on)
          AND needed.state <> 'proven')
    RETURNING lane
)
SELECT pg_notify('lanes', lane) FROM (SELECT lane FROM unblocked UNION SELECT unnest($3::text[])) AS woken(lane)
UNION ALL SELECT pg_notify('combining', '') WHERE $4;

-- name: lock_provers
-- In the order of their ids; see lock_tasks. With how they stand.
SELECT *, now_ms() AS now_ms FROM provers WHERE prover_id = ANY($1::text[]) ORDER BY prover_id FOR NO KEY UPDATE;

-- name: note_work
-- $1..$7: by prover, proof system and class: proofs, failures, verified PU, the time of all leases; $8: halve a speed
-- that is made of more proofs. $9, $10: lanes and how long their leases ran, microseconds per PU, of which the newest $11
-- are kept. $12..$22: how the provers stand from now on, a row each (rules/reputation/standing.py). The provers' rows are
-- locked already; those of speeds and lanes are written in the order of their names.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::bigint[], $7::bigint[])
        AS g(prover_id, proof_system, class, proofs, failures, units, wall_ms)
), counted AS (
    UPDATE provers SET jobs_proven = jobs_proven + sums.proofs, jobs_failed = jobs_failed + sums.failures,
        units_proven = units_proven + sums.units, proven_micro = stand.proven, late_micro = stand.late,
        lost_micro = stand.lost, crashed_micro = stand.crashed, invalid_micro = stand.invalid, facts_ms = stand.at_ms,
        outcomes = stand.outcomes, pauses = stand.pauses, paused_until_ms = stand.paused_until_ms,
        last_faults = stand.last_faults
    FROM (SELECT prover_id, sum(proofs) AS proofs, sum(failures) AS failures, sum(units) AS units
          FROM given GROUP BY prover_id) AS sums
    JOIN unnest($12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
        $19::text[], $20::int[], $21::bigint[], $22::text[]) AS stand(prover_id, proven, late, lost, crashed, invalid,
        at_ms, outcomes, pauses, paused_until_ms, last_faults) USING (prover_id)
    WHERE provers.prover_id = sums.prover_id
), measured AS (
    INSERT INTO prover_speeds AS speed (prover_id, proof_system, class, units, wall_ms, samples)
    SELECT prover_id, proof_system, class, units, wall_ms, proofs FROM given
    ORDER BY prover_id, proof_system, class
    ON CONFLICT (prover_id, proof_system, class) DO UPDATE SET
        units = (speed.units + excluded.units) / CASE WHEN speed.samples + excluded.samples > $8 THEN 2 ELSE 1 END,
        wall_ms = (speed.wall_ms + excluded.wall_ms) / CASE WHEN speed.samples + excluded.samples > $8 THEN 2 ELSE 1 END,
        samples = (speed.samples + excluded.samples) / CASE WHEN speed.samples + excluded.samples > $8 THEN 2 ELSE 1 END
    RETURNING 1
)
INSERT INTO lane_times AS times (lane, us_per_unit)
SELECT lane, (array_agg(us))[:$11] FROM unnest($9::text[], $10::bigint[]) AS g(lane, us)
WHERE (SELECT count(*) FROM measured) >= 0
GROUP BY lane ORDER BY lane
ON CONFLICT (lane) DO UPDATE SET us_per_unit = (excluded.us_per_unit || times.us_per_unit)[:$11];

-- name: tell_provers
-- $1: provers, $2: codes, $3: details of notices that their gateways hand on.
SELECT pg_notify('notices', json_build_object('gateway', gateway_id, 'session', session_id, 'code', code,
    'detail', detail)::text)
FROM unnest($1::text[], $2::text[], $3::text[]) AS given(prover_id, code, detail) JOIN sessions USING (prover_id)
WHERE open;

-- name: claims_of_job
-- The leases whose provers said that this job cannot be proven. $1: its task, by which they are found.
SELECT lease_id, operator FROM leases
WHERE task_id = $1 AND job_id = $2 AND state = 'failed' AND reason = 'unprovable';

-- name: refuted_claims
-- $1: leases whose proofs verified. Whoever said that their jobs cannot be proven was wrong.
SELECT claim.*, ran_ms(claim) AS ran_ms FROM leases AS won
JOIN leases AS claim ON claim.task_id = won.task_id AND claim.job_id = won.job_id
WHERE won.lease_id = ANY($1::uuid[]) AND claim.state = 'failed' AND claim.reason = 'unprovable';

-- name: works_of_fault
-- What an unprovable input of the task $1 was worked on for nothing: by those who said so, and by the leases $2 that are
-- stopped with it.
SELECT leases.lease_id, leases.job_id, leases.operator, leases.units, leases.sell_price, leases.lane, leases.round,
    leases.fee_permille, leases.permille, leases.reported_ms, ran_ms(leases) AS ran_ms, coalesce(speed.units, 0) AS speed_units,
    coalesce(speed.wall_ms, 0) AS speed_wall_ms, coalesce(speed.samples, 0) AS speed_samples
FROM leases LEFT JOIN prover_speeds AS speed ON speed.prover_id = leases.prover_id
    AND speed.proof_system = split_part(leases.lane, '/', 2) AND speed.class = split_part(leases.lane, '/', 3)
WHERE leases.task_id = $1
  AND (leases.lease_id = ANY($2::uuid[]) OR (leases.state = 'failed' AND leases.reason = 'unprovable'))
ORDER BY leases.lease_id;

-- name: list_rounds
SELECT * FROM rounds WHERE ($1 = '' OR lane = $1) ORDER BY at_ms DESC, number DESC LIMIT $2;

-- name: rounds_of_export
-- The public rounds of a lane: how many, and which. $2, $3: from and to a number, $4: since when.
SELECT count(*) AS rounds, min(number) AS first, max(number) AS last FROM rounds
WHERE lane = $1 AND number BETWEEN $2 AND $3 AND at_ms >= $4 AND secret IS NOT NULL;

-- name: public_rounds
SELECT number, transcript, transcript_hash, signature FROM rounds
WHERE lane = $1 AND number BETWEEN $2 AND $3 AND secret IS NOT NULL ORDER BY number LIMIT $4;

-- name: get_round
SELECT * FROM rounds WHERE lane = $1 AND number = $2;

-- name: owner_of_order
-- Whose task ($1), or whose prover ($2), is it?
SELECT client AS owner FROM tasks WHERE task_id = $1 UNION ALL SELECT operator FROM provers WHERE prover_id = $2 LIMIT 1;

-- name: lane_statuses
SELECT DISTINCT ON (r.lane) r.lane, r.number AS rounds, r.next_reference,
    (SELECT coalesce(sum(units), 0)::bigint FROM jobs WHERE jobs.lane = r.lane AND state = 'ready') AS ready_units
FROM rounds r ORDER BY r.lane, r.number DESC;

-- name: close_sessions_without_stream
-- $2: the sessions whose streams this gateway holds. Others of its own could not be closed when their streams ended,
-- because the database was away; their leases get a grace to come back with a new session. One that has just been opened
-- may have come while this list of streams was on its way.
WITH closed AS (
    UPDATE sessions SET open = false
    WHERE gateway_id = $1 AND open AND session_id <> ALL($2::uuid[]) AND opened_ms < now_ms() - 15000
    RETURNING session_id, prover_id
), cut AS (
    SELECT lease_id FROM leases JOIN closed USING (session_id, prover_id)
    WHERE leases.state IN ('granted', 'offered', 'running') ORDER BY lease_id FOR NO KEY UPDATE OF leases
)
UPDATE leases SET expires_ms = least(expires_ms, now_ms() + $3) FROM cut WHERE leases.lease_id = cut.lease_id;

-- name: extend_unheard_leases
-- After the database was away: what ran out meanwhile, or could not be noted, may be heard of once more; no longer than
-- its own limit.
UPDATE leases SET expires_ms = least(at_ms + $1, until_ms), phase_until_ms = greatest(phase_until_ms, at_ms + $1)
FROM (SELECT now_ms() AS at_ms) AS clock
WHERE state IN ('offered', 'running') AND expires_ms < at_ms + $1 AND until_ms > at_ms;

-- name: lane_times
SELECT lane, us_per_unit FROM lane_times;

-- name: slow_leases
-- $1, $2: lanes, and the microseconds per PU after which a lease is slow there, beside a start of $3 ms. Running first
-- leases about which there is something to do: the client was not told, or a second lease may be wished for, of which a
-- job has at most $4.
SELECT l.lease_id, l.task_id, l.job_id, l.prover_id, l.operator, l.kind, l.state, l.lane, l.buy_price, l.sell_price,
    l.started_ms, l.permille, j.units, j.memory_bytes, j.excluded, j.slice, j.input, j.hedges, j.slow_ms, t.deadline_ms,
    t.limit_price, t.hedging, now_ms() AS now_ms, NOT EXISTS (SELECT 1 FROM leases h WHERE h.job_id = l.job_id
        AND h.kind = 'hedge' AND h.state IN ('granted', 'offered', 'running', 'reported'))
        AND (j.hedge_price IS NULL OR j.hedge_until_ms <= now_ms()) AS alone
FROM leases l JOIN unnest($1::text[], $2::bigint[]) AS kinds(lane, us_per_unit) USING (lane)
JOIN jobs j USING (job_id) JOIN tasks t ON t.task_id = l.task_id
WHERE l.state = 'running' AND l.kind = 'first' AND l.started_ms + $3 + kinds.us_per_unit * l.units / 1000 <= now_ms()
  AND (j.slow_ms IS NULL OR (t.hedging AND j.hedges < $4))
ORDER BY l.task_id LIMIT 200;

-- name: lane_pressure
-- What stands against a second lease: jobs that nobody proves yet (1,000 are as good as all), and second leases already.
SELECT (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE lane = $1 AND state = 'ready' LIMIT 1000) AS waiting) AS jobs_ready,
    count(*) AS leases_held, count(*) FILTER (WHERE kind = 'hedge') + (
        SELECT count(*) FROM jobs WHERE lane = $1 AND hedge_price IS NOT NULL AND hedge_until_ms > now_ms()) AS hedges_open
FROM leases WHERE lane = $1 AND state IN ('granted', 'offered', 'running', 'reported');

-- name: wish_hedges
-- The tasks' rows are locked. $1: jobs whose leases are slow, $2, $3: the most that a second lease may cost per PU and the
-- operator who may not get it, NULL for none; $4: the wish holds so long, ms.
UPDATE jobs SET slow_ms = coalesce(slow_ms, now_ms()), hedge_price = price, hedge_operator = coalesce(operator, ''),
    hedge_until_ms = now_ms() + $4
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS given(job_id, price, operator)
WHERE jobs.job_id = given.job_id AND jobs.state = 'leased';
