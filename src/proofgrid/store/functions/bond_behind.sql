-- What leases of an operator may bind: its bond in the ledger, and what it has staked on a chain. `ledger`: the ledger's, which
-- callers have at hand. A network whose stake is on a chain alone counts no bond of the ledger. Joined as stake_behind is.
CREATE OR REPLACE FUNCTION bond_behind(who text, ledger bigint) RETURNS TABLE (usable bigint) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM chain_view WHERE mode = 'eigenlayer') THEN 0 ELSE coalesce(ledger, 0) END
        + chain.staked FROM stake_behind(who) AS chain
$$;
