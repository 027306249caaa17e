-- After an engine was stopped its open tasks are ended, some at a time; `swept`: none is left, and none can come.
ALTER TABLE engine_stops ADD COLUMN swept boolean NOT NULL DEFAULT false;
