"""What the cells are made of: shapes, and constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

Array = npt.NDArray[Any]

F, INT, BOOL, D = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.DOUBLE

IMAGE = (1, 2, 4, 4)
SHAPES = ((4,), (1, 4), (2, 3), (1, 2, 3), (2, 1, 2, 2))


def f32(*values: float) -> Array:
    """Return a vector of floats."""
    made: Array = np.array(values, np.float32)
    return made


def i64(*values: int) -> Array:
    """Return a vector of 64-bit integers."""
    made: Array = np.array(values, np.int64)
    return made


def scalar(value: float) -> Array:
    """Return one float without axes."""
    made: Array = np.array(value, np.float32)
    return made


def drawn(*shape: int, seed: int = 1) -> Array:
    """Return seeded floats from -1 to 1."""
    made: Array = np.random.RandomState(seed).uniform(-1, 1, shape).astype(np.float32)
    return made
