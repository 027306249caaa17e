-- name: add_repair
INSERT INTO artifact_repairs (digest) VALUES (:digest) ON CONFLICT (digest) DO UPDATE SET since_ms = now_ms();

-- name: first_repairs
SELECT digest FROM artifact_repairs ORDER BY since_ms LIMIT :limit;

-- name: remove_repair
DELETE FROM artifact_repairs WHERE digest = :digest;
