-- name: list_rounds
-- Newest first, after the one that is named; an empty :lane means all.
SELECT lane, number, buy_price, sell_price, units, bids, asks, transcript_hash, signature, transcript, at_ms, next_reference,
    secret IS NOT NULL AS is_blinded FROM rounds
WHERE (:lane = '' OR lane = :lane) AND (at_ms, number, lane) < (:before_ms::bigint, :before_number::bigint, :before_lane::text)
ORDER BY at_ms DESC, number DESC, lane DESC LIMIT :limit;

-- name: get_round
SELECT transcript, secret FROM rounds WHERE lane = :lane AND number = :number;

-- name: rounds_of_export
-- The public rounds of a lane: how many, and which; from :first to :last and since :since_ms.
SELECT count(*) AS rounds, min(number) AS first, max(number) AS last FROM rounds
WHERE lane = :lane AND number BETWEEN :first AND :last AND at_ms >= :since_ms AND secret IS NOT NULL;

-- name: public_rounds
SELECT number, transcript, transcript_hash, signature FROM rounds
WHERE lane = :lane AND number BETWEEN :first AND :last AND secret IS NOT NULL ORDER BY number LIMIT :limit;

-- name: owner_of_order
-- Whose task, or whose prover, is it?
SELECT client AS owner FROM tasks WHERE task_id = :task_id
UNION ALL SELECT operator FROM provers WHERE prover_id = :prover_id LIMIT 1;
