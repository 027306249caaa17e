-- What jobs need, corrected by what verified jobs needed (rules/jobs/sizes.py). A correction is never changed: the newest
-- of its system, engine and scope is in force, and jobs name the one that they were admitted with. The first of a system
-- and engine says that nothing is corrected yet. `operators`, `proofs`: what it rests on; `measured_permille`,
-- `measured_memory_permille`: towards what it is a step, NULL where that was not measured.

CREATE TABLE size_corrections (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    proof_system text NOT NULL,
    engine text NOT NULL,
    scope text NOT NULL,
    units_permille bigint NOT NULL CHECK (units_permille > 0),
    memory_permille bigint NOT NULL CHECK (memory_permille > 0),
    operators int NOT NULL DEFAULT 0,
    proofs int NOT NULL DEFAULT 0,
    measured_permille bigint,
    measured_memory_permille bigint,
    made_ms bigint NOT NULL DEFAULT now_ms()
);
CREATE INDEX size_corrections_newest ON size_corrections (proof_system, engine, scope, number DESC);

-- The number of the correction that units and memory of a job come out of, and what its proof system said, where that is
-- something else. 0: from before there were corrections, or where nobody wants them.
ALTER TABLE jobs ADD COLUMN sizes bigint NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN said_units bigint;
ALTER TABLE jobs ADD COLUMN said_memory_bytes bigint;

-- A seat is for the job that it was sold for, whatever is corrected before its quote is redeemed.
ALTER TABLE firm_quote_seats ADD COLUMN sizes bigint NOT NULL DEFAULT 0;

-- The prover's word; 0: it said nothing.
ALTER TABLE leases ADD COLUMN memory_peak_bytes bigint NOT NULL DEFAULT 0;
