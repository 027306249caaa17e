-- What a wrap takes, in the order of the positions: places, digests and public values of proven jobs of its task.
CREATE OR REPLACE FUNCTION parts_of(job jobs) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object(
        'slice', part.slice, 'input', part.input, 'proof', part.proof_digest, 'public', part.public) ORDER BY part.position)
    FROM jobs AS part WHERE part.task_id = (job).task_id AND part.position = ANY((job).depends_on)
$$;
