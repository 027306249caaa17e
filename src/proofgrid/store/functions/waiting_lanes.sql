-- The lanes of a stack in which somebody waits: with jobs for sale, or with wishes for second leases. Of an engine that was
-- stopped there is none.
CREATE OR REPLACE FUNCTION waiting_lanes(the_stack text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT lane FROM (
        SELECT the_stack || '/' || class AS lane FROM unnest(ARRAY['large', 'medium', 'small']) AS classes(class)
        UNION ALL
        (SELECT lane FROM lane_constraints WHERE stack = the_stack ORDER BY used_ms DESC LIMIT 512)) AS known
    WHERE (EXISTS (SELECT 1 FROM jobs WHERE state = 'ready' AND jobs.lane = known.lane)
        OR EXISTS (SELECT 1 FROM jobs WHERE hedge_price IS NOT NULL AND jobs.lane = known.lane))
      AND NOT EXISTS (SELECT 1 FROM engine_stops WHERE engine = split_part(the_stack, '/', 2) AND resumed_ms IS NULL)
$$;
