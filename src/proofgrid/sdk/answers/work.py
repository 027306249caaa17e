"""What clients get: programs, and tasks with their jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.rules.jobs.waiting import sentence, what_to_do


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A registered program, as you see it: of a stranger's only what verifies its proofs."""

    digest: str = ""
    proof_system: str = ""
    label: str = ""
    manifest: Mapping[str, object] | None = None  #: proofs/manifest.py reads it
    slices: int = 0
    units: int = 0  #: PU of one input
    created_ms: int = 0
    visibility: str = ""  #: private, shared, public
    is_yours: bool = False
    shared_with: tuple[str, ...] = ()  #: by you: addresses, subnetwork:NAME, * for everybody
    stored_bytes: int = 0  #: that count for you


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedProgram:
    """What became of a program that you deleted."""

    was_yours: bool = False  #: False: somebody else's, or deleted already
    has_other_owners: bool = False  #: who registered the same content: it lives on
    released_bytes: int = 0  #: that stop counting for you within the hour
    kept_bytes: int = 0  #: that verifiers of its proofs need: they stay, and count for you


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a job waits at the moment of asking; what the reason does not need is 0 or empty."""

    reason: str = ""  #: rules/jobs/waiting.py
    price: int = 0  #: base units per PU: the least that could buy it, or that of the latest round
    price_max: int = 0  #: base units per PU: the most that the lane admits, where every ask is above it
    unmet: tuple[str, ...] = ()  #: what the nearest prover lacks
    after_ms: int = 0  #: from now, about
    jobs: int = 0  #: of yours, in flight

    def sentence(self) -> str:
        """Say why it waits."""
        return sentence(self)

    def what_to_do(self) -> str:
        """Say what you can do about it; empty: nothing but to wait."""
        return what_to_do(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One slice of one input."""

    job_id: str = ""
    slice: int = 0
    input: int = 0
    state: str = ""  #: rules/jobs/lifecycle.py
    units: int = 0
    class_: str = ""
    attempts: int = 0
    operator: str = ""
    prover: str = ""
    price: int = 0  #: base units per PU
    stage: str = ""
    permille: int = 0  #: of the stage
    waiting: Waiting | None = None  #: None: it does not wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A request; amounts are base units, times since the epoch, 0: none or not yet."""

    task_id: str = ""
    state: str = ""  #: rules/jobs/lifecycle.py
    program_digest: str = ""
    limit_price: int = 0  #: per PU
    escrow: int = 0
    spent: int = 0
    units: int = 0
    deadline_ms: int = 0
    created_ms: int = 0
    finished_ms: int = 0
    failure_code: str = ""
    failure_detail: str = ""
    bundle_digest: str = ""
    jobs: tuple[Job, ...] = ()  #: not in lists
    inputs: int = 0
    quote_id: str = ""  #: redeemed with it: escrow and spent are the network's money, the client pays the quote's cost
    tags: tuple[str, ...] = ()
    replay_of: str = ""  #: the task that it is a replay of


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedOnTask:
    """What became of one task of an act on many."""

    task_id: str = ""
    outcome: str = ""  #: would_be_acted_on, cancelled, had_ended, replayed, refused
    replayed_as: str = ""  #: the new task
    code: str = ""  #: of what refused it
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedOnTasks:
    """What an act on many tasks did, or would do."""

    matching: int = 0  #: tasks that its filter found when it began, counted to 10,000
    tasks: tuple[ActedOnTask, ...] = ()  #: newest first
