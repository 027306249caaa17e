-- Does a program's audience (rules/access/programs.py) mean this key?
CREATE OR REPLACE FUNCTION is_meant(audience text, reader text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT audience IN ('*', reader) OR EXISTS (
        SELECT 1 FROM subnetworks AS n WHERE audience = 'subnetwork:' || n.name AND (n.is_open OR EXISTS (
            SELECT 1 FROM subnetwork_members AS m
            WHERE m.subnetwork = n.name AND m.address = reader AND m.role = 'client')))
$$;
