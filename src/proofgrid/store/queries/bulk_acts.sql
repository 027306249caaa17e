-- name: get_bulk_act
-- What a key was used for.
SELECT request_digest, matching, task_ids FROM bulk_acts WHERE client = :client AND idempotency_key = :idempotency_key;

-- name: insert_bulk_act
-- Nothing comes back where the key was used by another call a moment ago. What is :keep_ms old is forgotten.
WITH forgotten AS (
    DELETE FROM bulk_acts WHERE client = :client AND at_ms < now_ms() - :keep_ms::bigint AND idempotency_key <> :idempotency_key
)
INSERT INTO bulk_acts (client, idempotency_key, request_digest, matching, task_ids)
VALUES (:client, :idempotency_key, :request_digest, :matching, :task_ids::uuid[])
ON CONFLICT DO NOTHING RETURNING matching;
