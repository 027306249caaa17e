-- What all gateways of the network know, and nobody else: sessions of browsers are signed with it (decision 0077).

CREATE TABLE secrets (
    name   text PRIMARY KEY,
    secret text NOT NULL
);
INSERT INTO secrets (name, secret) VALUES ('sessions', gen_random_uuid()::text || gen_random_uuid()::text);
