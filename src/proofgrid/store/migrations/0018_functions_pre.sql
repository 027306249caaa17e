-- Functions stand in store/functions now, one file each, and the migrator keeps the database's like those files
-- (docs/decisions/0023). This one nobody calls: events are written many at once (queries/tasks.sql).
DROP FUNCTION append_event(uuid, text, jsonb);
