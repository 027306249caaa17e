"""Tiny circuits of our own, from model to inputs: what a machine, or a change of the code, is checked with."""

from __future__ import annotations

from pathlib import Path

from proofgrid.proofs.kit.samples import Samples, Source
from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs_folder
from proofgrid.proofs.systems.ezkl.setup import KZG_BN254

_LOGROWS = 12  #: more than the circuits have rows; a reference string of this size is made in half a second


def samples(folder: Path) -> Samples:
    """Do what OffersSamples.samples promises."""
    srs = folder / "srs"
    make_development_srs_folder(srs, _LOGROWS)
    source = Source(files={"model": _tiny_model(folder / "model.onnx", [0.5, 0.25])}, settings={"slices": 1})
    other = {"model": _tiny_model(folder / "other.onnx", [0.25, 0.5])}
    return Samples(
        source=source,
        inputs=([1, -1], [0.5, 0.25]),
        other=Source(files=other, settings=source.settings),
        trust={KZG_BN254: srs},
        malformed=(
            Source(files=source.files, settings={"scale": 0}),
            Source(files=source.files, settings={"slices": 2}),
        ),
        refused_inputs=([1], [1, True], ["1", "2"], [1e12, 1], "text", None),
    )


def _tiny_model(path: Path, weights: list[float]) -> Path:
    from onnx import TensorProto, helper

    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], weights)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "self-check",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
        [tensor],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path
