-- name: register_prover
WITH owner AS (INSERT INTO operator_standings (operator) VALUES (:operator) ON CONFLICT DO NOTHING)
INSERT INTO provers (prover_id, operator) VALUES (:prover_id, :operator) ON CONFLICT DO NOTHING;

-- name: change_session
-- Rounds that have sold to the prover are waited for, and the next one to do so waits for this commit (keep_sessions).
-- A gateway that is silent for proofgrid.lock_silent_ms (database.py) loses its hello.
SELECT pg_advisory_xact_lock(lock_of_session(:prover_id))
FROM set_config('idle_in_transaction_session_timeout', current_setting('proofgrid.lock_silent_ms'), true);

-- name: keep_sessions
-- Until the commit none of these provers gets another session (change_session); one that got it meanwhile is sold to there.
SELECT pg_advisory_xact_lock_shared(key)
FROM (SELECT DISTINCT lock_of_session(prover_id) AS key FROM unnest(:prover_ids::text[]) AS sold(prover_id) ORDER BY key) AS locks;

-- name: session_of_name
-- The session that has a prover's name, after change_session: nobody opens or replaces it before this commit.
SELECT peer, session_key AS key, run, opened_ms, seen_ms, now_ms() AS now_ms FROM sessions WHERE prover_id = :prover_id AND open;

-- name: change_operator
-- After change_session: the operator's next hello waits for this commit, so that several at once do not pass a limit.
SELECT pg_advisory_xact_lock(lock_of_session(:operator));

-- name: may_operate
-- After change_operator: whoever takes the role away waits for this commit, or was before it.
SELECT EXISTS (SELECT FROM identities WHERE address = :operator AND role = 'operator');

-- name: keep_provers_of_operator
-- After change_operator: rounds that have sold to these provers are waited for, as in change_session.
SELECT pg_advisory_xact_lock(key)
FROM (SELECT lock_of_session(prover_id) AS key FROM sessions WHERE open AND operator = :operator ORDER BY key) AS locks;

-- name: end_sessions_of_operator
-- An operator whose role was taken: its gateways are told to close its streams, and its leases go back to the market at
-- once. What was reported is judged anyway.
WITH closed AS (
    UPDATE sessions SET open = false WHERE operator = :operator AND open RETURNING session_id, prover_id, gateway_id
), cut AS (
    SELECT lease_id FROM leases JOIN closed USING (prover_id)
    WHERE leases.state IN (@leases_in_flight) ORDER BY lease_id FOR NO KEY UPDATE OF leases
), ended AS (
    UPDATE leases SET expires_ms = least(expires_ms, now_ms()) FROM cut WHERE leases.lease_id = cut.lease_id RETURNING 1
)
SELECT session_id, pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id)::text) FROM closed
WHERE (SELECT count(*) FROM ended) >= 0;

-- name: others_of_operator
-- After change_operator, and a statement of its own: it sees what the hello before this one has written. The operator's
-- other sessions on gateways that were seen in the last :gateway_silent_ms, and their slots.
SELECT count(*) AS provers, coalesce(sum(slots), 0)::bigint AS slots FROM sessions JOIN gateways USING (gateway_id)
WHERE open AND operator = :operator AND prover_id <> :prover_id AND gateways.seen_ms > now_ms() - :gateway_silent_ms;

-- name: supersede_sessions
-- A prover has one session; the older one's gateway is told to close its stream.
WITH closed AS (
    UPDATE sessions SET open = false WHERE prover_id = :prover_id AND open RETURNING session_id, gateway_id
)
SELECT session_id, pg_notify('stops', json_build_object('gateway', gateway_id, 'session', session_id)::text) FROM closed;

-- name: open_session
INSERT INTO sessions (session_id, prover_id, operator, gateway_id, asks, classes, slots, cores, memory_bytes, region,
    version, cached_programs, class_asks, units_min, peer, session_key, run,
    reserve_price, reserve_slots, confinement, sealing_key, sealing_until_ms, sealing_signature)
VALUES (:session_id, :prover_id, :operator, :gateway_id, :asks, :classes, :slots, :cores, :memory_bytes, :region,
    :version, :cached_programs, :class_asks, :units_min, :peer, :session_key, :run, :reserve_price,
    :reserve_slots, :confinement, :sealing_key, :sealing_until_ms, :sealing_signature);

-- name: adopt_leases
-- After a reconnect: the leases that this prover still holds move to the new session, and so do those that it was never
-- told of. The new gateway looks for the latter and has as long for telling as the first one had (:pick_up_ms). Phases
-- get no longer; :silent_ms: how long a lease lives without a heartbeat; results are judged whoever listens.
-- What it was told of and does not hold is forgotten.
WITH held AS (
    SELECT lease_id, fence FROM unnest(:held_ids::uuid[], :held_fences::bigint[]) AS held(lease_id, fence)
), forgotten AS (
    SELECT lease_id, task_id FROM leases
    WHERE prover_id = :prover_id AND state IN (@leases_known)
      AND (lease_id, fence) NOT IN (SELECT lease_id, fence FROM held)
), kept AS (
    SELECT lease_id FROM leases
    WHERE prover_id = :prover_id AND state IN (@leases_held)
      AND (state = 'granted' OR (lease_id, fence) IN (SELECT lease_id, fence FROM held))
    ORDER BY lease_id FOR NO KEY UPDATE
), adopted AS (
    UPDATE leases SET session_id = :session_id, gateway_id = :gateway_id,
        phase_until_ms = CASE state WHEN 'granted' THEN least(at_ms + :pick_up_ms, until_ms) ELSE phase_until_ms END,
        expires_ms = CASE state WHEN 'granted' THEN least(at_ms + :pick_up_ms, until_ms) WHEN 'reported' THEN expires_ms
            ELSE least(at_ms + :silent_ms, phase_until_ms, until_ms) END
    FROM kept, (SELECT now_ms() AS at_ms) AS clock WHERE leases.lease_id = kept.lease_id
    RETURNING leases.lease_id, leases.task_id, leases.state
), told AS (
    SELECT pg_notify('leases', :gateway_id::text) WHERE EXISTS (SELECT 1 FROM adopted WHERE state = 'granted')
)
SELECT lease_id, task_id, true AS kept FROM adopted WHERE (SELECT count(*) FROM told) >= 0
UNION ALL SELECT lease_id, task_id, false FROM forgotten;

-- name: close_session
-- Its leases get a grace to come back with a new session; what was reported is judged anyway.
WITH closed AS (
    UPDATE sessions SET open = false WHERE session_id = :session_id AND open RETURNING session_id, prover_id
), cut AS (
    SELECT lease_id FROM leases JOIN closed USING (session_id, prover_id)
    WHERE leases.state IN (@leases_in_flight) ORDER BY lease_id FOR NO KEY UPDATE OF leases
)
UPDATE leases SET expires_ms = least(expires_ms, now_ms() + :grace_ms) FROM cut WHERE leases.lease_id = cut.lease_id;

-- name: drain_session
UPDATE sessions SET draining = true WHERE session_id = :session_id;

-- name: note_cached_programs
-- Each of these sessions has proven a program now.
WITH fresh AS (
    SELECT session_id FROM sessions WHERE session_id = ANY(:session_ids::uuid[]) AND NOT :program = ANY(cached_programs)
    ORDER BY session_id FOR NO KEY UPDATE
)
UPDATE sessions SET cached_programs = array_append(cached_programs, :program) FROM fresh
WHERE sessions.session_id = fresh.session_id;

-- name: heartbeats
-- :session_ids: those that were heard of; :lease_ids and so on: the leases that they hold; :silent_ms: how long a lease
-- lives without another heartbeat, never beyond its phase and its limit. Only what has less than three quarters left is
-- written; what somebody else is changing at this moment waits for the next heartbeat. Whoever was silent counts for
-- rounds again (supply_of_stack), so what it serves is woken, one lane of each stack; after half of that silence already,
-- because a round may be looking at this moment. Returns the leases that hold, so that the provers can be told of those
-- that do not.
WITH before AS (
    SELECT session_id, seen_ms FROM sessions WHERE session_id = ANY(:session_ids::uuid[]) AND open
    ORDER BY session_id FOR NO KEY UPDATE
), seen AS (
    UPDATE sessions SET seen_ms = now_ms() FROM before WHERE before.session_id = sessions.session_id
    RETURNING before.seen_ms AS before_ms, sessions.subnetworks, sessions.asks, sessions.classes
), woken AS (
    SELECT pg_notify('lanes', format('%s/%s/%s', subnetwork, system, classes[1]))
    FROM seen CROSS JOIN unnest(subnetworks) AS subnetwork CROSS JOIN jsonb_object_keys(asks) AS system
    WHERE before_ms <= now_ms() - :silent_ms / 2 GROUP BY subnetwork, system, classes[1]
), holding AS (
    SELECT lease_id, expires_ms, least(now_ms() + :silent_ms * 3 / 4, phase_until_ms, until_ms) AS aging_ms FROM leases
    JOIN unnest(:lease_ids::uuid[], :fences::bigint[], :lease_sessions::uuid[]) AS held(lease_id, fence, session_id)
        USING (lease_id, fence, session_id)
    WHERE leases.state IN (@leases_held)
), aging AS (
    SELECT lease_id FROM leases WHERE lease_id IN (SELECT lease_id FROM holding WHERE expires_ms < aging_ms)
      AND state IN (@leases_told)
    ORDER BY lease_id FOR NO KEY UPDATE SKIP LOCKED
), extended AS (
    UPDATE leases SET expires_ms = least(now_ms() + :silent_ms, phase_until_ms, until_ms) FROM aging
    WHERE leases.lease_id = aging.lease_id
)
SELECT lease_id FROM holding WHERE (SELECT count(*) FROM woken) >= 0;

-- name: wake_expiry
-- Leases may expire earlier than the dispatchers think.
SELECT pg_notify('expiry', '');
