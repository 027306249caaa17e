"""The sessions of provers: opened by a hello, kept by heartbeats, closed with their streams."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import LeaseId, TaskId
from proofgrid.rules.access.sessions import OpenSession
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class ComeBackLease:
    """A lease of a prover that came back: moved to its new session, or forgotten by it."""

    lease_id: LeaseId
    task_id: TaskId
    kept: bool


@dataclass(frozen=True, slots=True)
class OthersOfOperator:
    """What else an operator has connected."""

    provers: int
    slots: int


REGISTER_PROVER = query("register_prover", None)
CHANGE_SESSION = query("change_session", None)
SESSION_OF_NAME = query("session_of_name", OpenSession)
CHANGE_OPERATOR = query("change_operator", None)
MAY_OPERATE = query("may_operate", bool)
KEEP_PROVERS_OF_OPERATOR = query("keep_provers_of_operator", None)
END_SESSIONS_OF_OPERATOR = query("end_sessions_of_operator", None)
OTHERS_OF_OPERATOR = query("others_of_operator", OthersOfOperator)
SUPERSEDE_SESSIONS = query("supersede_sessions", None)
OPEN_SESSION = query("open_session", None)
KEEP_SESSIONS = query("keep_sessions", None)
ADOPT_LEASES = query("adopt_leases", ComeBackLease)
CLOSE_SESSION = query("close_session", None)
DRAIN_SESSION = query("drain_session", None)
NOTE_CACHED_PROGRAMS = query("note_cached_programs", None)
HEARTBEATS = query("heartbeats", LeaseId)
WAKE_EXPIRY = query("wake_expiry", None)
