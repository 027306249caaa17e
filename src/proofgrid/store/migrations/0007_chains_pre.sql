-- Lanes of one subnetwork and proof system hold their rounds together, and bids with constraints have lanes of their own
-- (docs/decisions/0012).

CREATE TABLE lane_constraints (
    lane        text   PRIMARY KEY,
    chain       text   NOT NULL, -- <subnetwork>/<proof system>
    constraints jsonb  NOT NULL, -- rules/jobs/constraints.py
    used_ms     bigint NOT NULL DEFAULT now_ms() -- a task came for it, to the day
);
CREATE INDEX lane_constraints_by_chain ON lane_constraints (chain, used_ms DESC);

ALTER TABLE sessions
    ADD COLUMN class_asks jsonb  NOT NULL DEFAULT '{}', -- proof system -> class -> least price per PU, where it differs
    ADD COLUMN units_min  bigint NOT NULL DEFAULT 0; -- of one job

-- The lanes of a chain in which somebody waits: with jobs for sale, or with wishes for second leases.
CREATE FUNCTION waiting_lanes(the_chain text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT lane FROM (
        SELECT the_chain || '/' || class AS lane FROM unnest(ARRAY['large', 'medium', 'small']) AS classes(class)
        UNION ALL
        (SELECT lane FROM lane_constraints WHERE chain = the_chain ORDER BY used_ms DESC LIMIT 512)) AS known
    WHERE EXISTS (SELECT 1 FROM jobs WHERE state = 'ready' AND jobs.lane = known.lane)
       OR EXISTS (SELECT 1 FROM jobs WHERE hedge_price IS NOT NULL AND jobs.lane = known.lane)
$$;

-- The best bids of one client, where a round's book is full of another's.
DROP INDEX tasks_open_of_client;
CREATE INDEX tasks_open_of_client ON tasks (client, (-limit_price), task_id) WHERE state IN ('open', 'combining');
