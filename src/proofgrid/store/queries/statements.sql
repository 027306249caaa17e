-- name: statement_opening
-- :owner: whose tasks, :accounts: the owner's own, :from_ms: from when. What all accounts of the owner held together then: what
-- they hold now, without what moved since. The escrow of a task that had ended before (a minute is far longer than the
-- transaction that ends one) was empty. `rescue` owns what slashed bonds hold for those who prove the jobs after all,
-- `quote` what firm quotes hold, and the escrows of tasks that were redeemed with one: what comes back goes there.
WITH own AS (
    SELECT unnest(:accounts::text[]) AS account
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE client = :owner AND quote_id IS NULL AND (finished_ms IS NULL OR finished_ms >= :from_ms::bigint - 60000)
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE :owner = 'quote' AND quote_id IS NOT NULL AND (finished_ms IS NULL OR finished_ms >= :from_ms::bigint - 60000)
    UNION ALL
    SELECT account FROM accounts WHERE :owner IN ('rescue', 'quote') AND account LIKE :owner || ':%'
)
SELECT coalesce(sum(coalesce((SELECT balance FROM accounts WHERE accounts.account = own.account), 0)
    + coalesce((SELECT sum(amount) FROM transfers WHERE debit = own.account AND at_ms >= :from_ms), 0)
    - coalesce((SELECT sum(amount) FROM transfers WHERE credit = own.account AND at_ms >= :from_ms), 0)), 0)::bigint
FROM own;

-- name: statement_movements
-- As above, until :to_ms. A transfer between two accounts of the owner is two movements. :after_*: the movement after which
-- this page begins. An account's transfers are posted under its lock, so their times are in order.
WITH own AS (
    SELECT unnest(:accounts::text[]) AS account
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE client = :owner AND quote_id IS NULL AND (finished_ms IS NULL OR finished_ms >= :from_ms::bigint - 60000)
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE :owner = 'quote' AND quote_id IS NOT NULL AND (finished_ms IS NULL OR finished_ms >= :from_ms::bigint - 60000)
    UNION ALL
    SELECT account FROM accounts WHERE :owner IN ('rescue', 'quote') AND account LIKE :owner || ':%'
), moved AS (
    SELECT found.* FROM own CROSS JOIN LATERAL (
        SELECT own.account, credit AS counter, -amount AS amount, at_ms, transfer_id, reason, task_id, job_id, lane, round
        FROM transfers WHERE debit = own.account AND at_ms >= greatest(:from_ms, :after_ms) AND at_ms < :to_ms
        UNION ALL
        SELECT own.account, debit, amount, at_ms, transfer_id, reason, task_id, job_id, lane, round
        FROM transfers WHERE credit = own.account AND at_ms >= greatest(:from_ms, :after_ms) AND at_ms < :to_ms) AS found
    WHERE (found.at_ms, found.transfer_id, found.amount) > (:after_ms::bigint, :after_id::text, :after_amount::bigint)
    ORDER BY at_ms, transfer_id, amount LIMIT :limit
)
SELECT moved.at_ms, moved.transfer_id, moved.account, moved.counter, moved.amount, moved.reason, moved.task_id, moved.job_id,
    moved.lane, moved.round, jobs.units FROM moved LEFT JOIN jobs USING (job_id) ORDER BY at_ms, transfer_id, amount;
