-- While an incident is open that stops settlement, money comes in and is set aside for tasks, canaries of the network included, and nothing is
-- paid, given back or taken out: whichever transaction tries, in whichever gateway.
CREATE OR REPLACE FUNCTION refuse_while_stopped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM incidents WHERE closed_ms IS NULL AND stops_settlement)
        AND EXISTS (SELECT FROM fresh WHERE reason NOT IN ('deposit', 'escrow', 'canary', 'treasury_funding')) THEN
        RAISE EXCEPTION 'settlement is stopped by an incident' USING ERRCODE = 'PG340';
    END IF;
    RETURN NULL;
END
$$;
