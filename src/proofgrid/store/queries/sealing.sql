-- name: sealing_provers
-- Connected provers of an engine and a subnetwork that have a key to seal for which lives on for :life_ms.
SELECT s.prover_id, s.operator, s.region, s.confinement, behind.usable AS stake, s.sealing_key AS key,
    s.sealing_until_ms AS until_ms, s.sealing_signature AS signature
FROM sessions s JOIN gateways g USING (gateway_id) LEFT JOIN accounts bond ON bond.account = 'stake:' || s.operator
    CROSS JOIN LATERAL bond_behind(s.operator, bond.balance) AS behind
WHERE s.open AND NOT s.draining AND s.asks ? :engine AND :subnetwork = ANY(s.subnetworks)
    AND g.seen_ms > now_ms() - :gateway_silent_ms AND s.sealing_until_ms > now_ms() + :life_ms
ORDER BY s.prover_id LIMIT :limit;
