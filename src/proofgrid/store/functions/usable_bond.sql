-- What leases of an operator may bind: its bond in the ledger, and what it has staked on a chain. $2: the ledger's, which
-- callers have at hand. A network whose stake is on a chain alone counts no bond of the ledger.
CREATE OR REPLACE FUNCTION usable_bond(who text, ledger bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM chain_view WHERE mode = 'eigenlayer') THEN 0 ELSE coalesce(ledger, 0) END
        + chain_bond(who)
$$;
