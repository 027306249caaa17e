"""Proofs inside a proof: what the circuit takes and refuses, by its own constraints; no keys of wraps are made."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, InvalidInput, InvalidProgram
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.kit.asking import Refused
from proofgrid.proofs.kit.circom.curves import CURVES
from proofgrid.proofs.kit.circom.engine import SETUP_SECONDS, ask
from proofgrid.proofs.offers import MakesOneProof
from proofgrid.proofs.systems.groth16.adapter import Groth16System
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of, with_keys

PRIME = "bls12377"
FIRST: dict[str, Json] = {"a": [2, 3, 5], "b": 7, "limit": 9}
SECOND: dict[str, Json] = {"a": [1, 1, 2], "b": 3, "limit": 210}  # begins with what the first one leaves
ZERO: dict[str, Json] = {"a": [0, 3, 5], "b": 7, "limit": 9}


def unheard(_stage: str, _permille: int) -> None:
    pass


@dataclass(frozen=True)
class Part:
    proof: bytes
    public: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {"proof": base64.b64encode(self.proof).decode(), "public": list(self.public)}


@dataclass(frozen=True)
class Made:
    """A circuit under two keys of one shape, and proofs."""

    curve: str
    folder: Path
    files: ProgramFiles
    other: ProgramFiles
    first: Part
    second: Part
    zero: Part
    foreign: Part  #: of the first input, under the other key

    def takes(
        self,
        *parts: Part,
        claimed: Sequence[Part] | None = None,
        keys: Sequence[ProgramFiles] | None = None,
        chains: int = 0,
    ) -> bool:
        """Does the wrap's circuit take these parts? `claimed`: what the statement says that they are.

        `chains`: for how many it is made; 0: for as many as there are.
        """
        keys = keys or [self.files]
        request: dict[str, Any] = {"curve": self.curve, "chains": chains or len(parts) // len(keys)}
        request["slices"] = [[1, 1]] * len(keys)
        request["verifying_keys"] = [str(one.path("verifying_key")) for one in keys]
        request["parts"] = [part.to_json() for part in parts]
        if claimed is not None:
            request["claimed"] = [part.to_json() for part in claimed]
        answer = ask("wrap-check", request, workdir=self.folder / "check", memory=12 << 30, seconds=SETUP_SECONDS)
        return bool(answer["satisfied"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_on(PRIME, tmp_path_factory.mktemp("wraps"))


def made_on(prime: str, folder: Path) -> Made:
    engine_or_skip()
    system = Groth16System()
    files, other = (
        system.build_program(
            with_keys(files_of("product", prime=prime), folder / name).files,
            {},
            trust={},
            workdir=folder / f"{name}-build",
            report=unheard,
        )
        for name in ("keys", "others")
    )

    def proven(program: ProgramFiles, value: dict[str, Json]) -> Part:
        [job] = system.normalise(program, [value], workdir=folder / "normalise").jobs
        output = system.run_job(program, 0, job.input, cache=folder, workdir=folder / "job", report=unheard)
        return Part(output.proof, (*output.public["output"], *job.facts["shown"]))  # type: ignore[misc]

    first, second, zero = (proven(files, value) for value in (FIRST, SECOND, ZERO))
    curve = str(files.program.identity["curve"])
    return Made(curve, folder, files, other, first, second, zero, proven(other, FIRST))


def test_parts_that_verify_are_taken_and_fewer_fill_the_places(made: Made) -> None:
    assert made.takes(made.first, made.second)
    assert made.takes(made.zero, chains=2)
    assert made.zero.public[0] == "0"


def claiming(part: Part, **public: str) -> Part:
    values = [public.get("output", part.public[0]), public.get("shown", part.public[1])]
    return replace(part, public=tuple(values))


#: parts that a cheat wraps, and what the statement says of them
FORGERIES: dict[str, Callable[[Made], tuple[list[Part], list[Part]]]] = {
    "a swapped part": lambda it: ([it.second, it.first], [it.first, it.second]),
    "a part twice instead of two": lambda it: ([it.first, it.first], [it.first, it.second]),
    "a part of another key": lambda it: ([it.first, it.foreign], [it.first, it.first]),
    "another output": lambda it: 2 * ([it.first, claiming(it.second, output="7")],),
    "another public input": lambda it: 2 * ([claiming(it.first, shown="8")],),
    "an output that only the statement has": lambda it: ([it.first], [claiming(it.first, output="7")]),
    "an input that only the statement has": lambda it: ([it.first], [claiming(it.first, shown="8")]),
    "a proof of something else": lambda it: 2 * ([replace(it.first, proof=it.second.proof)],),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_circuit_itself_refuses_a_forgery(made: Made, name: str) -> None:
    parts, claimed = FORGERIES[name](made)
    assert not made.takes(*parts, claimed=claimed)


def test_a_key_that_only_the_statement_has_is_refused(made: Made) -> None:
    """Whoever verifies knows the key; a proof of parts under another one is of another commitment."""
    assert made.takes(made.foreign, keys=[made.other])
    assert not made.takes(made.foreign, keys=[made.files])


@pytest.mark.thorough
def test_slices_of_a_chain_are_linked_inside(made: Made) -> None:
    chain = [made.files, made.files]
    assert made.takes(made.first, made.second, keys=chain)
    assert not made.takes(made.second, made.first, keys=chain)
    assert not made.takes(made.first, made.zero, keys=chain)


def test_what_is_no_part_at_all_is_refused_before_the_circuit(made: Made) -> None:
    infinity = replace(made.first, proof=bytes([0xC0, *bytes(47), 0xC0, *bytes(95), 0xC0, *bytes(47)]))
    for wrong in (
        replace(made.first, proof=made.first.proof[:-1]),
        replace(made.first, proof=bytes(192)),
        infinity,
        replace(made.first, public=("210",)),
        claiming(made.first, output=str(CURVES[PRIME].modulus + 210)),
        claiming(made.first, output="0210"),
    ):
        with pytest.raises(Refused) as caught:
            made.takes(wrong)
        assert caught.value.field == "parts"
    shapes: list[dict[str, Any]] = [
        {"chains": 0},
        {"chains": 1 << 40},
        {"slices": []},
        {"slices": [[-1, 2]]},
        {"slices": [[1, 1], [1, 2]]},
        {"curve": "bw6761"},
    ]
    for shape in shapes:
        request = {"curve": PRIME, "chains": 1, "slices": [[1, 1]], "verifying_keys": [], "parts": [], **shape}
        with pytest.raises(Refused):
            ask("wrap-check", request, workdir=made.folder / "check", memory=1 << 30)


def test_a_program_without_keys_of_wraps_is_as_ever(made: Made) -> None:
    system = Groth16System()
    assert isinstance(system, MakesOneProof)
    assert made.files.program.wraps == ()
    assert system.inputs_max(made.files) == 0
    with pytest.raises(InvalidInput):
        system.normalise_to_one(made.files, [FIRST], workdir=made.folder / "normalise")


def test_half_of_what_wraps_need_is_refused_by_name(made: Made) -> None:
    source = dict(made.files.paths)
    key = source["verifying_key"]
    on_bn254 = with_keys(files_of("product"), made.folder / "bn254").files
    wraps = {"wrap_proving_key": key, "wrap_verifying_key": key}
    for files, settings, kind, field in (
        (source, {"wrap_parts": 2}, InvalidField, "source.wrap_proving_key"),
        ({**source, "wrap_proving_key": key}, {"wrap_parts": 2}, InvalidField, "source.wrap_verifying_key"),
        ({**source, **wraps}, {}, InvalidField, "settings.wrap_parts"),
        ({**source, **wraps}, {"wrap_parts": 65}, InvalidField, "settings.wrap_parts"),
        ({**source, **wraps}, {"wrap_parts": True}, InvalidField, "settings.wrap_parts"),
        ({**source, **wraps}, {"slices": 2}, InvalidField, "settings.slices"),
        ({**on_bn254, **wraps}, {"wrap_parts": 1}, InvalidProgram, "source.wrap_verifying_key"),
        ({**source, **wraps}, {"wrap_parts": 1}, InvalidProgram, "source.wrap_verifying_key"),
    ):
        with pytest.raises(kind) as caught:
            Groth16System().build_program(files, settings, trust={}, workdir=made.folder / "build", report=unheard)
        assert caught.value.field == field
