"""Writes tree ensembles (ai.onnx.ml) as products: which tests hold, which leaf's path that is, what the leaf says.

    holds  = x[features] <= thresholds                      [trees, tests]
    reached = holds * paths == lengths of the paths         [trees, leaves]
    sums   = reached * values, over all trees               [targets]

A path counts +1 for each test that must hold and -1 for each that must not; its length is the number of the former.
All trees are padded to the largest, so that one product serves them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.known import Array, Known
from proofgrid.proofs.systems.ezkl.model.nodes import attributes_of, described
from proofgrid.proofs.systems.ezkl.model.writing import Writer, replace_nodes

CELLS_MAX = 1 << 22  #: trees times tests times leaves

_Attributes = Mapping[str, Any]  #: of a node, by name

_ENSEMBLES = ("TreeEnsembleRegressor", "TreeEnsembleClassifier")
_TESTS = {"BRANCH_LEQ": "LessOrEqual", "BRANCH_LT": "Less", "BRANCH_GTE": "GreaterOrEqual", "BRANCH_GT": "Greater"}
_HINT = "convert the model with Hummingbird, which writes trees in plain operators, or use fewer and smaller trees"


def write_trees(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model without TreeEnsembleRegressor and TreeEnsembleClassifier.

    Raises UnsupportedOperator for what has no equal form here: labels that are texts, mixed tests, other sums.
    """
    if not any(node.op_type in _ENSEMBLES for node in model.graph.node):
        return model
    known = Known(model)

    def write(writer: Writer, node: onnx.NodeProto) -> bool:
        if node.op_type not in _ENSEMBLES:
            return False
        _write(writer, node, known)
        return True

    return replace_nodes(model, known, write)


@dataclass(slots=True)
class _Tree:
    """One tree, read; a leaf has the tests on the way to it, and whether each must hold."""

    features: list[int] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    leaves: list[tuple[int, dict[int, bool]]] = field(default_factory=list)  #: node's number, path


def _write(writer: Writer, node: onnx.NodeProto, known: Known) -> None:
    attributes = attributes_of(node)
    shape = known.shape(node.input[0])
    if shape is None or len(shape) != 2:
        raise _refused(node, "reads features of unknown shape")
    is_classifier = node.op_type == "TreeEnsembleClassifier"
    prefix = "class" if is_classifier else "target"
    if attributes.get("aggregate_function", b"SUM") not in (b"SUM", b"AVERAGE"):
        raise _refused(node, "takes the least or the largest of its trees")
    trees, test = _trees_of(node, attributes)
    labels = list(attributes.get("classlabels_int64s", ()))
    if is_classifier and not labels:
        raise _refused(node, "has labels that are texts", hint="export the model with whole numbers as labels")
    if len(labels) == 2:  # ONNX Runtime and the reference evaluator do not agree on what is put out
        raise _refused(node, "has two classes, which evaluators read in different ways")
    targets = len(labels) if is_classifier else int(attributes["n_targets"])
    values = _leaf_values(attributes, prefix, targets)
    sums = _write_sums(writer, node, trees, test, values, (shape[0], targets))
    if attributes.get("aggregate_function") == b"AVERAGE":
        sums = writer.op("Mul", sums, writer.constant(np.float32(1 / len(trees))))
    base = attributes.get("base_values")
    if base:
        sums = writer.op("Add", sums, writer.constant(np.array(base, np.float32)))
    if is_classifier:
        _write_classes(writer, node, attributes, sums, labels)
    else:
        _write_post(writer, node, attributes, sums, node.output[0])


def _trees_of(node: onnx.NodeProto, attributes: _Attributes) -> tuple[dict[int, _Tree], str]:
    """Return the trees by number, and the one test that all of their nodes make."""
    modes = [mode.decode() for mode in attributes["nodes_modes"]]
    tests = {mode for mode in modes if mode != "LEAF"}
    if len(tests) > 1 or not tests <= set(_TESTS):
        raise _refused(node, f"makes tests of several kinds ({', '.join(sorted(tests))})")
    keys = list(zip(attributes["nodes_treeids"], attributes["nodes_nodeids"], strict=True))
    places = {key: place for place, key in enumerate(keys)}
    children = {
        (tree, child)
        for (tree, _), mode, *both in zip(
            keys, modes, attributes["nodes_truenodeids"], attributes["nodes_falsenodeids"], strict=True
        )
        if mode != "LEAF"
        for child in both
    }
    trees: dict[int, _Tree] = {}
    for key in keys:
        if key not in children:
            trees.setdefault(key[0], _Tree())
            _walk(node, attributes, places, modes, key, {}, trees[key[0]])
    return trees, _TESTS[tests.pop()] if tests else "LessOrEqual"


def _walk(
    node: onnx.NodeProto,
    attributes: _Attributes,
    places: Mapping[tuple[int, int], int],
    modes: list[str],
    root: tuple[int, int],
    path: dict[int, bool],
    tree: _Tree,
) -> None:
    """Read a tree from its root, without recursion: a hostile one is a chain of a million nodes, or a circle."""
    waiting = [(root, path)]
    while waiting:
        key, path = waiting.pop()
        place = places.get(key)
        if place is None or len(tree.features) + len(tree.leaves) > len(places):
            raise _refused(node, "is no tree: a node is missing, or reached twice")
        if modes[place] == "LEAF":
            tree.leaves.append((key[1], path))
        else:
            number = len(tree.features)
            tree.features.append(attributes["nodes_featureids"][place])
            tree.thresholds.append(attributes["nodes_values"][place])
            if (number + 1) * (len(tree.leaves) + 1) > CELLS_MAX or len(path) > 256:
                raise _refused(node, "has a tree that is too large")
            waiting.append(((key[0], attributes["nodes_falsenodeids"][place]), {**path, number: False}))
            waiting.append(((key[0], attributes["nodes_truenodeids"][place]), {**path, number: True}))


def _leaf_values(attributes: _Attributes, prefix: str, targets: int) -> dict[tuple[int, int], Array]:
    """Return what each leaf says of each target."""
    values: dict[tuple[int, int], Array] = {}
    columns = [attributes[f"{prefix}_{name}"] for name in ("treeids", "nodeids", "ids", "weights")]
    for tree, leaf, target, weight in zip(*columns, strict=True):
        said = values.setdefault((tree, leaf), np.zeros(targets, np.float32))
        np.add.at(said, target, np.float32(weight))
    return values


def _write_sums(
    writer: Writer,
    node: onnx.NodeProto,
    trees: Mapping[int, _Tree],
    test: str,
    values: Mapping[tuple[int, int], Array],
    size: tuple[int, int],
) -> str:
    """Write the sums over all trees: [rows, targets]."""
    rows, targets = size
    tests = max(1, *(len(tree.features) for tree in trees.values()))
    leaves = max(len(tree.leaves) for tree in trees.values())
    count = len(trees)
    if count * tests * leaves > CELLS_MAX:
        raise _refused(node, f"has {count} trees of up to {tests} tests, too many")
    features, thresholds = np.zeros((count, tests), np.int64), np.zeros((count, tests), np.float32)
    paths = np.zeros((1, count, tests, leaves), np.float32)
    lengths = np.full((1, count, 1, leaves), -1 - tests, np.float32)  # a leaf that is padding is never reached
    says = np.zeros((1, count, leaves, targets), np.float32)
    for place, (number, tree) in enumerate(trees.items()):
        features[place, : len(tree.features)] = tree.features
        thresholds[place, : len(tree.thresholds)] = tree.thresholds
        for leaf, (name, path) in enumerate(tree.leaves):
            for each, holds in path.items():
                paths[0, place, each, leaf] = 1 if holds else -1
            lengths[0, place, 0, leaf] = sum(path.values())
            says[0, place, leaf] = values.get((number, name), 0)
    tested = writer.op("Gather", node.input[0], writer.constant(features.reshape(-1)), axis=1)
    holds_ = writer.op(test, tested, writer.constant(thresholds.reshape(1, -1)))
    bits = writer.reshape(writer.op("Cast", holds_, to=TensorProto.FLOAT), [rows, count, 1, tests])
    reached = writer.op("Equal", writer.op("MatMul", bits, writer.constant(paths)), writer.constant(lengths))
    said = writer.op("MatMul", writer.op("Cast", reached, to=TensorProto.FLOAT), writer.constant(says))
    turned = writer.op("Transpose", writer.reshape(said, [rows, count, targets]), perm=[0, 2, 1])
    ones = writer.constant(np.ones((count, 1), np.float32))
    return writer.reshape(writer.op("MatMul", turned, ones), [rows, targets])


def _write_classes(writer: Writer, node: onnx.NodeProto, attributes: _Attributes, sums: str, labels: list[int]) -> None:
    """Write labels and scores."""
    number = writer.op("ArgMax", sums, axis=1, keepdims=0)
    if node.output[0]:
        writer.op("Gather", writer.constant(np.array(labels, np.int64)), number, axis=0, into=node.output[0])
    if len(node.output) > 1 and node.output[1]:
        _write_post(writer, node, attributes, sums, node.output[1])


def _write_post(writer: Writer, node: onnx.NodeProto, attributes: _Attributes, sums: str, output: str) -> None:
    post = attributes.get("post_transform", b"NONE").decode()
    if post == "NONE":
        writer.op("Identity", sums, into=output)
    elif post == "SOFTMAX":
        writer.op("Softmax", sums, axis=1, into=output)
    else:
        raise _refused(node, f"puts its sums through {post}")


def _refused(node: onnx.NodeProto, what: str, *, hint: str = _HINT) -> UnsupportedOperator:
    return UnsupportedOperator(f"{described(node)} {what}, which cannot be proven", field="model", hint=hint)
