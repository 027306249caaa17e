-- name: every_artifact
-- That is stored outside the database: what lives in a row is part of the dump.
SELECT DISTINCT digest FROM artifacts WHERE content IS NULL ORDER BY digest;

-- name: database_has_tables
SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public');
