-- name: post_transfers
SELECT post_transfers(:transfers);

-- name: balance
SELECT balance FROM accounts WHERE account = :account;

-- name: balances
SELECT account, balance FROM accounts WHERE account = ANY(:accounts::text[]);

-- name: lock_accounts
-- In the order of their names.
SELECT account, balance FROM accounts WHERE account = ANY(:accounts::text[]) ORDER BY account FOR UPDATE;

-- name: escrowed_of_client
SELECT coalesce(sum(a.balance), 0)::bigint FROM tasks t JOIN accounts a ON a.account = 'escrow:' || t.task_id::text
WHERE t.client = :client AND t.state IN (@tasks_open) AND t.quote_id IS NULL;

-- name: transfers_of_account
-- Newest first, of an address's accounts as a client and as an operator.
SELECT transfer_id, debit, credit, amount, reason, task_id, job_id, lane, round, at_ms FROM transfers
WHERE debit IN (:client, :operator) OR credit IN (:client, :operator) ORDER BY at_ms DESC, transfer_id LIMIT :limit;

-- name: ledger_sums
SELECT coalesce(sum(balance), 0)::bigint AS sum,
    coalesce(-sum(balance) FILTER (WHERE account = 'mint'), 0)::bigint AS minted,
    coalesce(sum(balance) FILTER (WHERE account <> 'mint'), 0)::bigint AS held
FROM accounts;

-- name: ledger_faults
-- Accounts whose balance is not the sum of their transfers; escrow and rescuers' parts left behind by ended tasks;
-- firm quotes that
-- ended with money left; unbondings that are not what their operators' accounts hold.
SELECT 'the balance of ' || a.account || ' is ' || a.balance || ', its transfers say ' || t.net AS fault
FROM accounts a CROSS JOIN LATERAL (
    SELECT coalesce((SELECT sum(amount) FROM transfers WHERE credit = a.account), 0)
         - coalesce((SELECT sum(amount) FROM transfers WHERE debit = a.account), 0) AS net) AS t
WHERE a.balance <> t.net
UNION ALL
SELECT 'task ' || t.task_id || ' is ' || t.state || ' and its escrow still holds ' || a.balance
FROM tasks t JOIN accounts a ON a.account = 'escrow:' || t.task_id::text
WHERE t.state IN (@tasks_ended) AND a.balance <> 0
UNION ALL
SELECT 'task ' || t.task_id || ' is ' || t.state || ' and ' || a.account || ' still holds ' || a.balance
FROM (SELECT DISTINCT task_id, job_id FROM evidence) AS e JOIN tasks t USING (task_id)
JOIN accounts a ON a.account = 'rescue:' || e.job_id::text
WHERE t.state IN (@tasks_ended) AND a.balance <> 0
UNION ALL
SELECT 'the firm quote ' || q.quote_id || ' is ' || q.state || ' and its account still holds ' || a.balance
FROM firm_quotes q JOIN accounts a ON a.account = 'quote:' || q.quote_id::text
WHERE q.state NOT IN (@quotes_open) AND a.balance <> 0
UNION ALL
SELECT 'unbonding:' || coalesce(u.operator, substr(a.account, 11)) || ' holds ' || coalesce(a.balance, 0)
    || ', its unbondings say ' || coalesce(u.rest, 0)
FROM (SELECT operator, sum(rest)::bigint AS rest FROM unbondings GROUP BY operator) AS u
FULL JOIN (SELECT account, balance FROM accounts WHERE account LIKE 'unbonding:%') AS a
    ON a.account = 'unbonding:' || u.operator
WHERE coalesce(a.balance, 0) <> coalesce(u.rest, 0);

-- name: open_account
-- With nothing in it, where nothing was ever posted on it.
INSERT INTO accounts (account) VALUES (:account) ON CONFLICT DO NOTHING;

-- name: set_low_balance
-- The account's row is locked. Who is below it already is told when it falls there again.
INSERT INTO low_balances (account, owner, amount, is_low)
SELECT account, :owner, :amount::bigint, balance < :amount FROM accounts WHERE account = :account
ON CONFLICT (account) DO UPDATE SET amount = excluded.amount, is_low = excluded.is_low;

-- name: low_balance_of
SELECT amount, is_low FROM low_balances WHERE account = :account;
