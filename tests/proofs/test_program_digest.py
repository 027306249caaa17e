"""A program's digest names its proof system, whatever its identity says."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import digest_of, digest_of_json
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.base import Program, SliceSpec

CIRCUIT = digest_of(b"circuit")


def a_program(proof_system: str, identity: Mapping[str, Json]) -> Program:
    return Program(
        proof_system=proof_system,
        identity=identity,
        files={"circuit": CIRCUIT},
        verifying_files=("circuit",),
        slices=(SliceSpec(index=0, units=1, memory_bytes=1),),
    )


def test_two_systems_with_equal_identities_have_two_programs() -> None:
    one, other = (a_program(name, {"circuit": CIRCUIT}) for name in ("one", "other"))

    assert one.digest != other.digest


def test_an_identity_that_names_its_system_is_digested_as_it_is() -> None:
    identity: Mapping[str, Json] = {"circuit": CIRCUIT, "proof_system": "ezkl"}

    assert a_program("ezkl", identity).digest == digest_of_json(identity)


def test_an_identity_that_names_another_system_is_refused() -> None:
    with pytest.raises(InvalidField, match="another proof system"):
        a_program("one", {"circuit": CIRCUIT, "proof_system": "other"})
