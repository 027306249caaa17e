"""Trains LeNet-5 (61,706 parameters): which digit is on a 32x32 image? Writes what `make demo MODEL=lenet` proves.

    .venv/bin/python models/train_lenet.py

LeCun's layers with ReLU in place of the sigmoid: 5x5 convolutions to 6 and 16 channels, average pooling, 400-120-84-10.
The images are the 8x8 digits that ship inside scikit-learn, drawn four times as large as the demo does it. NumPy only;
the seed is fixed, other versions of NumPy or scikit-learn may still give slightly other weights, and another digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from train_digits import DARKEST, TARGET

from proofgrid.cli.demo.digits import enlarged

Array = np.ndarray[Any, np.dtype[np.float32]]

EPOCHS = 30
BATCH = 32
LEARNING_RATE = 1e-3
SHAPES: Mapping[str, tuple[int, ...]] = {
    "conv1": (6, 1, 5, 5),
    "conv2": (16, 6, 5, 5),
    "dense1": (400, 120),
    "dense2": (120, 84),
    "dense3": (84, 10),
}


def main() -> None:
    """Train, measure on images that were held back (the same as for the other model), write the file."""
    digits = load_digits()
    split = train_test_split(digits.images, digits.target, test_size=0.25, random_state=0, stratify=digits.target)
    train_images, test_images = (as_inputs(images) for images in split[:2])
    train_labels, test_labels = split[2:]
    chance = np.random.default_rng(0)
    weights = fresh_weights(chance)
    train(weights, train_images, train_labels, chance)
    right = float(np.mean(scores_of(weights, test_images)[0].argmax(axis=1) == test_labels))
    onnx.save(onnx_model(weights), TARGET / "lenet.onnx")
    count = sum(weight.size for weight in weights.values())
    print(f"{count} parameters; {right:.1%} of {len(test_labels)} held-back images are read correctly; wrote {TARGET}")


def as_inputs(images: Any) -> Array:
    """Return 8x8 images of 0 to DARKEST as the model takes them."""
    return np.array([[enlarged((image / DARKEST).tolist())] for image in images], dtype=np.float32)


def fresh_weights(chance: np.random.Generator) -> dict[str, Array]:
    """Return random weights, small enough to begin with, and biases of zero."""
    weights = {}
    for name, shape in SHAPES.items():
        inputs = int(np.prod(shape[1:])) if name.startswith("conv") else shape[0]
        weights[f"{name}.weight"] = chance.normal(0, np.sqrt(2 / inputs), shape).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(shape[0] if name.startswith("conv") else shape[1], np.float32)
    return weights


def scores_of(weights: Mapping[str, Array], images: Array) -> tuple[Array, list[Array]]:
    """Return the scores, and what training needs of the way there: the input of each layer, and what it put out."""
    kept: list[Array] = []
    value = images
    for name in ("conv1", "conv2"):
        windows = sliding_window_view(value, (5, 5), axis=(2, 3))
        found = np.einsum("nchwij,ocij->nohw", windows, weights[f"{name}.weight"], optimize=True)
        found = np.maximum(found + weights[f"{name}.bias"][None, :, None, None], 0)
        kept += [value, found]
        value = found.reshape(*found.shape[:2], found.shape[2] // 2, 2, found.shape[3] // 2, 2).mean(axis=(3, 5))
    value = value.reshape(len(images), -1)
    for name in ("dense1", "dense2", "dense3"):
        found = value @ weights[f"{name}.weight"] + weights[f"{name}.bias"]
        found = found if name == "dense3" else np.maximum(found, 0)
        kept += [value, found]
        value = found
    return value, kept


def train(weights: dict[str, Array], images: Array, labels: Any, chance: np.random.Generator) -> None:
    """Change the weights by Adam, on cross-entropy."""
    first = {name: np.zeros_like(weight) for name, weight in weights.items()}
    second = {name: np.zeros_like(weight) for name, weight in weights.items()}
    step = 0
    for epoch in range(EPOCHS):
        order = chance.permutation(len(images))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            slopes = slopes_of(weights, images[chosen], labels[chosen])
            step += 1
            rate = LEARNING_RATE * (1 - epoch / EPOCHS) * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            for name, slope in slopes.items():
                first[name] = 0.9 * first[name] + 0.1 * slope
                second[name] = 0.999 * second[name] + 0.001 * slope**2
                weights[name] -= (rate * first[name] / (np.sqrt(second[name]) + 1e-8)).astype(np.float32)


def slopes_of(weights: Mapping[str, Array], images: Array, labels: Any) -> dict[str, Array]:
    """Return how the loss grows with each weight."""
    scores, kept = scores_of(weights, images)
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    likely[np.arange(len(labels)), labels] -= 1
    slope = likely / len(labels)
    slopes: dict[str, Array] = {}
    for name in ("dense3", "dense2", "dense1"):
        found, value = kept.pop(), kept.pop()
        slope = slope if name == "dense3" else slope * (found > 0)
        slopes[f"{name}.weight"], slopes[f"{name}.bias"] = value.T @ slope, slope.sum(axis=0)
        slope = slope @ weights[f"{name}.weight"].T
    slope = slope.reshape(len(images), 16, 5, 5)
    for name in ("conv2", "conv1"):
        found, value = kept.pop(), kept.pop()
        slope = np.repeat(np.repeat(slope, 2, axis=2), 2, axis=3) / 4 * (found > 0)
        windows = sliding_window_view(value, (5, 5), axis=(2, 3))
        slopes[f"{name}.weight"] = np.einsum("nchwij,nohw->ocij", windows, slope, optimize=True)
        slopes[f"{name}.bias"] = slope.sum(axis=(0, 2, 3))
        wide = sliding_window_view(np.pad(slope, ((0, 0), (0, 0), (4, 4), (4, 4))), (5, 5), axis=(2, 3))
        turned = weights[f"{name}.weight"][:, :, ::-1, ::-1]
        slope = np.einsum("nohwij,ocij->nchw", wide, turned, optimize=True)
    return slopes


def onnx_model(weights: Mapping[str, Array]) -> onnx.ModelProto:
    """Return the network, from `image` (1 x 1 x 32 x 32) to `scores` (1 x 10)."""
    nodes, value = [], "image"
    for turn in ("1", "2"):
        names = [value, f"conv{turn}.weight", f"conv{turn}.bias"]
        kernel = {"kernel_shape": [5, 5], "strides": [1, 1]}
        nodes.append(helper.make_node("Conv", names, [f"conv{turn}"], name=f"conv{turn}", **kernel))
        nodes.append(helper.make_node("Relu", [f"conv{turn}"], [f"relu{turn}"], name=f"relu{turn}"))
        value = f"pool{turn}"
        pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
        nodes.append(helper.make_node("AveragePool", [f"relu{turn}"], [value], name=value, **pool))
    nodes.append(helper.make_node("Flatten", [value], ["flat"], name="flatten", axis=1))
    value = "flat"
    for turn in ("1", "2", "3"):
        dense = "scores" if turn == "3" else f"dense{turn}"
        names = [value, f"dense{turn}.weight", f"dense{turn}.bias"]
        nodes.append(helper.make_node("Gemm", names, [dense], name=f"dense{turn}"))
        if turn != "3":
            value = f"bent{turn}"
            nodes.append(helper.make_node("Relu", [dense], [value], name=f"relu{int(turn) + 2}"))
    graph = helper.make_graph(
        nodes,
        "lenet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 32, 32])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(weight, name) for name, weight in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="proofgrid")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    main()
