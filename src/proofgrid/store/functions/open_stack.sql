-- Begins a round of a stack for a gateway: takes the stack's lock, leads the lanes in which somebody waits (in a new epoch
-- where another gateway led before), and says what each lane's next round follows. Every statement in here sees what was
-- committed before it began, so also the round of a gateway that gave the lock back a moment ago. No row: another one is at
-- it; one row without a lane: nobody waits.
CREATE OR REPLACE FUNCTION open_stack(the_stack text, the_leader uuid) RETURNS TABLE (
    lane text, epoch bigint, number bigint, transcript_hash text, next_reference bigint, next_put_off bigint,
    first_reference bigint, wide_reference bigint, backed boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    waiting text[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('lane:' || the_stack, 0)) THEN
        RETURN;
    END IF;
    waiting := ARRAY(SELECT * FROM waiting_lanes(the_stack));
    IF cardinality(waiting) = 0 THEN
        lane := '';
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO lanes AS known (lane, leader)
        SELECT given.lane, the_leader FROM unnest(waiting) AS given(lane)
        WHERE NOT EXISTS (SELECT 1 FROM lanes AS mine WHERE mine.lane = given.lane AND mine.leader = the_leader)
        ORDER BY given.lane
        ON CONFLICT (lane) DO UPDATE SET leader = excluded.leader, epoch = known.epoch + 1, since_ms = now_ms();
    RETURN QUERY SELECT led.lane, led.epoch, last.number, last.transcript_hash, last.next_reference,
        until_next_job(led.lane),
        (SELECT reference_price FROM subnetworks WHERE name = split_part(led.lane, '/', 1)),
        (SELECT wide.next_reference FROM rounds AS wide WHERE wide.lane = concat_ws('/', split_part(led.lane, '/', 1),
            split_part(led.lane, '/', 2), split_part(led.lane, '/', 3)) ORDER BY wide.number DESC LIMIT 1),
        EXISTS (SELECT 1 FROM leases WHERE leases.lane = led.lane AND leases.state IN (@leases_in_flight))
    FROM unnest(waiting) AS given(lane) JOIN lanes AS led USING (lane) LEFT JOIN LATERAL (
        SELECT one.number, one.transcript_hash, one.next_reference FROM rounds AS one
        WHERE one.lane = led.lane ORDER BY one.number DESC LIMIT 1) AS last ON true;
END
$$;
