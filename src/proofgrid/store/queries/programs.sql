-- fragment: shown
-- `audiences`: those that the reader belongs to; `shared_with`, `stored_bytes`: of an owner, told to nobody else.
SELECT p.digest, p.proof_system,
    coalesce(own.label, (
        SELECT o.label FROM program_shares AS s JOIN program_owners AS o USING (program_digest, owner)
        WHERE s.program_digest = p.digest AND is_meant(s.audience, :reader) ORDER BY o.since_ms LIMIT 1), '') AS label,
    p.manifest, p.slices, p.units, p.created_ms, own.owner IS NOT NULL AS is_owner,
    ARRAY(
        SELECT DISTINCT audience FROM program_shares WHERE program_digest = p.digest AND is_meant(audience, :reader)
        ORDER BY audience) AS audiences,
    ARRAY(
        SELECT audience FROM program_shares WHERE program_digest = p.digest AND owner = :reader ORDER BY audience
    ) AS shared_with,
    coalesce((
        SELECT sum(a.size_bytes) FROM program_files AS f JOIN artifacts AS a ON a.digest = f.digest AND a.owner = :reader
        WHERE f.program_digest = p.digest), 0)::bigint AS stored_bytes
FROM programs AS p LEFT JOIN program_owners AS own ON own.program_digest = p.digest AND own.owner = :reader

-- fragment: listed
SELECT program_digest FROM program_owners WHERE owner = :reader
    UNION SELECT program_digest FROM program_shares WHERE is_meant(audience, :reader)

-- name: insert_program
-- Registering the same content twice keeps the first build, as long as somebody owns it or it is being proven; each who
-- registers it is an owner.
WITH built AS (
    INSERT INTO programs (digest, proof_system, manifest, slices, units)
    VALUES (:digest, :proof_system, :manifest, :slices, :units)
    ON CONFLICT (digest) DO UPDATE SET manifest = excluded.manifest, slices = excluded.slices, units = excluded.units
    WHERE NOT EXISTS (SELECT 1 FROM program_owners WHERE program_digest = programs.digest)
      AND NOT EXISTS (SELECT 1 FROM tasks WHERE program_digest = programs.digest AND state IN (@tasks_open))
)
INSERT INTO program_owners (program_digest, owner, label) VALUES (:digest, :owner, :label)
ON CONFLICT (program_digest, owner) DO UPDATE SET label = excluded.label;

-- name: insert_program_files
-- :files: a JSON list, each with whose provers need it, and whether verifiers do.
INSERT INTO program_files (digest, program_digest, slices, is_for_verifiers)
SELECT digest, :program_digest, slices, is_for_verifiers
FROM jsonb_to_recordset(:files::jsonb) AS given(digest text, slices int[], is_for_verifiers boolean)
ON CONFLICT (digest, program_digest) DO UPDATE SET slices = excluded.slices, is_for_verifiers = excluded.is_for_verifiers;

-- name: forget_other_program_files
-- Those of a build that is replaced.
DELETE FROM program_files WHERE program_digest = :program_digest AND digest <> ALL(:files::text[]);

-- name: own_program_files
-- :digests, :sizes: of those that were stored just now. What the network owns, such as an SRS, nobody else is charged for.
INSERT INTO artifacts (digest, owner, size_bytes)
SELECT f.digest, :owner,
    coalesce(given.size_bytes, (SELECT max(a.size_bytes) FROM artifacts AS a WHERE a.digest = f.digest), 0)
FROM program_files AS f LEFT JOIN unnest(:digests::text[], :sizes::bigint[]) AS given(digest, size_bytes) USING (digest)
WHERE f.program_digest = :program_digest
  AND NOT EXISTS (SELECT 1 FROM artifacts AS a WHERE a.digest = f.digest AND a.owner = '')
ORDER BY f.digest
ON CONFLICT (digest, owner) DO UPDATE SET created_ms = excluded.created_ms, released = false;

-- name: get_program
SELECT digest, proof_system, manifest, slices, units, created_ms FROM programs WHERE digest = :digest;

-- name: program_access
-- What connects a :reader with a program. Nothing comes back for one that nobody owns.
SELECT EXISTS (SELECT 1 FROM program_owners WHERE program_digest = :digest AND owner = :reader) AS is_owner,
    ARRAY(
        SELECT DISTINCT audience FROM program_shares WHERE program_digest = :digest AND is_meant(audience, :reader)
        ORDER BY audience) AS audiences
FROM programs WHERE digest = :digest AND EXISTS (SELECT 1 FROM program_owners WHERE program_digest = :digest);

-- name: show_program
-- To a :reader, whoever that is; nothing comes back for one that nobody owns.
@shown WHERE p.digest = :digest AND EXISTS (SELECT 1 FROM program_owners WHERE program_digest = p.digest);

-- name: list_programs
-- Those that the :reader owns or may use, newest first, after the one that was made at :before_ms and has :before_id.
@shown WHERE p.digest IN (@listed) AND (p.created_ms, p.digest) < (:before_ms::bigint, :before_id::text)
ORDER BY p.created_ms DESC, p.digest DESC LIMIT :limit;

-- name: programs_between
-- The same of those with a digest from :low up to but not :high, by the primary key.
@shown WHERE p.digest >= :low AND p.digest < :high AND p.digest IN (@listed)
  AND (p.created_ms, p.digest) < (:before_ms::bigint, :before_id::text) ORDER BY p.created_ms DESC, p.digest DESC LIMIT :limit;

-- name: share_program
-- With :audiences. Nothing happens where the :owner is none.
INSERT INTO program_shares (program_digest, owner, audience)
SELECT o.program_digest, o.owner, audience FROM program_owners AS o, unnest(:audiences::text[]) AS given(audience)
WHERE o.program_digest = :digest AND o.owner = :owner ORDER BY audience
ON CONFLICT DO NOTHING;

-- name: unshare_program
-- With :audiences, or with everybody where :all.
DELETE FROM program_shares WHERE program_digest = :digest AND owner = :owner AND (:all OR audience = ANY(:audiences::text[]));

-- name: lock_program
-- Before somebody stops owning it: who registers it at this moment waits, or was first. Nothing comes back to who does not
-- own it.
SELECT EXISTS (SELECT 1 FROM program_owners AS o WHERE o.program_digest = p.digest AND o.owner <> :owner) AS has_other_owners
FROM programs AS p
WHERE p.digest = :digest AND EXISTS (SELECT 1 FROM program_owners AS o WHERE o.program_digest = p.digest AND o.owner = :owner)
FOR NO KEY UPDATE OF p;

-- name: tasks_of_program
-- `open_tasks`: so many, at most :count_max.
SELECT (SELECT count(*) FROM (
        SELECT FROM tasks WHERE program_digest = :digest AND state IN (@tasks_open) LIMIT :count_max) AS open) AS open_tasks,
    EXISTS (SELECT 1 FROM tasks WHERE program_digest = :digest) AS is_used;

-- name: disown_program
WITH gone AS (DELETE FROM program_owners WHERE program_digest = :digest AND owner = :owner)
UPDATE programs SET is_used = is_used OR :is_used WHERE digest = :digest;

-- name: release_program_files
-- The files of one program that its :owner needs for no other, but for those for verifiers where :keeps_verifying. What was
-- released counts until it is forgotten.
WITH files AS (
    SELECT a.digest, a.size_bytes, (:keeps_verifying AND f.is_for_verifiers) AS is_kept
    FROM program_files AS f JOIN artifacts AS a ON a.digest = f.digest AND a.owner = :owner
    WHERE f.program_digest = :digest AND NOT EXISTS (
        SELECT 1 FROM program_files AS too JOIN program_owners AS o ON o.program_digest = too.program_digest
        WHERE too.digest = f.digest AND too.program_digest <> :digest AND o.owner = :owner)
    ORDER BY a.digest FOR NO KEY UPDATE OF a
), released AS (
    UPDATE artifacts SET released = true FROM files
    WHERE artifacts.digest = files.digest AND artifacts.owner = :owner AND NOT files.is_kept
)
SELECT coalesce(sum(size_bytes) FILTER (WHERE NOT is_kept), 0)::bigint AS released_bytes,
    coalesce(sum(size_bytes) FILTER (WHERE is_kept), 0)::bigint AS kept_bytes
FROM files;
