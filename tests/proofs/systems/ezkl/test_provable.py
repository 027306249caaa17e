"""An input that is accepted can be proven; one that cannot is refused before it is sold, and by a prover in no time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidInput, InvalidProgram
from proofgrid.proofs.base import ProgramFiles
from tests.proofs.conftest import SYSTEM, build, prove_all
from tests.proofs.systems.ezkl.models import a_model, node, save, weights


def one_node(operator: str, elements: int = 3, **attributes: Any) -> Any:
    return a_model([node(operator, "x", "y", **attributes)], inputs=[("x", (1, elements))])


@pytest.fixture(scope="module")
def softmax_program(srs: Path, tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    folder = tmp_path_factory.mktemp("softmax")
    return build(save(one_node("Softmax"), folder / "model"), {}, srs=srs, workdir=folder)


@pytest.fixture(scope="module")
def logarithm_program(srs: Path, tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    folder = tmp_path_factory.mktemp("logarithm")
    return build(save(one_node("Log", 2), folder / "model"), {"input_range": [1, 2]}, srs=srs, workdir=folder)


def test_an_input_whose_lookups_leave_their_table_is_refused_with_the_range(
    softmax_program: ProgramFiles, tmp_path: Path
) -> None:
    said = r"at node 'make_y' \(Softmax\): slice 0: a lookup needs -1011; its table holds -\d+ to 0"
    with pytest.raises(InvalidInput, match=said) as caught:
        SYSTEM.normalise(softmax_program, [[0.1, 0.2, 0.3], [8, 0.1, 0.2]], workdir=tmp_path)

    assert caught.value.field == "inputs[1]"
    assert "input_range" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_an_input_that_breaks_an_equality_is_refused_though_every_lookup_is_in_its_table(
    logarithm_program: ProgramFiles, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"at node 'make_y' \(Log\): slice 0: a constraint is not satisfied"):
        SYSTEM.normalise(logarithm_program, [[0, 1]], workdir=tmp_path)


def test_the_node_that_an_input_cannot_pass_is_named_in_the_slice_where_it_stands(srs: Path, tmp_path: Path) -> None:
    nodes = [
        node("MatMul", "x w", "dense"),
        node("Relu", "dense", "bent"),
        node("MatMul", "bent v", "scores"),
        node("Softmax", "scores", "shares"),
        node("MatMul", "shares u", "y"),
    ]
    model = a_model(nodes, [weights("w", 6, 6), weights("v", 6, 6), weights("u", 6, 2)])
    files = build(save(model, tmp_path / "model"), {"slices": 2}, srs=srs, workdir=tmp_path / "program")

    with pytest.raises(InvalidInput, match=r"at node 'make_shares' \(Softmax.*\): slice 1: a lookup needs -\d+"):
        SYSTEM.normalise(files, [[50, -50, 50, -50, 50, -50]], workdir=tmp_path / "work")


@pytest.fixture(scope="module")
def root_program(srs: Path, tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    folder = tmp_path_factory.mktemp("root")
    return build(save(one_node("Sqrt", 2), folder / "model"), {"input_range": [0, 1]}, srs=srs, workdir=folder)


def test_what_the_circuit_proves_beyond_the_range_is_what_the_model_says_or_refused(
    root_program: ProgramFiles, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="the model has no result for this input") as caught:
        SYSTEM.normalise(root_program, [[0.25, 1], [-1, 1]], workdir=tmp_path)

    assert caught.value.field == "inputs[1]"
    assert "input_range" in caught.value.hint


def test_an_input_beyond_the_range_that_the_circuit_computes_rightly_is_taken(
    softmax_program: ProgramFiles, tmp_path: Path
) -> None:
    assert len(SYSTEM.normalise(softmax_program, [[1.25, 0.1, 0.2]], workdir=tmp_path).jobs) == 1


@dataclass
class Reported:
    """What a prover said of its progress."""

    stages: list[str]

    def __call__(self, stage: str, share: int) -> None:
        self.stages.append(stage)


def test_a_prover_notices_what_cannot_be_proven_before_it_derives_a_key(
    softmax_program: ProgramFiles, tmp_path: Path
) -> None:
    job_input = json.dumps({"format": 1, "integers": [1024, 13, 26]}).encode()
    reported = Reported([])

    with pytest.raises(InvalidProgram, match="a lookup needs -1011; its table holds"):
        SYSTEM.run_job(
            softmax_program, 0, job_input, cache=tmp_path / "cache", workdir=tmp_path / "work", report=reported
        )

    assert reported.stages == ["witness"]
    assert not (tmp_path / "cache").exists()


def test_the_widest_input_that_is_accepted_is_proven(softmax_program: ProgramFiles, tmp_path: Path) -> None:
    accepted, refused = 1 << 7, 1 << 10  # as integers of scale 7
    while refused - accepted > 1:
        middle = (accepted + refused) // 2
        try:
            SYSTEM.normalise(softmax_program, [[middle / 128, 0, 0]], workdir=tmp_path)
            accepted = middle
        except InvalidInput:
            refused = middle

    proven = prove_all(softmax_program, [[accepted / 128, 0, 0]], cache=tmp_path / "cache", workdir=tmp_path)

    said = SYSTEM.verify_whole(softmax_program, proven.request.statement, proven.result, proven.parts, workdir=tmp_path)
    assert "every proof verifies (1)" in said
