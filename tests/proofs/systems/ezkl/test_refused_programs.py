"""Garbage in: every model, setting or file that cannot work is refused, with field, rule and hint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from proofgrid.primitives.errors import InvalidField, InvalidInput, InvalidProgram, InvalidRequest, UnsupportedOperator
from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs
from proofgrid.proofs.systems.ezkl.setup import KZG_BN254
from tests.proofs.conftest import DIGITS_MODEL, SYSTEM, build, ignore_progress
from tests.proofs.systems.ezkl.models import a_model, a_residual_model, an_mlp, constant, node, save, weights


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x00" * 100, b"<html><body>404</body></html>", bytes(range(256)) * 10]
)
def test_a_file_that_is_no_onnx_model_is_refused(srs: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model"
    path.write_bytes(content)

    with pytest.raises(InvalidProgram, match="not an ONNX model") as caught:
        build(path, {}, srs=srs, workdir=tmp_path)

    assert caught.value.field == "model"
    assert caught.value.hint


def test_half_a_model_is_refused(srs: Path, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(DIGITS_MODEL.read_bytes()[:-10_000])

    with pytest.raises(InvalidProgram):
        build(path, {}, srs=srs, workdir=tmp_path)


def with_external_weights() -> onnx.ModelProto:
    model = an_mlp(4, 2)
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return model


def with_wrong_weights() -> onnx.ModelProto:
    model = an_mlp(4, 3, 2)
    model.graph.initializer[0].CopyFrom(weights("w0", 5, 3))
    return model


def with_more_numbers_than_dimensions() -> onnx.ModelProto:
    model = an_mlp(4, 2)
    model.graph.initializer[0].ClearField("dims")
    return model


def with_a_complex_input() -> onnx.ModelProto:
    model = a_model([node("Identity", "x", "y")])
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.COMPLEX64
    return model


BROKEN: dict[str, Callable[[], onnx.ModelProto]] = {
    "external file": with_external_weights,
    "onnx.checker refuses": lambda: a_model([node("Add", "x", "y")]),
    "shapes do not fit together": with_wrong_weights,
    "cannot be read": with_more_numbers_than_dimensions,  # found by fuzzing
    "is of complex64": with_a_complex_input,
    "'s' has no dimensions": lambda: a_model([node("Mul", "x s", "y")], inputs=[("x", (1, 4)), ("s", ())]),
    "has 65 inputs": lambda: a_model(
        [node("Sum", " ".join(f"x{i}" for i in range(65)), "y")], inputs=[(f"x{i}", (1, 4)) for i in range(65)]
    ),
    "'z' does not depend on the input": lambda: a_model(
        [node("Abs", "x", "y"), node("Neg", "w", "z")], [weights("w", 1, 4)], outputs=["y", "z"]
    ),
    "has no fixed shape": lambda: a_model([node("Abs", "x", "y")], inputs=[("x", ("batch", "length"))]),
    "does not depend on the input": lambda: a_model([node("Abs", "w", "y")], [weights("w", 1, 4)]),
    "elements": lambda: a_model([node("Abs", "x", "y")], inputs=[("x", (1, 300, 300))]),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_model_is_refused_with_its_reason(srs: Path, tmp_path: Path, reason: str) -> None:
    path = save(BROKEN[reason](), tmp_path / "model")

    with pytest.raises(InvalidProgram, match=reason) as caught:
        build(path, {}, srs=srs, workdir=tmp_path)

    assert caught.value.field == "model"


def test_a_model_that_is_too_much_to_build_is_refused_with_its_heaviest_node(srs: Path, tmp_path: Path) -> None:
    wide = [node("Expand", "x shape", "wide"), node("Exp", "wide", "e"), node("ReduceSum", "e", "y")]
    model = a_model(wide, [constant("shape", np.array([1 << 22, 6]))])

    with pytest.raises(InvalidProgram, match=r"about 83\d,\d{3},\d{3} cells .* 'make_e' \(Exp\)") as caught:
        build(save(model, tmp_path / "model"), {}, srs=srs, workdir=tmp_path)

    assert caught.value.hint


def padded(mode: str | bytes, *pads: int) -> onnx.ModelProto:
    return a_model([node("Pad", "x p", "y", mode=mode)], [constant("p", np.array(pads))])


UNSUPPORTED = {
    # Found by fuzzing: errors of numpy, and a gigabyte for 200 bytes.
    "means nothing to ONNX itself": padded("egde", 0, 1, 0, 1),
    "its result has more than": padded("edge", 1 << 20, 1, 1 << 20, 1),
    "its result has more than 4194304": a_model(
        [node("Pad", "x p v", "y")],
        [constant("p", np.array([1 << 32, 1, -(1 << 60), 1])), constant("v", np.array(2, np.float32))],
    ),
    "result has more than": a_model([node("Tile", "x r", "y")], [constant("r", np.array([1 << 20, 9]))]),
    "'make_t' .IsNaN. uses the operator IsNaN": a_model(
        [node("IsNaN", "x", "t"), node("Cast", "t", "y", to=TensorProto.FLOAT)]
    ),
    "uses acme.Magic, which is not a standard": a_model(
        [onnx.helper.make_node("Magic", ["x"], ["y"], name="make_y", domain="acme")], domains=["", "acme"]
    ),
}


@pytest.mark.parametrize("reason", UNSUPPORTED)
def test_an_unsupported_operator_is_refused_naming_operator_and_node(srs: Path, tmp_path: Path, reason: str) -> None:
    path = save(UNSUPPORTED[reason], tmp_path / "model")

    with pytest.raises(UnsupportedOperator, match=reason):
        build(path, {}, srs=srs, workdir=tmp_path)


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"slices": 4}, "settings.slices"), ({"slices": -1}, "settings.slices"), ({"speed": 9}, "settings.speed")],
)
def test_settings_that_do_not_fit_are_refused_by_name(
    srs: Path, tmp_path: Path, settings: dict[str, Any], field: str
) -> None:
    path = save(a_residual_model(), tmp_path / "model")

    with pytest.raises(InvalidField) as caught:
        build(path, settings, srs=srs, workdir=tmp_path)

    assert caught.value.field == field


def test_a_slice_that_needs_more_rows_than_allowed_is_refused(srs: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidProgram, match=r"needs 2\^1[23] rows") as caught:
        build(DIGITS_MODEL, {"slices": 1, "logrows_max": 8}, srs=srs, workdir=tmp_path)

    assert caught.value.field == "settings.logrows_max"
    assert caught.value.hint.startswith("allow more rows (-s logrows_max=1")
    assert "more slices, or slices=auto" in caught.value.hint


def test_a_node_that_is_too_large_alone_is_named_with_what_its_client_can_do(srs: Path, tmp_path: Path) -> None:
    model = save(an_mlp(80, 80, 4), tmp_path / "model")

    with pytest.raises(InvalidProgram, match=r"slice 0 with make_dense0 \(Gemm\) needs 2\^13 rows") as caught:
        build(model, {"logrows_max": 8}, srs=srs, workdir=tmp_path)

    assert caught.value.hint.startswith("allow more rows (-s logrows_max=13), or make the node smaller")
    assert "owner" not in caught.value.hint


def test_who_is_told_what_when_the_reference_string_ends(tmp_path: Path) -> None:
    make_development_srs(tmp_path / "kzg8.srs", 8)
    model = save(an_mlp(24, 24, 4), tmp_path / "model")

    with pytest.raises(InvalidProgram, match=r"at most 2\^8 are allowed") as caught:
        build(model, {}, srs=tmp_path / "kzg8.srs", workdir=tmp_path / "work")

    assert "make the node smaller" in caught.value.hint
    assert "ends at 2^8, which only its owner can change" in caught.value.hint


def test_what_only_the_engine_knows_to_be_impossible_is_refused_without_a_trace_of_rust(
    srs: Path, tmp_path: Path
) -> None:
    # What a reciprocal of nearly nothing would need, no table can tell: only the engine can.
    model = a_model([node("Mul", "x k", "z"), node("Reciprocal", "z", "y")], [constant("k", np.float32(1e-7))])

    with pytest.raises(InvalidProgram, match="ezkl cannot") as caught:
        build(save(model, tmp_path / "model"), {}, srs=srs, workdir=tmp_path)

    assert ".rs" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\x0c\x00\x00\x00short", b"\xff" * 1000])
def test_a_missing_or_malformed_reference_string_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file.srs"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidField) as caught:
        build(DIGITS_MODEL, {}, srs=path, workdir=tmp_path / "work")

    assert caught.value.field == "srs"


def test_a_file_under_another_files_name_is_refused(srs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "srs"
    folder.mkdir()
    (folder / "kzg13.srs").write_bytes((srs / "kzg12.srs").read_bytes())

    with pytest.raises(InvalidField, match=r"kzg13\.srs"):
        build(DIGITS_MODEL, {}, srs=folder, workdir=tmp_path / "work")


@pytest.mark.parametrize(
    ("calibration", "field"),
    [
        (b"nonsense", "calibration"),
        (b"[]", "calibration.inputs[0]"),
        (b'{"inputs": 3}', "calibration"),
        (b'{"input_data": [[1, 2, 3, 4, 5]]}', "calibration.inputs[0].input_data[0]"),
        (b"a,b,c,d\n1,2,3,4\n1,2,x,4\n", "calibration: line 3, column 3"),
        (b'{"inputs": []}', "calibration.inputs"),
        (b'{"inputs": [[1, 2]]}', "calibration.inputs[0]"),
        (b'{"inputs": [[1, 2, 3, NaN]]}', "calibration.inputs[0][3]"),
    ],
)
def test_a_malformed_calibration_file_is_refused_by_name(
    srs: Path, tmp_path: Path, calibration: bytes, field: str
) -> None:
    source = {"model": save(an_mlp(4, 2), tmp_path / "model"), "calibration": tmp_path / "calibration"}
    source["calibration"].write_bytes(calibration)

    with pytest.raises((InvalidField, InvalidInput)) as caught:
        SYSTEM.build_program(source, {}, trust={KZG_BN254: srs}, workdir=tmp_path, report=ignore_progress)

    assert caught.value.field == field


@pytest.mark.parametrize("source", [{}, {"modell": DIGITS_MODEL}, {"model": DIGITS_MODEL, "extra": DIGITS_MODEL}])
def test_only_the_files_that_a_program_is_made_of_are_taken(srs: Path, tmp_path: Path, source: dict[str, Path]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SYSTEM.build_program(source, {}, trust={KZG_BN254: srs}, workdir=tmp_path, report=ignore_progress)

    assert caught.value.field.startswith("source.")
