-- Programs are built by engines, `system@version` (rules/jobs/engines.py), and their jobs go to provers that name one of
-- these (docs/decisions/0062). A program from before has no row: the engine that its identity names built it, or any.
CREATE TABLE program_engines (
    program_digest text   NOT NULL REFERENCES programs ON DELETE CASCADE,
    engine         text   NOT NULL,
    added_ms       bigint NOT NULL DEFAULT now_ms(),
    PRIMARY KEY (program_digest, engine)
);

-- What administrators stopped, and resumed. One stop of an engine stands at a time.
CREATE TABLE engine_stops (
    stop_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    engine     text   NOT NULL,
    reason     text   NOT NULL,
    stopped_by text   NOT NULL,
    stopped_ms bigint NOT NULL DEFAULT now_ms(),
    resumed_by text   NOT NULL DEFAULT '',
    resumed_ms bigint, -- NULL: it stands
    swept      boolean NOT NULL DEFAULT false -- no open task of it is left, and none can come
);
CREATE UNIQUE INDEX one_stop_per_engine ON engine_stops (engine) WHERE resumed_ms IS NULL;
