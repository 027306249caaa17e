"""Valid by default; one argument changes one thing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.access.sessions import Origin
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.offers import ProverTerms
from proofgrid.rules.jobs.request import ProofRequest

NOW_MS = 1_700_000_000_000
#: Where the hellos of a prover come from that has not been started again.
OWN = Origin(peer="10.0.0.1:4711", key="0xsecret", run="0" * 32)


def a_key(number: int = 1) -> SigningKey:
    return SigningKey(number.to_bytes(32, "big"))


def a_request(**changes: Any) -> ProofRequest:
    values: dict[str, Any] = {
        "program_digest": digest_of(b"program"),
        "inputs": ([1, 2, 3],),
        "inputs_digest": digest_of(b"[[1,2,3]]"),
        "limit_price": 1_000,
        "budget": 0,
        "deadline_ms": 0,
        "idempotency_key": "one",
    }
    return ProofRequest(**(values | changes))


def some_terms(**changes: Any) -> ProverTerms:
    values: dict[str, Any] = {
        "name": "prover-1",
        "asks": {"toy": 700},
        "classes": (JobClass.SMALL,),
        "slots": 1,
        "cores": 1,
        "memory_bytes": 8 << 30,
        "region": "here",
        "version": "test",
    }
    return ProverTerms(**(values | changes))


def a_session(session_id: UUID, prover_id: str, gateway_id: UUID, **changes: object) -> dict[str, object]:
    """Return what OPEN_SESSION takes: a prover of the toy system with one slot for small jobs."""
    return {
        "session_id": session_id,
        "prover_id": prover_id,
        "operator": prover_id.split("/")[0],
        "gateway_id": gateway_id,
        "asks": {"toy": 700},
        "classes": ["small"],
        "slots": 1,
        "cores": 1,
        "memory_bytes": 1 << 30,
        "region": "",
        "version": "",
        "cached_programs": [],
        "class_asks": {},
        "units_min": 0,
        "peer": OWN.peer,
        "session_key": OWN.key,
        "run": OWN.run,
        "reserve_price": 0,
        "reserve_slots": 0,
        "confinement": "",
        "sealing_key": None,
        "sealing_until_ms": None,
        "sealing_signature": None,
    } | changes


def a_program(**changes: object) -> dict[str, object]:
    """Return what INSERT_PROGRAM takes: a program `p` of the toy system with one slice."""
    return {
        "digest": "p",
        "proof_system": "toy",
        "owner": "0xc1",  # the client of tests/roles/lanes.py
        "label": "",
        "manifest": {},
        "slices": 1,
        "units": 1_000,
    } | changes
