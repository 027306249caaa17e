-- name: want_transaction
-- One that failed is asked for anew.
INSERT INTO chain_outbox (intent, target, data) VALUES (:intent, :target, :data)
ON CONFLICT (intent) DO UPDATE SET stage = 'wanted', nonce = NULL, trouble = '' WHERE chain_outbox.stage = 'failed';

-- name: want_limited_transaction
-- The same with a limit of gas; one that failed stays so.
INSERT INTO chain_outbox (intent, target, data, gas_most) VALUES (:intent, :target, :data, :gas_most)
ON CONFLICT (intent) DO NOTHING;

-- name: want_again
-- What failed, by whoever still wants it.
UPDATE chain_outbox SET stage = 'wanted', nonce = NULL, trouble = '' WHERE intent = :intent AND stage = 'failed' RETURNING intent;

-- name: open_transactions
-- Whoever signed them: a key that is gone leaves some on their way. `sender` of a wish says nothing.
SELECT o.intent, o.sender, o.target, o.data, o.stage, o.nonce, o.signed_at, o.trouble, o.gas_most FROM chain_outbox o
WHERE o.stage IN (@outbox_open) ORDER BY o.nonce NULLS LAST, o.at_ms, o.intent;

-- name: next_nonce
-- The first that no transaction of ours has. :account_nonce: the sender's on the chain.
SELECT greatest(:account_nonce::bigint, coalesce(max(nonce) + 1, 0)) FROM chain_outbox
WHERE sender = :sender AND stage IN (@outbox_open);

-- name: sign_transaction
UPDATE chain_outbox SET stage = 'signed', sender = :sender, nonce = :nonce, signed_at = :signed_at, trouble = ''
WHERE intent = :intent AND stage = 'wanted' RETURNING intent;

-- name: sign_again
UPDATE chain_outbox SET signed_at = :signed_at WHERE intent = :intent AND stage = 'signed' AND nonce = :nonce RETURNING intent;

-- name: add_raw
INSERT INTO chain_raws (hash, intent, raw, fee, tip) VALUES (:hash, :intent, :raw, :fee, :tip) ON CONFLICT (hash) DO NOTHING;

-- name: raws_of
-- The newest first.
SELECT hash, raw, fee, tip, sent_ms FROM chain_raws WHERE intent = :intent ORDER BY fee DESC;

-- name: note_sent
UPDATE chain_raws SET sent_ms = now_ms() WHERE hash = :hash AND sent_ms = 0;

-- name: note_stage
UPDATE chain_outbox SET stage = :stage, nonce = CASE WHEN :stage = 'wanted' THEN NULL ELSE nonce END, trouble = :trouble
WHERE intent = :intent AND stage = :was RETURNING intent;

-- name: forget_raws
-- Of a transaction that failed, or whose nonce another one used: they can never be mined again.
DELETE FROM chain_raws WHERE intent = :intent;

-- name: note_trouble
UPDATE chain_outbox SET trouble = :trouble WHERE intent = :intent AND trouble <> :trouble;

-- name: wish_in_trouble
-- What could not be signed the last time.
SELECT target, data, gas_most FROM chain_outbox WHERE intent = :intent AND stage = 'wanted' AND trouble <> '';

-- name: give_up_wish
-- Before it was signed: afterwards its nonce has to be used.
UPDATE chain_outbox SET stage = 'failed' WHERE intent = :intent AND stage = 'wanted' RETURNING intent;
