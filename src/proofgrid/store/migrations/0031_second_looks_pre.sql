-- What one version of an engine accepted, another one verifies once more (docs/decisions/0062): `differs` is an incident.
CREATE TABLE second_looks (
    lease_id uuid   NOT NULL,
    engine   text   NOT NULL, -- that looked
    verdict  text   NOT NULL CHECK (verdict IN ('agrees', 'differs', 'unknown')),
    detail   text   NOT NULL DEFAULT '',
    at_ms    bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (lease_id, engine)
);
-- Not every incident stops settlement: two engines that differ say nothing of the ledger.
ALTER TABLE incidents ADD COLUMN stops_settlement boolean NOT NULL DEFAULT true;
