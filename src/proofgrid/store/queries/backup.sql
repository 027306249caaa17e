-- name: every_artifact
SELECT DISTINCT digest FROM artifacts ORDER BY digest;

-- name: database_has_tables
SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public');
