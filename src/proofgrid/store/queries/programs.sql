-- name: insert_program
-- Registering the same content twice keeps the first build.
INSERT INTO programs (digest, proof_system, owner, label, manifest, slices, units)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING;

-- name: insert_program_files
INSERT INTO program_files (digest, program_digest)
SELECT DISTINCT d, $1 FROM unnest($2::text[]) AS given(d) ON CONFLICT DO NOTHING;

-- name: get_program
SELECT * FROM programs WHERE digest = $1;

-- name: list_programs
SELECT * FROM programs ORDER BY created_ms DESC LIMIT $1;
