-- name: insert_program
-- Registering the same content twice keeps the first build.
INSERT INTO programs (digest, proof_system, owner, label, manifest, slices, units)
VALUES (:digest, :proof_system, :owner, :label, :manifest, :slices, :units) ON CONFLICT (digest) DO NOTHING;

-- name: insert_program_files
INSERT INTO program_files (digest, program_digest)
SELECT DISTINCT d, :program_digest FROM unnest(:files::text[]) AS given(d) ON CONFLICT DO NOTHING;

-- name: get_program
SELECT digest, proof_system, label, manifest, slices, units, created_ms FROM programs WHERE digest = :digest;

-- name: list_programs
SELECT digest, proof_system, label, manifest, slices, units, created_ms FROM programs ORDER BY created_ms DESC LIMIT :limit;

-- name: programs_between
-- Those with a digest from :low up to but not :high, by the primary key; newest first.
SELECT digest, proof_system, label, manifest, slices, units, created_ms FROM programs
WHERE digest >= :low AND digest < :high ORDER BY created_ms DESC LIMIT :limit;
