-- What stake on a chain adds to an operator's bond: what it stands for while it is fresh, less what is owed there. One row,
-- to be joined LATERAL: the planner then makes it a part of the query that asks, and asks nothing where there is no chain.
CREATE OR REPLACE FUNCTION stake_behind(who text) RETURNS TABLE (staked bigint) LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT greatest(0, s.staked - coalesce((SELECT sum(d.amount) FROM chain_debts d
            WHERE d.operator = who AND d.state IN (@debts_waiting)), 0))::bigint
        FROM chain_view v, chain_stakes s WHERE s.operator = who AND v.mode <> 'ledger' AND v.fresh_until_ms > now_ms()), 0)
$$;
