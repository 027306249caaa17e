-- A network as version 0016 left it while it was running: one gateway, two provers, a client with 10 tokens.
--   task 1: two jobs for sale                       task 2: a job that 0xa1/p is proving (lease 1)
--   task 3: a job sold to 0xb1/p, who was not told of it yet (lease 2)
--   task 4: a job for sale that only 0xb1 may prove   task 5: done and paid (lease 3)
INSERT INTO gateways (gateway_id) VALUES ('00000000-0000-0000-0000-00000000000a');
INSERT INTO programs (digest, proof_system, owner, label, manifest, slices, units) VALUES ('p', 'toy', 'o', '', '{}', 1, 1000);
INSERT INTO provers (prover_id, operator, jobs_proven, units_proven, proven_micro, facts_ms, outcomes)
    VALUES ('0xa1/p', '0xa1', 0, 0, 0, 0, ''), ('0xb1/p', '0xb1', 1, 1000, 1000000, now_ms(), '.');
INSERT INTO prover_speeds (prover_id, proof_system, class, units, wall_ms, samples) VALUES ('0xb1/p', 'toy', 'small', 1000, 900, 1);
INSERT INTO sessions (session_id, prover_id, operator, gateway_id, asks, classes, slots, cores, memory_bytes, region,
    version, cached_programs, chains)
SELECT ('00000000-0000-0000-0000-0000000000' || operator_no)::uuid, '0x' || operator_no || '/p', '0x' || operator_no,
    '00000000-0000-0000-0000-00000000000a', '{"toy": 700}', '{small}', 4, 1, 1099511627776, '', '', '{}', 1
FROM unnest(ARRAY['a1', 'b1']) AS operators(operator_no);
INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement, inputs, limit_price,
    units, escrow, deadline_ms, jobs_open, event_seq, spent, finished_ms)
SELECT ('00000000-0000-0000-0000-00000000000' || number)::uuid, '0xc1', 'p', CASE number WHEN 5 THEN 'done' ELSE 'open' END,
    number, 'digest', '{}', jobs, 1500, 1000 * jobs, 1500000 * jobs, now_ms() + 3600000, CASE number WHEN 5 THEN 0 ELSE jobs END,
    1, CASE number WHEN 5 THEN 900000 ELSE 0 END, CASE number WHEN 5 THEN now_ms() END
FROM (VALUES (1, 2), (2, 1), (3, 1), (4, 1), (5, 1)) AS given(number, jobs);
INSERT INTO task_events (task_id, seq, kind, data) SELECT task_id, 1, 'accepted', '{}' FROM tasks;
INSERT INTO lane_constraints (lane, chain, constraints) VALUES ('default/toy/small/NARROW', 'default/toy',
    '{"allowed_operators": ["0xb1"], "denied_operators": [], "min_stake": 0, "regions": []}');
INSERT INTO rounds (lane, number, transcript, transcript_hash, signature, buy_price, sell_price, units, bids, asks,
    next_reference, epoch, secret)
VALUES ('default/toy/small', 1, '{}', repeat('ab', 32), 'signed', 900, 700, 3000, 3, 2, 800, 1, 'secret');
INSERT INTO lanes (lane, leader) VALUES ('default/toy/small', '00000000-0000-0000-0000-00000000000a');
INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes, input_digest, facts,
    limit_price, small_input, lease_id, proof_digest, small_proof, public)
SELECT gen_random_uuid(), task_id, 0, input, input,
    CASE WHEN task IN ('2', '3') THEN 'leased' WHEN task = '5' THEN 'proven' ELSE 'ready' END,
    CASE task WHEN '4' THEN 'default/toy/small/NARROW' ELSE 'default/toy/small' END, 'small', 1000, 1, 'd', '{}', 1500, '',
    CASE WHEN task IN ('2', '3', '5') THEN gen_random_uuid() END, CASE task WHEN '5' THEN 'd' END,
    CASE task WHEN '5' THEN ''::bytea END, CASE task WHEN '5' THEN '{}'::jsonb END
FROM (SELECT task_id, right(task_id::text, 1) AS task, inputs FROM tasks) AS t, generate_series(0, inputs - 1) AS input;
INSERT INTO leases (lease_id, job_id, task_id, prover_id, operator, session_id, gateway_id, lane, round, units, buy_price,
    sell_price, state, expires_ms, phase_until_ms, until_ms, prove_ms, started_ms, ended_ms, epoch)
SELECT lease_id, job_id, task_id, s.prover_id, s.operator, s.session_id, s.gateway_id, lane, 1, units, 900, 700,
    CASE right(task_id::text, 1) WHEN '2' THEN 'running' WHEN '3' THEN 'granted' ELSE 'settled' END, now_ms() + 60000,
    now_ms() + 60000, now_ms() + 120000, 60000, CASE right(task_id::text, 1) WHEN '3' THEN 0 ELSE now_ms() END,
    CASE right(task_id::text, 1) WHEN '5' THEN now_ms() END, 1
FROM jobs JOIN sessions s ON s.operator = CASE right(task_id::text, 1) WHEN '2' THEN '0xa1' ELSE '0xb1' END
WHERE lease_id IS NOT NULL;
SELECT post_transfers('[{"transfer_id": "deposit:d", "debit": "mint", "credit": "client:0xc1", "amount": 10000000000, "reason": "deposit"}]');
SELECT post_transfers(jsonb_agg(jsonb_build_object('transfer_id', 'escrow:' || task_id, 'debit', 'client:0xc1', 'credit',
    'escrow:' || task_id, 'amount', escrow, 'reason', 'escrow', 'task_id', task_id))) FROM tasks;
SELECT post_transfers(jsonb_agg(jsonb_build_object('transfer_id', reason || ':' || task_id, 'debit', 'escrow:' || task_id,
    'credit', credit, 'amount', amount, 'reason', reason, 'task_id', task_id, 'job_id', job_id)))
FROM jobs, (VALUES ('proof', 'operator:0xb1', 700000), ('surplus', 'treasury', 200000), ('refund', 'client:0xc1', 600000))
    AS paid(reason, credit, amount)
WHERE state = 'proven';
