-- name: bound_of_operators
-- By leases that are held, and by those that will come of seats in firm quotes.
SELECT operator, sum(stake_bound)::bigint AS bound FROM (
    SELECT operator, stake_bound FROM leases
    WHERE operator = ANY(:operators::text[]) AND stake_bound > 0 AND state IN (@leases_held)
    UNION ALL
    SELECT operator, stake_bound FROM firm_quote_seats
    WHERE operator = ANY(:operators::text[]) AND state = 'reserved') AS binding
GROUP BY operator;

-- name: chain_bonds
-- What stake on a chain adds to bonds, and whether the ledger's count beside it.
SELECT given.operator, behind.staked,
    NOT EXISTS (SELECT FROM chain_view WHERE mode = 'eigenlayer') AS counts_ledger
FROM unnest(:operators::text[]) AS given(operator) CROSS JOIN LATERAL stake_behind(given.operator) AS behind;

-- name: insert_unbonding
-- :delay_ms: until it is ready. Twice is once.
INSERT INTO unbondings (unbonding_id, operator, amount, rest, ready_ms)
VALUES (:unbonding_id, :operator, :amount, :amount, now_ms() + :delay_ms)
ON CONFLICT (unbonding_id) DO NOTHING RETURNING unbonding_id;

-- name: get_unbonding
SELECT amount FROM unbondings WHERE unbonding_id = :unbonding_id;

-- name: withdraw_unbondings
-- Under the lock of the accounts: what is ready.
UPDATE unbondings SET rest = 0, withdrawn_ms = now_ms() FROM unbondings AS was
WHERE was.unbonding_id = unbondings.unbonding_id AND unbondings.operator = :operator AND unbondings.rest > 0
  AND unbondings.ready_ms <= now_ms()
RETURNING was.unbonding_id, was.rest;

-- name: unbondings_of
SELECT unbonding_id, rest, ready_ms FROM unbondings WHERE operator = :operator AND rest > 0 ORDER BY since_ms, unbonding_id;
