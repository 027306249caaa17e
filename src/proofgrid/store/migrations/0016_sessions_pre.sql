-- What several queries say of sessions: who is silent, and which lock keeps a prover's session (docs/decisions/0020).

-- Was nothing heard in a session for so long that a lease may have been lost by it? $2: how long a lease lives without a
-- heartbeat, ms: heartbeats write it when less than three quarters are left.
CREATE FUNCTION is_silent(sessions, bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT $1.seen_ms <= now_ms() - $2 * 3 / 4
$$;

-- The advisory lock of a prover's session: one for every 64th prover, so that a round needs few.
CREATE FUNCTION lock_of_session(prover_id text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('sessions:' || (hashtextextended(prover_id, 0) & 63), 0)
$$;
