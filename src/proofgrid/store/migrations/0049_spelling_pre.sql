-- The gateway that spells a proof as a call; of one that is gone it is free again.
ALTER TABLE proof_deliveries ADD COLUMN claimed_by uuid;
