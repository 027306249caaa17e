-- Store keys (docs/decisions/0083): under which keys what is stored is locked, and which of them each gateway has. Here are
-- names only; the keys are files of the gateways.

CREATE TABLE store_keys (
    key_id     text PRIMARY KEY,
    number     bigint GENERATED ALWAYS AS IDENTITY, -- the newest that all living gateways have locks what is stored
    made_ms    bigint NOT NULL DEFAULT now_ms(),
    since_ms   bigint, -- since when something may be locked under it: a gateway without it cannot work
    swept_ms   bigint, -- since when nothing lies open any more, or under an older key
    retired_ms bigint
);
ALTER TABLE gateways ADD COLUMN store_keys text[] NOT NULL DEFAULT '{}';
