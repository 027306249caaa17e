-- API keys (docs/decisions/0078): secrets that servers of a client carry, each for a part of what that may do. Only a hash
-- of the secret is kept.

CREATE TABLE api_keys (
    key_id        text   PRIMARY KEY,
    owner         text   NOT NULL,
    maker_id      text   REFERENCES api_keys, -- the key that made it; NULL: its owner's own signature
    label         text   NOT NULL,
    secret_hash   bytea  NOT NULL,
    scopes        text[] NOT NULL,
    subnetwork    text   NOT NULL, -- empty: all of its owner's
    spend_per_day bigint NOT NULL CHECK (spend_per_day >= 0),
    spent         bigint NOT NULL DEFAULT 0 CHECK (spent >= 0), -- on `spent_day`
    spent_day     bigint NOT NULL DEFAULT 0, -- days since the epoch, UTC
    created_ms    bigint NOT NULL DEFAULT now_ms(),
    expires_ms    bigint NOT NULL, -- 0: never
    revoked_ms    bigint,
    used_ms       bigint
);
CREATE INDEX api_keys_by_owner ON api_keys (owner, created_ms);
CREATE INDEX api_keys_by_maker ON api_keys (maker_id) WHERE maker_id IS NOT NULL;

CREATE FUNCTION tell_of_api_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('api_keys', NEW.key_id || ' ' || NEW.owner);
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_of_api_keys AFTER UPDATE OF revoked_ms ON api_keys FOR EACH ROW EXECUTE FUNCTION tell_of_api_keys();
