-- name: open_vault_view
-- Which vault this network's money is in; never changed.
INSERT INTO vault_view (chain_id, vault, token, unit, delay_blocks, silence_blocks)
VALUES (:chain_id, :vault, :token, :unit, :delay_blocks, :silence_blocks)
ON CONFLICT (one) DO UPDATE SET chain_id = excluded.chain_id
WHERE (vault_view.chain_id, vault_view.vault, vault_view.unit) = (excluded.chain_id, excluded.vault, excluded.unit)
RETURNING chain_id;

-- name: get_vault_view
SELECT chain_id, vault, token, unit, delay_blocks, silence_blocks, final, newest, last_posted, is_frozen FROM vault_view;

-- name: lock_vault_view
SELECT final FROM vault_view FOR UPDATE;

-- name: vault_was_read
UPDATE vault_view SET final = :final, newest = :newest, last_posted = :last_posted, is_frozen = :is_frozen;

-- name: next_deposit
SELECT coalesce(max(number) + 1, 0) FROM vault_deposits;

-- name: note_deposit
-- Once, and only the one that is next.
INSERT INTO vault_deposits (number, account, payer, amount, transaction)
SELECT :number, :account, :payer, :amount, :transaction
WHERE :number = (SELECT coalesce(max(number) + 1, 0) FROM vault_deposits)
ON CONFLICT (number) DO NOTHING RETURNING number;

-- name: payables
-- Whom something is payable to, or was ever paid, with what was claimed of it.
SELECT coalesce(p.account, c.account) AS account, coalesce(p.balance, 0) AS payable, coalesce(c.claimed, 0) AS claimed
FROM (SELECT substr(account, 9) AS account, balance FROM accounts WHERE account LIKE 'payable:%') AS p
FULL JOIN vault_claims c ON c.account = p.account WHERE coalesce(p.balance, 0) + coalesce(c.claimed, 0) > 0 ORDER BY 1;

-- name: note_claim
-- What was claimed in all: only ever more.
INSERT INTO vault_claims (account, claimed) VALUES (:account, :claimed)
ON CONFLICT (account) DO UPDATE SET claimed = excluded.claimed WHERE vault_claims.claimed = :was RETURNING account;

-- name: owed_to_everybody
-- What everybody would be owed if the network ended now, in one moment, with what is payable besides. Of the treasury
-- and of the network's own tasks: nobody's. An open task's escrow is its client's; a firm quote's pledges are the
-- operators' who pledged, and the rest its client's.
WITH held AS (
    SELECT account, split_part(account, ':', 1) AS kind, substr(account, strpos(account, ':') + 1) AS whose, balance
    FROM accounts WHERE balance > 0
), pledged AS (
    SELECT h.whose AS quote, substr(t.debit, 7) AS operator, t.amount
    FROM held h JOIN transfers t ON t.credit = h.account AND t.reason = 'quote_pledge' WHERE h.kind = 'quote'
), found AS (
    SELECT whose AS owner, balance AS owed, 0::bigint AS payable FROM held
    WHERE kind IN ('client', 'operator', 'stake', 'unbonding')
    UNION ALL SELECT whose, 0, balance FROM held WHERE kind = 'payable'
    UNION ALL SELECT t.client, h.balance, 0 FROM held h JOIN tasks t ON t.task_id::text = h.whose WHERE h.kind = 'escrow'
    UNION ALL SELECT t.client, h.balance, 0 FROM held h JOIN jobs j ON j.job_id::text = h.whose JOIN tasks t USING (task_id)
    WHERE h.kind = 'rescue'
    UNION ALL SELECT operator, amount, 0 FROM pledged
    UNION ALL SELECT q.client, h.balance - coalesce((SELECT sum(amount) FROM pledged p WHERE p.quote = h.whose), 0), 0
    FROM held h JOIN firm_quotes q ON q.quote_id::text = h.whose WHERE h.kind = 'quote'
    UNION ALL SELECT 'treasury', balance, 0 FROM held WHERE kind = 'treasury'
)
SELECT owner, sum(owed)::bigint AS owed, sum(payable)::bigint AS payable,
    (SELECT coalesce(sum(balance), 0)::bigint FROM held) AS held
FROM found GROUP BY owner ORDER BY owner;

-- name: rounds_between
-- What the digest of a batch's records is made of.
SELECT lane, number, transcript_hash FROM rounds WHERE at_ms >= :from_ms AND at_ms < :to_ms ORDER BY lane, number;

-- name: records_said_to
-- Up to when rounds are in records that are, or will be, in the contract.
SELECT coalesce(max(to_ms), 0) FROM vault_batches WHERE state <> 'refused';

-- name: last_batch
SELECT sequence, payouts, balances, deposits_seen, payouts_total, to_ms, state, number, in_force_at, made_ms
FROM vault_batches ORDER BY sequence DESC LIMIT 1;

-- name: open_batches
SELECT sequence, payouts, balances, deposits_seen, payouts_total, to_ms, state, number, in_force_at, made_ms
FROM vault_batches WHERE state IN ('wanted', 'posted', 'final') ORDER BY sequence;

-- name: closed_numbers
-- In the contract, of batches that nothing is noted of any more.
SELECT number FROM vault_batches WHERE state IN ('in_force', 'struck') AND number IS NOT NULL ORDER BY number DESC LIMIT :limit;

-- name: add_batch
INSERT INTO vault_batches (sequence, file, payouts, balances, deposits_seen, payouts_total, to_ms)
VALUES (:sequence, :file, :payouts, :balances, :deposits_seen, :payouts_total, :to_ms)
ON CONFLICT (sequence) DO NOTHING RETURNING sequence;

-- name: note_batch
UPDATE vault_batches SET state = :state, number = :number, in_force_at = :in_force_at
WHERE sequence = :sequence AND state = :was RETURNING sequence;

-- name: wanted_files
-- Of batches that are in no block yet, as far as was seen.
SELECT sequence, file FROM vault_batches WHERE state = 'wanted' ORDER BY sequence;

-- name: forget_batch_files
UPDATE vault_batches SET file = '' WHERE sequence < :below AND file <> '';

-- name: batch_to_claim_by
-- The file by which claims go now: the newest that is in force and not struck; or a certain one.
SELECT b.sequence, b.file, b.number, b.in_force_at FROM vault_batches b, vault_view v
WHERE b.number IS NOT NULL AND b.file <> '' AND b.state <> 'struck'
    AND CASE WHEN :number::bigint < 0 THEN b.state IN ('final', 'in_force') AND b.in_force_at <= v.newest ELSE b.number = :number END
ORDER BY b.number DESC LIMIT 1;

-- name: payable_of
SELECT coalesce((SELECT balance FROM accounts WHERE account = 'payable:' || :account), 0) AS payable,
    coalesce((SELECT claimed FROM vault_claims WHERE account = :account), 0) AS claimed,
    coalesce((SELECT max(number) FROM vault_batches WHERE state IN ('final', 'in_force')), -1) AS last_batch;

-- name: stops_batches
SELECT EXISTS (SELECT FROM incidents WHERE kind = 'vault' AND closed_ms IS NULL);
