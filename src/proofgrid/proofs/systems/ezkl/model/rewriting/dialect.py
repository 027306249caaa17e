"""From any opset to the dialect of opset 17: where attributes became inputs, inputs attributes, or defaults changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from proofgrid.proofs.systems.ezkl.model.rewriting import pooling, resizing
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Array, Site

_IDENTITIES = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")
_REDUCING = "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare"
_CONSTANT = "make it a constant of the model"


def integers(values: Any) -> Array:
    """Return a constant of 64-bit integers."""
    return np.array(values, np.int64)


@rule("Squeeze Unsqueeze", "axes are an input")
def _axes_as_input(at: Site) -> str | None:
    axes = at.attribute("axes")
    return None if axes is None else at.again("", at.input(0), integers(axes), without="axes")


@rule(f"{_REDUCING} ReduceSum", "axes are named, none means all, and noop_with_empty_axes is carried out")
def _reduced_axes(at: Site) -> str | None:
    shape, axes = at.shape(), at.attribute("axes")
    if shape is None:
        return None
    if at.has(1):
        found = at.constant(1)
        if found is None:
            raise at.refused("its axes are computed", _CONSTANT)
        axes = found.reshape(-1).tolist()
    if not axes and at.attribute("noop_with_empty_axes", 0):
        if at.node.op_type not in _IDENTITIES:
            raise at.refused("noop_with_empty_axes=1 without axes", "name the axes, or leave the node out")
        return at.input(0)
    axes = sorted(axis % len(shape) for axis in axes) if axes else list(range(len(shape)))
    keep = at.attribute("keepdims", 1)
    if at.node.op_type == "ReduceSum":
        return at.put("ReduceSum", at.input(0), integers(axes), keepdims=keep)
    return at.put(at.node.op_type, at.input(0), axes=axes, keepdims=keep)


@rule("Split", "the sizes of the parts are an input")
def _split_sizes(at: Site) -> str | None:
    shape = at.shape()
    if at.has(1) or shape is None:
        return None
    axis, sizes = at.attribute("axis", 0), at.attribute("split")
    if sizes is None:
        parts = len(at.node.output)
        size = -(-shape[axis] // parts)
        sizes = [min(size, shape[axis] - size * part) for part in range(parts)]
    return at.again("", at.input(0), integers(sizes), without="split num_outputs")


@rule("Slice", "starts, ends and axes are inputs")
def _slice_inputs(at: Site) -> str | None:
    starts, ends = at.attribute("starts"), at.attribute("ends")
    if starts is None:
        return None
    axes = at.attribute("axes", list(range(len(starts))))
    return at.put("Slice", at.input(0), integers(starts), integers(ends), integers(axes))


@rule("Pad", "pads and value are inputs, for all axes")
def _pad_inputs(at: Site) -> str | None:
    pads, mode = at.attribute("pads"), at.attribute("mode", "constant")
    if pads is not None:
        value = np.array(at.attribute("value", 0.0), np.float32)
        return at.put("Pad", at.input(0), integers(pads), value, mode=mode)
    shape, axes, some = at.shape(), at.constant(3), at.constant(1)
    if axes is None or some is None or shape is None:
        return None
    every = np.zeros((2, len(shape)), np.int64)
    every[:, axes % len(shape)] = some.reshape(2, -1)
    return at.put("Pad", at.input(0), every.reshape(-1), at.input(2), mode=mode)


@rule("Clip", "bounds are inputs")
def _clip_inputs(at: Site) -> str | None:
    low, high = at.attribute("min"), at.attribute("max")
    if low is None and high is None:
        return None
    bounds = ["" if bound is None else np.array(bound, np.float32) for bound in (low, high)]
    return at.put("Clip", at.input(0), *bounds)


@rule("TopK", "k is an input")
def _k_as_input(at: Site) -> str | None:
    k = at.attribute("k")
    return None if k is None else at.again("", at.input(0), integers([k]), without="k")


@rule("Dropout", "nothing is dropped when a model is used")
def _no_dropout(at: Site) -> str | None:
    training = at.constant(2)
    if at.used(1) or (at.has(2) and (training is None or bool(training))):
        raise at.refused("drops at random, or its mask is used", "export the model in evaluation mode")
    return at.put("Identity", at.input(0))


@rule("Softmax LogSoftmax Hardmax", "below opset 13 everything from the axis on is one row")
def _softmax_over_rows(at: Site) -> str | None:
    shape = at.shape()
    if at.facts.opset >= 13 or shape is None:
        return None
    axis = at.attribute("axis", 1) % len(shape) if shape else 0
    rows = int(np.prod(shape[:axis], dtype=np.int64))
    flat = at.put("Reshape", at.input(0), integers([rows, -1]))
    return at.put("Reshape", at.put(at.node.op_type, flat, axis=1), integers(shape))


@rule("BatchNormalization", "only epsilon matters when a model is used")
def _batch_normalization(at: Site) -> str | None:
    if at.attribute("training_mode", 0) or any(at.used(i) for i in range(1, 5)):
        raise at.refused("is in training mode", "export the model in evaluation mode")
    if not at.attribute("spatial", 1):
        raise at.refused("spatial=0", "normalise over channels (spatial=1), or write it as Mul and Add")
    return at.put("BatchNormalization", *at.node.input, epsilon=at.attribute("epsilon", 1e-5))


@rule("Cast", "saturate and round_mode matter to 8-bit floats only")
def _cast(at: Site) -> str | None:
    return at.put("Cast", at.input(0), to=at.attribute("to"))


@rule("CastLike", "a cast to a type that is known")
def _cast_like(at: Site) -> str | None:
    kind, value = at.kind(1), at.constant(0)
    if kind == 0:
        return None
    if value is not None:
        return at.put("Identity", value.astype(onnx.helper.tensor_dtype_to_np_dtype(kind)))
    return at.input(0) if at.kind() == kind else at.put("Cast", at.input(0), to=kind)


@rule("Reshape", "the new shape is written out")
def _reshape(at: Site) -> str | None:
    shape = at.output_shape()
    return None if shape is None or 0 in shape else at.put("Reshape", at.input(0), integers(shape))


RULES: tuple[Rule, ...] = (
    _axes_as_input,
    _reduced_axes,
    _split_sizes,
    _slice_inputs,
    _pad_inputs,
    _clip_inputs,
    _k_as_input,
    _no_dropout,
    _softmax_over_rows,
    _batch_normalization,
    _cast,
    _cast_like,
    _reshape,
    *resizing.RULES,
    *pooling.RULES,
)
