-- The advisory lock of a prover's session: one for every 64th prover, so that a round needs few.
CREATE OR REPLACE FUNCTION lock_of_session(prover_id text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('sessions:' || (hashtextextended(prover_id, 0) & 63), 0)
$$;
