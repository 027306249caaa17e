"""Programs as they are written down, whose they are, and who else may use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from proofgrid.primitives.digests import Digest
from proofgrid.rules.access.programs import ProgramAccess
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class RegisteredProgram:
    """A program that tasks may ask for, or could once."""

    digest: Digest
    proof_system: str
    manifest: Mapping[str, Any]  #: JSON of proofs/manifest.py
    slices: int
    units: int  #: PU of one input
    created_ms: int


@dataclass(frozen=True, slots=True)
class ShownProgram:
    """A program as one key sees it."""

    digest: Digest
    proof_system: str
    label: str  #: the reader's own, or that of an owner who shares it with the reader
    manifest: Mapping[str, object]  #: JSON of proofs/manifest.py
    slices: int
    units: int  #: PU of one input
    created_ms: int
    is_owner: bool
    audiences: frozenset[str]  #: that the reader belongs to (rules/access/programs.py)
    shared_with: frozenset[str]  #: by the reader; empty for who does not own it
    stored_bytes: int  #: that count for the reader

    @property
    def access(self) -> ProgramAccess:
        return ProgramAccess(self.is_owner, self.audiences)


@dataclass(frozen=True, slots=True)
class TasksOfProgram:
    """What was, or is being, proven with a program."""

    open_tasks: int
    is_used: bool  #: there is a task of it, whatever became of it


@dataclass(frozen=True, slots=True)
class ReleasedFiles:
    """What became of the files of a program that its owner deleted."""

    released_bytes: int
    kept_bytes: int  #: for verifiers


class ProgramFile(TypedDict):
    """One file of a program, and who needs it."""

    digest: Digest
    slices: list[int]  #: and wraps, by index: whose provers
    is_for_verifiers: bool


INSERT_PROGRAM = query("insert_program", None)
INSERT_PROGRAM_FILES = query("insert_program_files", None)
FORGET_OTHER_PROGRAM_FILES = query("forget_other_program_files", None)
OWN_PROGRAM_FILES = query("own_program_files", None)
GET_PROGRAM = query("get_program", RegisteredProgram)
PROGRAM_ACCESS = query("program_access", ProgramAccess)
SHOW_PROGRAM = query("show_program", ShownProgram)
LIST_PROGRAMS = query("list_programs", ShownProgram)
PROGRAMS_BETWEEN = query("programs_between", ShownProgram)
SHARE_PROGRAM = query("share_program", None)
UNSHARE_PROGRAM = query("unshare_program", None)
LOCK_PROGRAM = query("lock_program", bool)
TASKS_OF_PROGRAM = query("tasks_of_program", TasksOfProgram)
DISOWN_PROGRAM = query("disown_program", None)
RELEASE_PROGRAM_FILES = query("release_program_files", ReleasedFiles)
