-- name: insert_webhook
INSERT INTO webhook_endpoints (endpoint_id, owner, url, kinds, secret)
SELECT :endpoint_id, :owner, :url, :kinds::text[], :secret
WHERE (SELECT count(*) FROM webhook_endpoints WHERE owner = :owner) < :most RETURNING endpoint_id;

-- name: lock_webhooks_of
-- Whoever makes an endpoint for the same owner waits for the commit.
SELECT pg_advisory_xact_lock(hashtextextended('webhooks:' || :owner, 0));

-- name: list_webhooks
-- Newest first, with what waits; after the one that was made at :before_ms and has :before_id.
SELECT e.endpoint_id, e.owner, e.url, e.kinds, e.secret, e.created_ms, e.disabled_ms, e.disabled_why,
    (SELECT count(*) FROM webhook_deliveries d WHERE d.endpoint_id = e.endpoint_id AND d.state = 'waiting') AS waiting
FROM webhook_endpoints AS e
WHERE e.owner = :owner AND (e.created_ms, e.endpoint_id) < (:before_ms::bigint, :before_id::uuid)
ORDER BY e.created_ms DESC, e.endpoint_id DESC LIMIT :limit;

-- name: remove_webhook
DELETE FROM webhook_endpoints WHERE endpoint_id = :endpoint_id AND owner = :owner RETURNING endpoint_id;

-- name: list_deliveries
-- Of an owner's endpoint, newest first, by what happened to each last; after the one that is named.
SELECT d.task_id AS subject_id, d.seq, v.kind, d.state, d.attempts, d.due_ms, d.status, d.answer, d.at_ms
FROM webhook_endpoints AS e JOIN webhook_deliveries AS d USING (endpoint_id)
    JOIN told_events AS v ON v.subject_id = d.task_id AND v.seq = d.seq
WHERE e.owner = :owner AND e.endpoint_id = :endpoint_id
  AND (d.at_ms, d.task_id, d.seq) < (:before_ms::bigint, :before_id::uuid, :before_seq::bigint)
ORDER BY d.at_ms DESC, d.task_id DESC, d.seq DESC LIMIT :limit;

-- name: enable_webhook
UPDATE webhook_endpoints SET disabled_ms = NULL, disabled_why = '', failing_ms = NULL
WHERE endpoint_id = :endpoint_id AND owner = :owner RETURNING endpoint_id;

-- name: replay_deliveries
-- What failed, and with :since_ms what was delivered since, is sent again, in order; what waits is tried now.
UPDATE webhook_deliveries AS d SET state = 'waiting', attempts = 0, due_ms = 0, at_ms = now_ms()
FROM told_events AS v WHERE d.endpoint_id = :endpoint_id AND v.subject_id = d.task_id AND v.seq = d.seq
  AND (d.state <> 'delivered' OR :since_ms::bigint > 0 AND v.at_ms >= :since_ms) RETURNING d.seq;

-- name: claim_deliveries
-- The first that waits of each endpoint and task, where it is due; whoever claims it has :lease_ms to say what became of it.
WITH due AS (
    SELECT d.endpoint_id, d.task_id, d.seq FROM webhook_deliveries AS d JOIN webhook_endpoints AS e USING (endpoint_id)
    WHERE d.state = 'waiting' AND d.due_ms <= :now_ms AND e.disabled_ms IS NULL
      AND NOT EXISTS (SELECT FROM webhook_deliveries AS first WHERE first.endpoint_id = d.endpoint_id
          AND first.task_id = d.task_id AND first.state = 'waiting' AND first.seq < d.seq)
    ORDER BY d.due_ms LIMIT :limit FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE webhook_deliveries AS d SET due_ms = :now_ms + :lease_ms, attempts = d.attempts + 1 FROM due
    WHERE (d.endpoint_id, d.task_id, d.seq) = (due.endpoint_id, due.task_id, due.seq)
    RETURNING d.endpoint_id, d.task_id, d.seq, d.attempts
)
SELECT c.endpoint_id, c.task_id, c.seq, c.attempts, e.owner, e.url, e.secret, v.kind, v.data, v.at_ms
FROM claimed AS c JOIN webhook_endpoints AS e USING (endpoint_id)
    JOIN told_events AS v ON v.subject_id = c.task_id AND v.seq = c.seq;

-- name: webhook_backlog
-- What waits for endpoints that are not disabled, and for how long the oldest of it has; 0: nothing.
SELECT count(*) AS waiting, coalesce(now_ms() - min(v.at_ms), 0)::bigint AS oldest_ms
FROM webhook_deliveries AS d JOIN webhook_endpoints AS e USING (endpoint_id)
    JOIN told_events AS v ON v.subject_id = d.task_id AND v.seq = d.seq
WHERE d.state = 'waiting' AND e.disabled_ms IS NULL;

-- name: note_delivery
-- Nothing where it was replayed or claimed by another gateway meanwhile (:attempts), whose answer counts.
UPDATE webhook_deliveries SET state = :state, due_ms = :due_ms, status = :status, answer = :answer, at_ms = :now_ms
WHERE endpoint_id = :endpoint_id AND task_id = :task_id AND seq = :seq AND state = 'waiting' AND attempts = :attempts;

-- name: note_endpoint
-- An endpoint that took something is well; one that took nothing for :fails_max_ms, or is gone, is disabled.
UPDATE webhook_endpoints SET failing_ms = CASE WHEN :took::boolean THEN NULL ELSE coalesce(failing_ms, :now_ms) END,
    disabled_ms = CASE WHEN NOT :took::boolean AND (:is_gone::boolean OR failing_ms <= :now_ms - :fails_max_ms::bigint)
        THEN :now_ms END,
    disabled_why = CASE WHEN :took::boolean THEN '' WHEN :is_gone::boolean THEN 'it says that it is gone'
        WHEN failing_ms <= :now_ms - :fails_max_ms::bigint THEN 'it took nothing for days' ELSE '' END
WHERE endpoint_id = :endpoint_id AND disabled_ms IS NULL AND (NOT :took::boolean OR failing_ms IS NOT NULL)
RETURNING disabled_ms IS NOT NULL AS was_disabled;

-- name: forget_deliveries
-- What was delivered or given up long ago.
DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND at_ms < :before_ms;
