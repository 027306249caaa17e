-- Which keys speak for the network, as its root key signed it (rules/identity/key_list.py). Without a row the root key does.

CREATE TABLE key_lists (
    number bigint PRIMARY KEY CHECK (number > 0),
    spelled text NOT NULL,
    at_ms bigint NOT NULL DEFAULT now_ms()
);
