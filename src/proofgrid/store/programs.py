"""Programs as they are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.digests import Digest
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class RegisteredProgram:
    """A program that tasks may ask for."""

    digest: Digest
    proof_system: str
    label: str
    manifest: Mapping[str, Any]  #: JSON of proofs/manifest.py
    slices: int
    units: int  #: PU of one input
    created_ms: int


INSERT_PROGRAM = query("insert_program", None)
INSERT_PROGRAM_FILES = query("insert_program_files", None)
GET_PROGRAM = query("get_program", RegisteredProgram)
LIST_PROGRAMS = query("list_programs", RegisteredProgram)
PROGRAMS_BETWEEN = query("programs_between", RegisteredProgram)
