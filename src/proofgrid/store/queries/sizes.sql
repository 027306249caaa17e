-- name: lock_sizes
-- One gateway at a time learns, whichever it is.
SELECT pg_try_advisory_xact_lock(hashtextextended('sizes', 0));

-- name: begin_sizes
-- Each of these systems with its engine gets its first correction, which changes nothing, if it has none.
INSERT INTO size_corrections (proof_system, engine, scope, units_permille, memory_permille)
SELECT system, engine, '', 1000, 1000 FROM unnest(:systems::text[], :engines::text[]) AS given(system, engine)
WHERE NOT EXISTS (SELECT FROM size_corrections c WHERE c.proof_system = system AND c.engine = given.engine AND c.scope = '');

-- name: sizes_in_force
-- The newest correction of each scope, of all engines that ever had one.
SELECT DISTINCT ON (c.proof_system, c.engine, c.scope) c.number, c.proof_system, c.engine, c.scope, c.units_permille,
    c.memory_permille, c.operators, c.proofs, c.measured_permille, c.measured_memory_permille, c.made_ms, now_ms() AS now_ms
FROM size_corrections c ORDER BY c.proof_system, c.engine, c.scope, c.number DESC;

-- name: sizes_of_quote
-- What the seats of a quote were sold as, in the order of their positions; a number of 0 says that nothing was corrected.
SELECT coalesce(c.number, 0) AS number, coalesce(c.scope, '') AS scope, coalesce(c.units_permille, 1000) AS units_permille,
    coalesce(c.memory_permille, 1000) AS memory_permille
FROM firm_quote_seats seat LEFT JOIN size_corrections c ON c.number = seat.sizes
WHERE seat.quote_id = :quote_id ORDER BY seat.position;

-- name: proven_jobs
-- The newest jobs that were proven in time in the last :within_ms, at most :limit, found by their payments.
SELECT c.proof_system, c.engine, t.program_digest, j.slice, l.operator, l.prover_id,
    coalesce(j.said_units, j.units) AS said_units, coalesce(j.said_memory_bytes, j.memory_bytes) AS said_memory_bytes,
    ran_ms(l) AS ran_ms, l.memory_peak_bytes
FROM (SELECT job_id FROM transfers WHERE reason = 'proof' AND at_ms > now_ms() - :within_ms
      ORDER BY at_ms DESC LIMIT :limit) AS paid
JOIN jobs j ON j.job_id = paid.job_id JOIN leases l ON l.lease_id = j.lease_id JOIN tasks t ON t.task_id = j.task_id
JOIN size_corrections c ON c.number = j.sizes
WHERE l.state = 'settled' AND l.reason = '';

-- name: insert_sizes
INSERT INTO size_corrections (proof_system, engine, scope, units_permille, memory_permille, operators, proofs,
    measured_permille, measured_memory_permille)
SELECT * FROM unnest(:systems::text[], :engines::text[], :scopes::text[], :units_permille::bigint[],
    :memory_permille::bigint[], :operators::int[], :proofs::int[], :measured_permille::bigint[],
    :measured_memory_permille::bigint[]);
