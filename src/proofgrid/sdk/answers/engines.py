"""Engines: who runs them, what they have to do, which were stopped, and what was accepted of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStop:
    """When an engine was stopped, and why."""

    reason: str = ""
    stopped_by: str = ""
    stopped_ms: int = 0
    resumed_by: str = ""
    resumed_ms: int = 0  #: 0: it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A proof system by one version of what proves it."""

    engine: str = ""  #: "<system>@<version>"
    is_here: bool = False  #: the gateway that was asked builds programs with it and verifies its proofs
    provers: int = 0  #: connected, not draining
    provers_draining: int = 0
    slots: int = 0  #: of those that do not drain
    slots_busy: int = 0  #: with its jobs
    programs: int = 0  #: that it built
    tasks_open: int = 0
    jobs_open: int = 0
    stopped_reason: str = ""  #: empty: it is not stopped
    stopped_ms: int = 0
    stopped_by: str = ""
    stops: tuple[EngineStop, ...] = ()  #: newest first; for administrators


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedProof:
    """A proof that was paid for."""

    task_id: str = ""
    client: str = ""
    program_digest: str = ""
    task_state: str = ""
    bundle_digest: str = ""  #: empty: there is none
    slice: int = 0
    input: int = 0
    proof_digest: str = ""
    prover_id: str = ""
    operator: str = ""
    paid: int = 0  #: base units, the treasury's fee included
    accepted_ms: int = 0
    fence: int = 0  #: of its lease
