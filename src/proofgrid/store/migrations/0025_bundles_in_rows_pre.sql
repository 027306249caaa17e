-- The bytes of a small bundle, in the row that says whose it is; NULL: they are in the artifact store.

ALTER TABLE artifacts ADD COLUMN content bytea;
