-- How long a lease ran, by the gateways' clock: from the prover's first word, or from its sale, to its result or its end.
CREATE OR REPLACE FUNCTION ran_ms(leases) RETURNS bigint LANGUAGE sql AS $$
    SELECT greatest(0, CASE WHEN $1.reported_ms > 0 THEN $1.reported_ms ELSE coalesce($1.ended_ms, now_ms()) END
        - CASE WHEN $1.started_ms > 0 THEN $1.started_ms ELSE $1.granted_ms END)
$$;
