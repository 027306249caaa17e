"""What was proven, as numbers: on the screen, as JSON, as arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from proofgrid.cli.kit.proven import print_proven, proven_to_json, write_proven
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import TaskId
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.proofs.bundles.manifest import BundleTask, Manifest
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor, layout_of, tensor_json
from proofgrid.proofs.systems.ezkl.proving.saying import ShownOutputs, ShownTensor, make_outputs, make_statement
from proofgrid.proofs.systems.ezkl.proving.verify import Claim
from tests.cli.commands import proofgrid
from tests.proofs.bundles.makers import CLIENT, NETWORK

BEFORE = Path(__file__).parents[2] / "acceptance" / "before_step_4" / "answer.bundle"


def a_manifest(inputs: int = 1, *, visibility: str = "public", **identity: Json) -> Manifest:
    """Return what a bundle says of a program with two inputs and two outputs; its proofs are not looked at here."""
    tensors_in = (
        ProgramTensor(name="image", shape=(1, 2), element_type="float32", scale=7, visibility=visibility),
        ProgramTensor(name="count", shape=(1,), element_type="int64", scale=0, visibility=visibility),
    )
    tensors_out = (
        ProgramTensor(name="scores", shape=(2, 2), element_type="float32", scale=14, visibility="public"),
        ProgramTensor(name="is_cat", shape=(1,), element_type="bool", scale=0, visibility="public"),
    )
    program = Program(
        proof_system="ezkl",
        identity={
            "format": 2,
            "proof_system": "ezkl",
            "inputs": [tensor_json(tensor) for tensor in tensors_in],
            "outputs": [tensor_json(tensor) for tensor in tensors_out],
            "slices": [{}],
            **identity,
        },
        files={},
        verifying_files=(),
        slices=(SliceSpec(index=0, units=1, memory_bytes=1),),
    )
    layout = layout_of(program)
    shown = [ShownTensor(values=["0.5", "0.25"], integers=[64, 32]), ShownTensor(values=["3"], integers=[3])]
    if visibility == "committed":
        shown = [ShownTensor(commitment="ab" * 64), ShownTensor(commitment="cd" * 64)]
    shown_outputs = ShownOutputs(claim=Claim(outputs=[16384 * 3, -8192, 1, 0, 1]))
    return Manifest(
        network=NETWORK.address,
        task=BundleTask(task_id=TaskId(UUID(int=7)), client=CLIENT.address, created_ms=1, finished_ms=2),
        program=program,
        statement=make_statement(layout, [shown] * inputs),
        result={"outputs": make_outputs(layout, [shown_outputs] * inputs)},
        jobs=(),
    )


def test_inputs_and_outputs_are_shown_by_name_with_their_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    outputs: list[Json] = [
        {"name": "scores", "quanta": 3, "quanta_allowed": 16},
        {"name": "is_cat", "quanta": 0, "quanta_allowed": 0},
    ]
    print_proven(a_manifest(agreement={"samples": 40, "kinds": ["drawn"], "outputs": outputs}))
    assert capsys.readouterr().out.splitlines() == [
        "  input image [1, 2]: 0.5 0.25",
        "  input count [1]: 3",
        "  output scores [2, 2]: 3 -0.5 6.10352e-05 0",
        "  output is_cat [1]: 1",
        "  circuit and model, as measured when it was built: samples 40, scores off by at most 0.000183105"
        " where rounding explains 0.000976562, is_cat off by at most 0 where rounding explains 0",
    ]


def test_committed_inputs_are_said_to_be_committed_and_shown_by_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    manifest = a_manifest(2, visibility="committed")
    print_proven(manifest)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  input 0 image [1, 2]: committed, its numbers are not public; commitment abababababababab…"
    assert lines[-1] == "  output 1 is_cat [1]: 1"
    said: Any = proven_to_json(manifest)
    assert said["proven"][1]["inputs"]["count"] == {"shape": [1], "type": "int64", "commitment": "cd" * 64}


def test_json_holds_numbers_in_the_shape_of_their_tensors(tmp_path: Path) -> None:
    write_proven(a_manifest(), tmp_path / "all.json")
    [proof] = json.loads((tmp_path / "all.json").read_text())["proven"]
    assert proof["outputs"]["scores"]["values"] == [[3, -0.5], [2**-14, 0]]
    assert proof["inputs"]["count"] == {"shape": [1], "type": "int64", "values": [3]}


def test_arrays_keep_names_and_types_and_several_inputs_get_an_axis_of_their_own(tmp_path: Path) -> None:
    write_proven(a_manifest(3), tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as arrays:
        assert set(arrays) == {"image", "count", "scores", "is_cat"}
        assert arrays["scores"].shape == (3, 2, 2)
        assert arrays["scores"][2].tolist() == [[3, -0.5], [2**-14, 0]]
        assert (arrays["is_cat"].dtype, arrays["count"].dtype) == (np.bool_, np.int64)
    with pytest.raises(InvalidField, match="2 outputs: scores, is_cat"):
        write_proven(a_manifest(), tmp_path / "one.npy")


def test_what_is_committed_is_in_no_array(tmp_path: Path) -> None:
    write_proven(a_manifest(visibility="committed"), tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as arrays:
        assert set(arrays) == {"scores", "is_cat"}


def test_a_bundle_of_an_earlier_version_is_told_and_written_too(tmp_path: Path) -> None:
    ended = proofgrid("verify", str(BEFORE), "--output", str(tmp_path / "o.npy"), home=tmp_path, COLUMNS="60")
    assert ended.returncode == 0, ended.stderr
    assert "  input [1, 6]: 0.5 0.25 0.125 0.75 0.0 1.0\n" in ended.stdout
    assert np.load(tmp_path / "o.npy").tolist() == [[0.6171875, 0.6328125, 1.328125, 1.3515625]]
    widest = max(len(line) for line in ended.stdout.splitlines() if not any(len(word) > 50 for word in line.split()))
    assert widest <= 60


@pytest.mark.parametrize("name", ["scores.txt", "no/such/folder.json"])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(name: str, tmp_path: Path) -> None:
    ended = proofgrid("verify", str(BEFORE), "--output", str(tmp_path / name), home=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("PG-101 [output] ")
