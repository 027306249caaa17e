-- Inputs that only provers read (docs/decisions/0075): keys to seal for, and what was sealed for whom.
ALTER TABLE sessions
    ADD COLUMN sealing_key bytea,
    ADD COLUMN sealing_until_ms bigint,
    ADD COLUMN sealing_signature text;
-- {"request", "commitment", "seals": {prover: {"key_id", "sealed": base64}}}; NULL: its inputs are not sealed.
ALTER TABLE tasks ADD COLUMN seal jsonb;
