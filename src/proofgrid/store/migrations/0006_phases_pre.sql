-- Leases in phases, a second lease for a slow job, and what is known of provers' speed (docs/decisions/0009).

-- A lease of an older gateway has no phases: only its limit and the heartbeats end it.
ALTER TABLE leases
    ADD COLUMN kind text NOT NULL DEFAULT 'first' CHECK (kind IN ('first', 'hedge')),
    ADD COLUMN phase_until_ms bigint NOT NULL DEFAULT 9007199254740991, -- end of the phase, whatever the heartbeats say
    ADD COLUMN prove_ms    bigint NOT NULL DEFAULT 9007199254740991, -- what the prove phase gets when it begins
    ADD COLUMN started_ms  bigint NOT NULL DEFAULT 0, -- first word of the prover; 0: none yet
    ADD COLUMN reported_ms bigint NOT NULL DEFAULT 0, -- its result came; 0: not yet, or it was settled at once
    ADD COLUMN stage       text   NOT NULL DEFAULT '', -- the prover's word, as is:
    ADD COLUMN permille    int    NOT NULL DEFAULT 0;

-- A leased job has one held lease of each kind at most.
CREATE UNIQUE INDEX one_held_lease_per_job_and_kind ON leases (job_id, kind)
    WHERE state IN ('granted', 'offered', 'running', 'reported');
DROP INDEX one_held_lease_per_job;

-- The wish for a second lease is a part of its job.
ALTER TABLE jobs
    ADD COLUMN slow_ms        bigint, -- its lease takes longer than usual; the client was told then
    ADD COLUMN hedges         int    NOT NULL DEFAULT 0, -- wishes that were sold
    ADD COLUMN hedge_price    bigint, -- the most per PU; NULL: no wish
    ADD COLUMN hedge_operator text   NOT NULL DEFAULT '', -- of the slow lease, who may not get the second one
    ADD COLUMN hedge_until_ms bigint NOT NULL DEFAULT 0;
CREATE INDEX jobs_wished ON jobs (lane) WHERE hedge_price IS NOT NULL;

ALTER TABLE tasks
    ADD COLUMN hedging boolean NOT NULL DEFAULT false, -- the client wants second leases
    ADD COLUMN hedges  int     NOT NULL DEFAULT 0; -- second leases of its jobs so far

CREATE TABLE prover_speeds (
    prover_id    text   NOT NULL REFERENCES provers,
    proof_system text   NOT NULL,
    class        text   NOT NULL,
    units        bigint NOT NULL DEFAULT 0, -- verified
    wall_ms      bigint NOT NULL DEFAULT 0, -- of all leases
    samples      bigint NOT NULL DEFAULT 0, -- leases with a proof
    PRIMARY KEY (prover_id, proof_system, class)
);

-- How long the latest leases of a lane ran, microseconds per PU, newest first.
CREATE TABLE lane_times (
    lane        text     PRIMARY KEY,
    us_per_unit bigint[] NOT NULL
);

-- How long a lease ran, by the gateways' clock: from the prover's first word, or from its sale, to its result or its end.
CREATE FUNCTION ran_ms(leases) RETURNS bigint LANGUAGE sql AS $$
    SELECT greatest(0, CASE WHEN $1.reported_ms > 0 THEN $1.reported_ms ELSE coalesce($1.ended_ms, now_ms()) END
        - CASE WHEN $1.started_ms > 0 THEN $1.started_ms ELSE $1.granted_ms END)
$$;

-- May this prover not have the job? `excluded` names provers, and operators for all of theirs.
CREATE FUNCTION is_excluded(excluded jsonb, prover_id text) RETURNS boolean LANGUAGE sql AS $$
    SELECT greatest((excluded ->> prover_id)::bigint, (excluded ->> split_part(prover_id, '/', 1))::bigint, 0) > now_ms()
$$;

-- Milliseconds until a job of a lane may be sold that waits for its time, or for the end of an exclusion (of the 200 jobs
-- that came back last). What has just begun to be for sale counts too: the round under way may have been too early.
CREATE FUNCTION until_next_job(the_lane text) RETURNS bigint LANGUAGE sql AS $$
    SELECT CASE WHEN min(at_ms) IS NOT NULL THEN greatest(20, min(at_ms) - now_ms()) END FROM (
        SELECT min(not_before_ms) AS at_ms FROM jobs
        WHERE state = 'ready' AND lane = the_lane AND not_before_ms > 0 AND not_before_ms > now_ms() - 100
        UNION ALL
        SELECT value::bigint FROM (
            SELECT excluded FROM jobs WHERE state = 'ready' AND lane = the_lane AND not_before_ms > 0
            ORDER BY not_before_ms DESC LIMIT 200) AS came_back, jsonb_each_text(excluded)
        WHERE value::bigint > now_ms() - 100 AND value::bigint < 9007199254740992) AS times
$$;
