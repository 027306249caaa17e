"""Tries one model: what ONNX says, and what the engine's forward pass says, from settings to witness."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx.reference import ReferenceEvaluator

from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.felts import integer_of, quantise, to_felt

SCALE = 7
_SAMPLES = 3
_DECOMPOSITIONS = ((2048, 3), (16384, 2))

Array = npt.NDArray[Any]
Feeds = Mapping[str, Array]


def feeds_of(model: onnx.ModelProto, low: float, high: float, step: float = 2.0**-SCALE) -> list[Feeds]:
    """Return seeded inputs of a model of static shapes; multiples of a step, the scale's unit or more."""
    random = np.random.RandomState(7)
    found: list[Feeds] = []
    for _ in range(_SAMPLES):
        feeds: dict[str, Array] = {}
        for value in model.graph.input:
            shape = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
            drawn = np.round(random.uniform(low, high, shape) / step) * step
            kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            feeds[value.name] = drawn.astype(kind)
        found.append(feeds)
    return found


def reference(model: onnx.ModelProto, feeds: Feeds) -> Array:
    """Return what ONNX's reference evaluator says, all outputs in one row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers: Any = ReferenceEvaluator(model).run(None, dict(feeds))
    return _flat(answers)


def runtime(model: onnx.ModelProto, feeds: Feeds) -> Array:
    """Return what ONNX Runtime says."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return _flat(session.run(None, dict(feeds)))


def circuit(model: onnx.ModelProto, feeds: Sequence[Feeds]) -> list[Array]:
    """Return what the engine's circuit computes for each of the inputs; raise EngineFailed."""
    failure = engine.EngineFailed("")
    for decomposition in _DECOMPOSITIONS:
        try:
            return _circuit(model, feeds, decomposition)
        except engine.EngineFailed as reason:
            failure = reason
    raise failure


def _circuit(model: onnx.ModelProto, feeds: Sequence[Feeds], decomposition: tuple[int, int]) -> list[Array]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = {name: str(folder / name) for name in ("model", "settings", "data", "compiled")}
        Path(paths["model"]).write_bytes(model.SerializeToString())
        base, legs = decomposition
        arguments = engine.run_arguments(
            {
                "input_visibility": "public",
                "output_visibility": "public",
                "param_visibility": "fixed",
                "input_scale": SCALE,
                "param_scale": SCALE,
                "decomp_base": base,
                "decomp_legs": legs,
            }
        )
        engine.run("gen_settings", paths["model"], paths["settings"], py_run_args=arguments)
        names = [value.name for value in model.graph.input]
        data = [[float(number) for each in feeds for number in each[name].reshape(-1)] for name in names]
        Path(paths["data"]).write_text(json.dumps({"input_data": data}))
        engine.run(
            "calibrate_settings",
            paths["data"],
            paths["model"],
            paths["settings"],
            "resources",
            lookup_safety_margin=2,
            scales=[SCALE],
            scale_rebase_multiplier=[1],
            max_logrows=22,
        )
        settings = json.loads(Path(paths["settings"]).read_text())
        engine.run("compile_circuit", paths["model"], paths["compiled"], paths["settings"])
        return [_witness(paths, settings, [each[name] for name in names]) for each in feeds]


def _witness(paths: Mapping[str, str], settings: Mapping[str, Any], inputs: Sequence[Array]) -> Array:
    scales = settings["model_input_scales"]
    felts = [
        [to_felt(quantise(repr(float(number)), scale)) for number in each.reshape(-1)]
        for each, scale in zip(inputs, scales, strict=True)
    ]
    Path(paths["data"]).write_text(json.dumps({"input_data": felts}))
    found = engine.run("gen_witness", paths["data"], paths["compiled"], output=f"{paths['data']}.witness")
    outputs = zip(found["outputs"], settings["model_output_scales"], strict=True)
    return _flat([np.array([integer_of(felt) for felt in felts], np.float64) / 2.0**scale for felts, scale in outputs])


def _flat(outputs: Sequence[Any]) -> Array:
    return np.concatenate([np.asarray(each, np.float64).reshape(-1) for each in outputs])
