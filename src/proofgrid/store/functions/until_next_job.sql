-- Milliseconds until a job of a lane may be sold that waits for its time, or for the end of an exclusion (of the 200 jobs
-- that came back last). What has just begun to be for sale counts too: the round under way may have been too early.
CREATE OR REPLACE FUNCTION until_next_job(the_lane text) RETURNS bigint LANGUAGE sql AS $$
    SELECT CASE WHEN min(at_ms) IS NOT NULL THEN greatest(20, min(at_ms) - now_ms()) END FROM (
        SELECT min(not_before_ms) AS at_ms FROM jobs
        WHERE state = 'ready' AND lane = the_lane AND not_before_ms > 0 AND not_before_ms > now_ms() - 100
        UNION ALL
        SELECT value::bigint FROM (
            SELECT excluded FROM jobs WHERE state = 'ready' AND lane = the_lane AND not_before_ms > 0
            ORDER BY not_before_ms DESC LIMIT 200) AS came_back, jsonb_each_text(excluded)
        WHERE value::bigint > now_ms() - 100 AND value::bigint < 9007199254740992) AS times
$$;
