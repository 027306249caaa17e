-- What was in the last hour is found without reading what was before: pages show it to anybody. Rows come in the order of
-- these times, so a few pages of index say where; updates do not touch them.

CREATE INDEX tasks_by_time ON tasks USING brin (created_ms) WITH (pages_per_range = 8);
CREATE INDEX leases_by_time ON leases USING brin (granted_ms) WITH (pages_per_range = 8);
