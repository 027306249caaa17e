-- Programs belong to those who registered them, and their files to nobody else but the provers that need them
-- (docs/decisions/0069). `programs.owner` and `programs.label` are read no more: they were the first registrant's.

ALTER TABLE programs ALTER COLUMN owner SET DEFAULT '', ALTER COLUMN label SET DEFAULT '',
    ADD COLUMN is_used boolean NOT NULL DEFAULT false; -- noted when its last owner deletes it: there are tasks of it

CREATE TABLE program_owners (
    program_digest text   NOT NULL REFERENCES programs,
    owner          text   NOT NULL,
    label          text   NOT NULL DEFAULT '',
    since_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (program_digest, owner)
);
CREATE INDEX program_owners_by_owner ON program_owners (owner, since_ms DESC);

CREATE TABLE program_shares (
    program_digest text   NOT NULL,
    owner          text   NOT NULL,
    audience       text   NOT NULL, -- rules/access/programs.py
    since_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (program_digest, owner, audience),
    FOREIGN KEY (program_digest, owner) REFERENCES program_owners ON DELETE CASCADE
);
CREATE INDEX program_shares_by_audience ON program_shares (audience);

-- Programs from before are private, like new ones; whoever has used one goes on.
INSERT INTO program_owners (program_digest, owner, label, since_ms) SELECT digest, owner, label, created_ms FROM programs;
INSERT INTO program_shares (program_digest, owner, audience)
SELECT DISTINCT programs.digest, programs.owner, tasks.client FROM tasks JOIN programs ON programs.digest = tasks.program_digest
WHERE tasks.client NOT IN (programs.owner, '0x0000000000000000000000000000000000000000');

ALTER TABLE program_files
    ADD COLUMN slices           int[]   NOT NULL DEFAULT '{}',   -- and wraps: whose provers need it
    ADD COLUMN is_for_verifiers boolean NOT NULL DEFAULT false;  -- for everybody
UPDATE program_files AS f SET is_for_verifiers = named.is_for_verifiers, slices = named.slices
FROM (
    SELECT p.digest AS program_digest, n.digest, bool_or(p.manifest -> 'verifying_files' ? n.name) AS is_for_verifiers,
        ARRAY(
            SELECT DISTINCT (spec ->> 'index')::int AS slice
            FROM jsonb_array_elements((p.manifest -> 'slices') || coalesce(p.manifest -> 'wraps', '[]')) AS spec
            WHERE spec -> 'files' ?| array_agg(n.name) ORDER BY slice) AS slices
    FROM programs AS p, jsonb_each_text(p.manifest -> 'files') AS n(name, digest) GROUP BY p.digest, n.digest
) AS named
WHERE f.program_digest = named.program_digest AND f.digest = named.digest;

-- Files of programs were the network's. Trust roots (srs) stay it.
CREATE TEMPORARY TABLE roots ON COMMIT DROP AS
SELECT DISTINCT n.digest FROM programs, jsonb_each_text(manifest -> 'files') AS n(name, digest) WHERE n.name ~ '(^|/)srs(\.|$)';
INSERT INTO artifacts (digest, owner, size_bytes, created_ms)
SELECT f.digest, p.owner, a.size_bytes, a.created_ms
FROM program_files f JOIN programs p ON p.digest = f.program_digest JOIN artifacts a ON a.digest = f.digest AND a.owner = ''
WHERE f.digest NOT IN (SELECT digest FROM roots)
ON CONFLICT DO NOTHING;
DELETE FROM artifacts USING program_files f
WHERE artifacts.owner = '' AND artifacts.digest = f.digest AND f.digest NOT IN (SELECT digest FROM roots);

ALTER TABLE artifacts ADD COLUMN released boolean NOT NULL DEFAULT false; -- its owner wants it no more
CREATE INDEX artifacts_released ON artifacts (digest) WHERE released;
