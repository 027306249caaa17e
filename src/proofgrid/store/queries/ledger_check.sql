-- name: lock_ledger_check
-- One gateway at a time looks, whichever it is.
SELECT pg_try_advisory_xact_lock(hashtextextended('ledger-check', 0));

-- name: moved_since
-- Accounts that a transfer touched :since_ms; NULL: all accounts.
SELECT DISTINCT account FROM transfers CROSS JOIN LATERAL (VALUES (debit), (credit)) AS sides(account)
WHERE at_ms >= :since_ms::bigint
UNION ALL
SELECT account FROM accounts WHERE :since_ms IS NULL;

-- name: tasks_moved_since
-- With how many jobs each was made of, which is what a look at it reads.
SELECT tasks.task_id, tasks.inputs * programs.slices AS jobs FROM tasks JOIN programs ON programs.digest = tasks.program_digest
WHERE tasks.task_id IN (SELECT task_id FROM transfers WHERE at_ms >= coalesce(:since_ms::bigint, 0) AND task_id IS NOT NULL);

-- name: balances_and_sums
-- :befores, :froms_ms: what is known of the :accounts: the sum of their transfers before a moment. An account's transfers
-- are posted under its lock, so nothing comes before one that was seen. One statement sees balance and transfers alike.
SELECT known.account, coalesce(a.balance, 0) AS balance, known.before + coalesce(sums.since, 0)::bigint AS net,
    known.before + coalesce(sums.older, 0)::bigint AS before, coalesce(sums.last_ms, known.from_ms) AS from_ms
FROM unnest(:accounts::text[], :befores::bigint[], :froms_ms::bigint[]) AS known(account, before, from_ms)
LEFT JOIN accounts a ON a.account = known.account
CROSS JOIN LATERAL (
    SELECT sum(amount) AS since, sum(amount) FILTER (WHERE at_ms < newest) AS older, max(newest) AS last_ms FROM (
        SELECT amount, at_ms, max(at_ms) OVER () AS newest FROM (
            SELECT amount, at_ms FROM transfers WHERE credit = known.account AND at_ms >= known.from_ms
            UNION ALL
            SELECT -amount, at_ms FROM transfers WHERE debit = known.account AND at_ms >= known.from_ms) AS moves) AS dated
) AS sums;

-- name: faults_of_tasks
-- Proofs paid twice, wrongly, without a proof, or not at all; payments beyond the escrow; a rest that ended tasks keep.
SELECT kind, task_id::text AS subject, detail FROM (
    -- Jobs and payments side by side, grouped: nothing that is looked up once for each job of a task.
    SELECT 'payment' AS kind, task_id, 'job ' || job_id || ' is ' || max(state) || ' and has ' || count(paid)
        || ' payments of ' || coalesce(sum(paid), 0) AS detail
    FROM (
        SELECT j.task_id, j.job_id, j.state, NULL::bigint AS paid,
            CASE j.state WHEN 'proven' THEN (l.sell_price > 0)::int::bigint ELSE 0 END AS number,
            CASE j.state WHEN 'proven' THEN l.sell_price::numeric * l.units ELSE 0 END AS amount
        FROM jobs j LEFT JOIN LATERAL (
            SELECT sell_price, units FROM leases WHERE lease_id = j.lease_id AND state = 'settled' LIMIT 1) AS l ON true
        WHERE j.task_id = ANY(:tasks::uuid[])
        UNION ALL
        SELECT task_id, job_id, NULL, amount, NULL, NULL FROM transfers
        WHERE task_id = ANY(:tasks::uuid[]) AND reason = 'proof') AS sides
    GROUP BY task_id, job_id
    HAVING max(state) IS NOT NULL
        AND (count(paid), coalesce(sum(paid), 0)) IS DISTINCT FROM (max(number), max(amount))
    UNION ALL
    SELECT 'escrow', t.task_id, 'set aside ' || t.escrow || ', paid or given back ' || out.amount
    FROM tasks t CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount), 0) AS amount FROM transfers WHERE debit = 'escrow:' || t.task_id::text) AS out
    WHERE t.task_id = ANY(:tasks::uuid[]) AND out.amount > t.escrow
    UNION ALL
    SELECT 'rest', t.task_id, 'it is ' || t.state || ' and its escrow still holds ' || a.balance
    FROM tasks t JOIN accounts a ON a.account = 'escrow:' || t.task_id::text
    WHERE t.task_id = ANY(:tasks::uuid[]) AND t.state IN (@tasks_ended) AND a.balance <> 0
    UNION ALL
    SELECT 'quote', t.task_id, 'it is ' || t.state || ', its firm quote is ' || q.state || ' and still holds ' || a.balance
    FROM tasks t JOIN firm_quotes q USING (quote_id) JOIN accounts a ON a.account = 'quote:' || q.quote_id::text
    WHERE t.task_id = ANY(:tasks::uuid[]) AND t.state IN (@tasks_ended)
      AND (q.state IN (@quotes_open) OR a.balance <> 0)
) AS found;
