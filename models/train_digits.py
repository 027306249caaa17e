"""Trains the demo's model: which digit is on an 8x8 image? Writes the ONNX file and sample images for the demo.

    .venv/bin/python models/train_digits.py

The images are the handwritten digits that ship inside scikit-learn, so nothing is downloaded. The seed is fixed; other
versions of NumPy or scikit-learn may still give slightly other weights, and then another program digest.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

TARGET = Path(__file__).parent.parent / "src" / "proofgrid" / "cli" / "demo" / "data"
HIDDEN = (48, 32, 24)
DARKEST = 16  #: pixels are whole numbers from 0 to 16
SAMPLES_PER_DIGIT = 2


def main() -> None:
    """Train, measure on images that were held back, write both files."""
    digits = load_digits()
    train_images, test_images, train_labels, test_labels = train_test_split(
        digits.data, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )
    network = MLPClassifier(HIDDEN, max_iter=600, random_state=0, alpha=1e-3)
    network.fit((train_images / DARKEST).astype(np.float32), train_labels)
    accuracy = network.score((test_images / DARKEST).astype(np.float32), test_labels)

    TARGET.mkdir(parents=True, exist_ok=True)
    onnx.save(onnx_model(network.coefs_, network.intercepts_), TARGET / "digits.onnx")
    samples = sample_images(test_images.astype(int), test_labels)
    (TARGET / "digits.json").write_text(as_json(samples), encoding="ascii")
    print(f"{accuracy:.1%} of {len(test_labels)} held-back images are read correctly; wrote {TARGET}")


def onnx_model(weights: list[np.ndarray], biases: list[np.ndarray]) -> onnx.ModelProto:
    """Return the network as a chain of Gemm and Relu nodes, from `image` (1 x 64) to `scores` (1 x 10)."""
    last = len(weights) - 1
    names = ["image", *(f"relu{i}" for i in range(last)), "scores"]
    nodes, initializers = [], []
    for i, (source, target) in enumerate(pairwise(names)):
        dense = target if i == last else f"dense{i}"
        nodes.append(helper.make_node("Gemm", [source, f"w{i}", f"b{i}"], [dense], name=f"gemm{i}"))
        if i < last:
            nodes.append(helper.make_node("Relu", [dense], [target], name=f"relu{i}"))
        initializers.append(numpy_helper.from_array(weights[i].astype(np.float32), f"w{i}"))
        initializers.append(numpy_helper.from_array(biases[i].astype(np.float32), f"b{i}"))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="proofgrid")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def sample_images(images: np.ndarray, labels: np.ndarray) -> list[dict[str, object]]:
    """Return the first few held-back images of each digit, in turn: 0, 1, ... 9, 0, 1, ..."""
    found = []
    for turn in range(SAMPLES_PER_DIGIT):
        for digit in range(10):
            image = images[labels == digit][turn]
            found.append({"label": digit, "pixels": image.reshape(8, 8).tolist()})
    return found


def as_json(samples: list[dict[str, object]]) -> str:
    """Return the samples as JSON with one image per line."""
    lines = ",\n".join(json.dumps(sample, separators=(",", ":")) for sample in samples)
    return f'{{"darkest":{DARKEST},"images":[\n{lines}\n]}}\n'


if __name__ == "__main__":
    main()
