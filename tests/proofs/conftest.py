"""Real programs and proofs, made once per session: reference strings, the digits model in four slices, its proofs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proofgrid.proofs.base import NormalisedRequest, PartialProof, ProgramFiles
from proofgrid.proofs.kit.rehearsal import rehearse
from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem
from proofgrid.proofs.systems.ezkl.setup import KZG_BN254
from tests.reference_strings import reference_strings

DEMO_DATA = Path(__file__).parents[2] / "src" / "proofgrid" / "cli" / "demo" / "data"
DIGITS_MODEL = DEMO_DATA / "digits.onnx"
DIGITS_SETTINGS: Mapping[str, Any] = {"slices": 4, "input_range": [0, 1]}
DIGITS_PROVEN = 2

SYSTEM = EzklProofSystem()


@dataclass(frozen=True, slots=True)
class ProvenRequest:
    """A request, proven and combined."""

    inputs: list[list[float]]
    request: NormalisedRequest
    parts: list[PartialProof]
    result: Mapping[str, Any]

    def part(self, input_index: int, slice_index: int) -> PartialProof:
        """Return one proof."""
        return self.parts[self.position(input_index, slice_index)]

    def facts(self, input_index: int, slice_index: int) -> Mapping[str, Any]:
        """Return what the gateway knows of that proof."""
        return self.request.jobs[self.position(input_index, slice_index)].facts

    def position(self, input_index: int, slice_index: int) -> int:
        """Return where that proof stands in `parts`."""
        places = [(part.input_index, part.slice_index) for part in self.parts]
        return places.index((input_index, slice_index))


def build(model: Path, settings: Mapping[str, Any], *, srs: Path, workdir: Path) -> ProgramFiles:
    """Build a program of one model file."""
    return SYSTEM.build_program(
        {"model": model}, settings, trust={KZG_BN254: srs}, workdir=workdir, report=ignore_progress
    )


def prove_all(files: ProgramFiles, inputs: Sequence[Any], *, cache: Path, workdir: Path) -> ProvenRequest:
    """Do what a whole network does with a request."""
    done = rehearse(SYSTEM, files, inputs, cache=cache, workdir=workdir)
    return ProvenRequest(list(inputs), done.request, done.parts, done.result)


def ignore_progress(stage: str, share: int) -> None:
    """Report nothing."""


@pytest.fixture(scope="session")
def srs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with reference strings of 2^12 and 2^13 rows."""
    return reference_strings(tmp_path_factory.mktemp("srs"), 12, 13)


@pytest.fixture(scope="session")
def digit_images() -> list[list[float]]:
    """Images of 0 to 4, as the model takes them."""
    data = json.loads((DEMO_DATA / "digits.json").read_text())
    return [
        [pixel / data["darkest"] for row in image["pixels"] for pixel in row]
        for image in data["images"][:5]  # 0, 1, 2, 3, 4
    ]


@pytest.fixture(scope="session")
def digits_program(srs: Path, tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    """The digits model in four slices."""
    return build(DIGITS_MODEL, DIGITS_SETTINGS, srs=srs, workdir=tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="session")
def key_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prover's cache for the whole session."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def proven_digits(
    digits_program: ProgramFiles,
    digit_images: list[list[float]],
    key_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> ProvenRequest:
    """Two digits in four slices: eight proofs."""
    return prove_all(
        digits_program, digit_images[:DIGITS_PROVEN], cache=key_cache, workdir=tmp_path_factory.mktemp("proving")
    )
