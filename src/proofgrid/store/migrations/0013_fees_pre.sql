-- What the network takes of an operator's payment is agreed when the lease is sold: a changed setting changes no lease.
ALTER TABLE leases ADD COLUMN fee_permille int NOT NULL DEFAULT 0 CHECK (fee_permille BETWEEN 0 AND 1000);
