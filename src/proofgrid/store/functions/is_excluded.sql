-- May this prover not have the job? `excluded` names provers, and operators for all of theirs.
CREATE OR REPLACE FUNCTION is_excluded(excluded jsonb, prover_id text) RETURNS boolean LANGUAGE sql AS $$
    SELECT greatest((excluded ->> prover_id)::bigint, (excluded ->> split_part(prover_id, '/', 1))::bigint, 0) > now_ms()
$$;
