-- Public records of rounds name nobody: ids in them are made with this secret, and opened for their owners only
-- (docs/decisions/0013). Rounds from before name tasks and provers, and stay private.
ALTER TABLE rounds ADD COLUMN secret bytea;
