-- name: statement_opening
-- $1: whose tasks, $2: the owner's own accounts, $3: from when, ms. What all accounts of the owner held together then: what
-- they hold now, without what moved since. The escrow of a task that had ended before (a minute is far longer than the
-- transaction that ends one) was empty. `rescue` owns what slashed bonds hold for those who prove the jobs after all,
-- `quote` what firm quotes hold, and the escrows of tasks that were redeemed with one: the network pays those.
WITH own AS (
    SELECT unnest($2::text[]) AS account
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE client = $1 AND quote_id IS NULL AND (finished_ms IS NULL OR finished_ms >= $3::bigint - 60000)
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE $1 = 'quote' AND quote_id IS NOT NULL AND (finished_ms IS NULL OR finished_ms >= $3::bigint - 60000)
    UNION ALL
    SELECT account FROM accounts WHERE $1 IN ('rescue', 'quote') AND account LIKE $1 || ':%'
)
SELECT coalesce(sum(coalesce((SELECT balance FROM accounts WHERE accounts.account = own.account), 0)
    + coalesce((SELECT sum(amount) FROM transfers WHERE debit = own.account AND at_ms >= $3), 0)
    - coalesce((SELECT sum(amount) FROM transfers WHERE credit = own.account AND at_ms >= $3), 0)), 0)::bigint
FROM own;

-- name: statement_movements
-- As above, until $4. A transfer between two accounts of the owner is two movements. $5, $6, $7: the movement after which
-- this page begins; $8: how many. An account's transfers are posted under its lock, so their times are in order.
WITH own AS (
    SELECT unnest($2::text[]) AS account
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE client = $1 AND quote_id IS NULL AND (finished_ms IS NULL OR finished_ms >= $3::bigint - 60000)
    UNION ALL
    SELECT 'escrow:' || task_id::text FROM tasks
    WHERE $1 = 'quote' AND quote_id IS NOT NULL AND (finished_ms IS NULL OR finished_ms >= $3::bigint - 60000)
    UNION ALL
    SELECT account FROM accounts WHERE $1 IN ('rescue', 'quote') AND account LIKE $1 || ':%'
), moved AS (
    SELECT found.* FROM own CROSS JOIN LATERAL (
        SELECT own.account, credit AS counter, -amount AS amount, at_ms, transfer_id, reason, task_id, job_id, lane, round
        FROM transfers WHERE debit = own.account AND at_ms >= greatest($3, $5) AND at_ms < $4
        UNION ALL
        SELECT own.account, debit, amount, at_ms, transfer_id, reason, task_id, job_id, lane, round
        FROM transfers WHERE credit = own.account AND at_ms >= greatest($3, $5) AND at_ms < $4) AS found
    WHERE (found.at_ms, found.transfer_id, found.amount) > ($5::bigint, $6::text, $7::bigint)
    ORDER BY at_ms, transfer_id, amount LIMIT $8
)
SELECT moved.*, jobs.units FROM moved LEFT JOIN jobs USING (job_id) ORDER BY at_ms, transfer_id, amount;
