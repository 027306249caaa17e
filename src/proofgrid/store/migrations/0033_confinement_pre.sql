-- How well a prover confines what it proves, as it told (rules/jobs/confinement.py); empty: it does not know.

ALTER TABLE sessions ADD COLUMN confinement text NOT NULL DEFAULT '';
