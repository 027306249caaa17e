-- Firm quotes for one proof: seats of jobs that wait for other jobs' proofs are granted when these are there. Milliseconds
-- after the redemption: by when a job was to begin (0: at once), and by when its proof had to be there for others (0: for
-- nobody but the client).

ALTER TABLE firm_quote_seats ADD COLUMN begin_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE firm_quote_seats ADD COLUMN due_ms bigint NOT NULL DEFAULT 0;

-- Was one proof of all inputs sold?
ALTER TABLE firm_quotes ADD COLUMN aggregate boolean NOT NULL DEFAULT false;
