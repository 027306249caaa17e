-- name: note_acts
INSERT INTO audit_entries (act, caller, peer, what, outcome, count)
SELECT * FROM unnest(:acts::text[], :callers::text[], :peers::text[], :whats::jsonb[], :outcomes::text[], :counts::bigint[]);

-- name: lock_audit_log
-- One gateway at a time gives out places.
SELECT pg_advisory_xact_lock(hashtextextended('audit log', 0))::text;

-- name: waiting_audit_entries
SELECT entry_id, act, caller, peer, what, outcome, count, at_ms FROM audit_entries
WHERE position IS NULL ORDER BY entry_id LIMIT :limit;

-- name: has_waiting_audit_entries
SELECT EXISTS (SELECT FROM audit_entries WHERE position IS NULL);

-- name: place_audit_entries
UPDATE audit_entries SET position = placed.position, spelled = placed.spelled, leaf = placed.leaf
FROM unnest(:entry_ids::bigint[], :positions::bigint[], :spelled::bytea[], :leaves::bytea[])
    AS placed (entry_id, position, spelled, leaf)
WHERE audit_entries.entry_id = placed.entry_id;

-- name: latest_audit_checkpoint
SELECT size, roots, note FROM audit_checkpoints ORDER BY size DESC LIMIT 1;

-- name: add_audit_checkpoint
INSERT INTO audit_checkpoints (size, roots, note) VALUES (:size, :roots, :note);

-- name: list_audit_entries
-- Newest first, before a place.
SELECT position, spelled FROM audit_entries
WHERE position < :before AND (:caller = '' OR caller = :caller) AND (:act = '' OR act = :act) AND at_ms >= :since_ms
ORDER BY position DESC LIMIT :limit;

-- name: audit_spelled
SELECT spelled FROM audit_entries WHERE position >= :first AND position < :beyond ORDER BY position;

-- name: audit_leaves
SELECT leaf FROM audit_entries WHERE position >= :first AND position < :beyond ORDER BY position;
