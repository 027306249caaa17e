-- How long a job has been for sale: since its task came, it was given back, or the last job that it needs was proven.
CREATE OR REPLACE FUNCTION waiting_ms(job jobs, accepted_ms bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT now_ms() - greatest(accepted_ms, (job).not_before_ms,
        (SELECT max(ended_ms) FROM leases WHERE leases.task_id = (job).task_id AND leases.job_id = (job).job_id),
        CASE WHEN (job).depends_on <> '{}' THEN (
            SELECT max(ended_ms) FROM leases WHERE leases.task_id = (job).task_id AND leases.state = 'settled') END)
$$;
