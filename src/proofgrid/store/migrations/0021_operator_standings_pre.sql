-- How operators stand: what their new names share, and start from (docs/decisions/0039). Those that are here already begin
-- with what their provers add up to; what has been forgotten since is forgotten with the next fact.
CREATE TABLE operator_standings (
    operator        text   PRIMARY KEY,
    proven_micro    bigint NOT NULL DEFAULT 0,
    late_micro      bigint NOT NULL DEFAULT 0,
    lost_micro      bigint NOT NULL DEFAULT 0,
    crashed_micro   bigint NOT NULL DEFAULT 0,
    invalid_micro   bigint NOT NULL DEFAULT 0,
    facts_ms        bigint NOT NULL DEFAULT 0,
    outcomes        text   NOT NULL DEFAULT '',
    pauses          integer NOT NULL DEFAULT 0,
    paused_until_ms bigint NOT NULL DEFAULT 0,
    last_faults     text   NOT NULL DEFAULT ''
) WITH (fillfactor=50);
INSERT INTO operator_standings (operator, proven_micro, late_micro, lost_micro, crashed_micro, invalid_micro, facts_ms)
SELECT operator, sum(proven_micro), sum(late_micro), sum(lost_micro), sum(crashed_micro), sum(invalid_micro), max(facts_ms)
FROM provers GROUP BY operator;
