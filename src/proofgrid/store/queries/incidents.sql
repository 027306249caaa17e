-- name: lock_ledger_check
-- One gateway at a time looks, whichever it is.
SELECT pg_try_advisory_xact_lock(hashtextextended('ledger-check', 0));

-- name: moved_since
-- Accounts that a transfer touched since $1 (ms; NULL: all accounts).
SELECT DISTINCT account FROM transfers CROSS JOIN LATERAL (VALUES (debit), (credit)) AS sides(account)
WHERE at_ms >= $1::bigint
UNION ALL
SELECT account FROM accounts WHERE $1 IS NULL;

-- name: tasks_moved_since
SELECT DISTINCT task_id FROM transfers WHERE at_ms >= coalesce($1::bigint, 0) AND task_id IS NOT NULL;

-- name: balances_and_sums
-- $1: accounts, $2, $3: what is known of them: the sum of their transfers before a moment. An account's transfers are
-- posted under its lock, so nothing comes before one that was seen. One statement sees balance and transfers alike.
SELECT known.account, coalesce(a.balance, 0) AS balance, known.before + coalesce(sums.since, 0)::bigint AS net,
    known.before + coalesce(sums.older, 0)::bigint AS before, coalesce(sums.last_ms, known.from_ms) AS from_ms
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS known(account, before, from_ms)
LEFT JOIN accounts a ON a.account = known.account
CROSS JOIN LATERAL (
    SELECT sum(amount) AS since, sum(amount) FILTER (WHERE at_ms < newest) AS older, max(newest) AS last_ms FROM (
        SELECT amount, at_ms, max(at_ms) OVER () AS newest FROM (
            SELECT amount, at_ms FROM transfers WHERE credit = known.account AND at_ms >= known.from_ms
            UNION ALL
            SELECT -amount, at_ms FROM transfers WHERE debit = known.account AND at_ms >= known.from_ms) AS moves) AS dated
) AS sums;

-- name: faults_of_tasks
-- $1: tasks. Proofs paid twice, wrongly, without a proof, or not at all; payments beyond the escrow; a rest that ended tasks keep.
SELECT kind, task_id::text AS subject, detail FROM (
    SELECT 'payment' AS kind, j.task_id, 'job ' || j.job_id || ' is ' || j.state || ' and has ' || p.number
        || ' payments of ' || p.amount || ' in all' AS detail
    FROM jobs j LEFT JOIN leases l ON l.lease_id = j.lease_id AND l.state = 'settled'
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, coalesce(sum(amount), 0) AS amount FROM transfers t
        WHERE t.task_id = j.task_id AND t.job_id = j.job_id AND t.reason = 'proof') AS p
    WHERE j.task_id = ANY($1::uuid[]) AND (p.number, p.amount) IS DISTINCT FROM CASE j.state
        WHEN 'proven' THEN ((l.sell_price > 0)::int::bigint, l.sell_price::numeric * l.units) ELSE (0::bigint, 0::numeric) END
    UNION ALL
    SELECT 'escrow', t.task_id, 'set aside ' || t.escrow || ', paid or given back ' || out.amount
    FROM tasks t CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount), 0) AS amount FROM transfers WHERE debit = 'escrow:' || t.task_id::text) AS out
    WHERE t.task_id = ANY($1::uuid[]) AND out.amount > t.escrow
    UNION ALL
    SELECT 'rest', t.task_id, 'it is ' || t.state || ' and its escrow still holds ' || a.balance
    FROM tasks t JOIN accounts a ON a.account = 'escrow:' || t.task_id::text
    WHERE t.task_id = ANY($1::uuid[]) AND t.state IN ('done', 'failed', 'cancelled') AND a.balance <> 0
    UNION ALL
    SELECT 'quote', t.task_id, 'it is ' || t.state || ', its firm quote is ' || q.state || ' and still holds ' || a.balance
    FROM tasks t JOIN firm_quotes q USING (quote_id) JOIN accounts a ON a.account = 'quote:' || q.quote_id::text
    WHERE t.task_id = ANY($1::uuid[]) AND t.state IN ('done', 'failed', 'cancelled')
      AND (q.state IN ('held', 'redeemed') OR a.balance <> 0)
) AS found;

-- name: open_incidents
-- $1: kinds, $2: subjects, $3: details. What is open already is not opened again.
INSERT INTO incidents (kind, subject, detail) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT (kind, subject) WHERE closed_ms IS NULL DO NOTHING RETURNING *;

-- name: is_stopped
SELECT EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL);

-- name: list_incidents
-- Newest first; :closed: also those that are closed.
SELECT incident_id, kind, subject, detail, opened_ms, closed_ms, closed_by FROM incidents
WHERE :closed OR closed_ms IS NULL ORDER BY incident_id DESC LIMIT :limit;

-- name: get_incident
SELECT incident_id, kind, subject, detail, opened_ms, closed_ms, closed_by FROM incidents
WHERE incident_id = :incident_id;

-- name: close_incident
UPDATE incidents SET closed_ms = now_ms(), closed_by = :by WHERE incident_id = :incident_id AND closed_ms IS NULL
RETURNING incident_id;

-- name: keep_reported_leases
-- While settlement is stopped, results that wait to be paid do not run out of time: $1 ms are left to say them again.
UPDATE leases SET expires_ms = at_ms + 2 * $1, phase_until_ms = greatest(phase_until_ms, at_ms + 2 * $1),
    until_ms = greatest(until_ms, at_ms + 2 * $1)
FROM (SELECT now_ms() AS at_ms) AS clock
WHERE state = 'reported' AND expires_ms < at_ms + $1;
