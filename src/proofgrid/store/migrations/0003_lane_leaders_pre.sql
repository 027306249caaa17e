-- Who leads a lane. A round holds this row and the lane's advisory lock; the epoch grows when another gateway takes over.
CREATE TABLE lanes (
    lane     text   PRIMARY KEY,
    epoch    bigint NOT NULL DEFAULT 1,
    leader   uuid   NOT NULL, -- the gateway of the last round
    since_ms bigint NOT NULL DEFAULT now_ms()
);
ALTER TABLE rounds ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN epoch bigint NOT NULL DEFAULT 0;

-- What was proven of the same inputs before, for requests that allow an answer from the store.
ALTER TABLE tasks ADD COLUMN inputs_digest text NOT NULL DEFAULT '';
CREATE INDEX tasks_done_by_inputs ON tasks (client, program_digest, inputs_digest) WHERE state = 'done';

-- All gateways of a database belong to one network.
CREATE TABLE network (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    address text    NOT NULL
);
