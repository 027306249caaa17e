-- Was nothing heard in a session for so long that a lease may have been lost by it? $2: how long a lease lives without a
-- heartbeat, ms: heartbeats write it when less than three quarters are left.
CREATE OR REPLACE FUNCTION is_silent(sessions, bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT $1.seen_ms <= now_ms() - $2 * 3 / 4
$$;
