-- A wish is nobody's until somebody signs it: the key that wished may be gone when its turn comes.
ALTER TABLE chain_outbox ALTER COLUMN sender SET DEFAULT '';
UPDATE chain_outbox SET sender = '' WHERE stage = 'wanted';

-- A batch that the contract refuses is over, and the next one can be made.
ALTER TABLE vault_batches DROP CONSTRAINT vault_batches_state_check;
ALTER TABLE vault_batches ADD CONSTRAINT vault_batches_state_check
    CHECK (state IN ('wanted', 'posted', 'final', 'in_force', 'struck', 'refused'));
