-- name: take_anchor_turn
SELECT pg_try_advisory_lock(:key);

-- name: open_chain_view
-- Which chain and service this network's stake is on; never changed while anything of another one is known.
INSERT INTO chain_view (chain_id, avs, mode, horizon) VALUES (:chain_id, :avs, :mode, :horizon)
ON CONFLICT (one) DO UPDATE SET mode = excluded.mode, horizon = excluded.horizon
WHERE chain_view.chain_id = excluded.chain_id AND chain_view.avs = excluded.avs
RETURNING chain_id;

-- name: get_chain_view
SELECT chain_id, avs, mode, horizon, read_ms, fresh_until_ms, trouble, now_ms() AS now_ms,
    coalesce((SELECT min(number) FROM chain_blocks), 0) AS final, coalesce((SELECT max(number) FROM chain_blocks), 0) AS newest
FROM chain_view;

-- name: kept_blocks
SELECT number, hash FROM chain_blocks ORDER BY number;

-- name: undo_blocks
DELETE FROM chain_blocks WHERE number > :above;

-- name: add_block
INSERT INTO chain_blocks (number, hash) VALUES (:number, :hash);

-- name: add_stake_samples
INSERT INTO stake_samples (block, cold, signer, slashable)
SELECT :block, cold, signer, slashable FROM unnest(:colds::text[], :signers::text[], :slashables::bigint[]) AS given(cold, signer, slashable);

-- name: forget_blocks
DELETE FROM chain_blocks WHERE number < :below;

-- name: stake_samples
SELECT block, cold, signer, slashable FROM stake_samples ORDER BY cold, block;

-- name: show_stakes
-- Whoever is not among them has no stake any more. An account to lock for each: rounds that sell at once take turns there.
WITH given AS (
    SELECT * FROM unnest(:operators::text[], :colds::text[], :stakes::bigint[], :leavings::boolean[]) AS g(operator, cold, staked, leaving)
), gone AS (
    DELETE FROM chain_stakes WHERE NOT operator = ANY(:operators::text[])
), locks AS (
    INSERT INTO accounts (account, balance) SELECT 'stake:' || operator, 0 FROM given ON CONFLICT (account) DO NOTHING
)
INSERT INTO chain_stakes (operator, cold, staked, leaving) SELECT operator, cold, staked, leaving FROM given
ON CONFLICT (operator) DO UPDATE SET cold = excluded.cold, staked = excluded.staked, leaving = excluded.leaving
WHERE (chain_stakes.cold, chain_stakes.staked, chain_stakes.leaving) IS DISTINCT FROM (excluded.cold, excluded.staked, excluded.leaving);

-- name: chain_was_read
UPDATE chain_view SET read_ms = now_ms(), fresh_until_ms = now_ms() + :fresh_ms, trouble = '';

-- name: chain_troubles
UPDATE chain_view SET trouble = :trouble WHERE trouble <> :trouble;

-- name: chain_stakes
SELECT operator, cold, s.staked, leaving, behind.staked AS usable
FROM chain_stakes s CROSS JOIN LATERAL stake_behind(operator) AS behind ORDER BY operator;
