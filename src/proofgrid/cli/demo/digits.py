"""The demo's data: handwritten digits of scikit-learn, and a small network trained on them (models/train_digits.py)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofgrid.primitives.errors import InvalidField

DATA = Path(__file__).parent / "data"
MODEL = DATA / "digits.onnx"
_INK = " ░▒▓█"


@dataclass(frozen=True, slots=True)
class Digit:
    """One image with what its writer meant."""

    label: int
    pixels: tuple[tuple[int, ...], ...]  #: 8 rows of 8, 0 (paper) to `darkest` (ink)
    darkest: int

    @property
    def model_input(self) -> list[float]:
        """The pixels as the model takes them: 0 to 1, row after row."""
        return [pixel / self.darkest for row in self.pixels for pixel in row]

    def drawn(self) -> list[str]:
        """The image in block characters, two per pixel, which makes it about square."""
        return ["".join(2 * _INK[pixel * (len(_INK) - 1) // self.darkest] for pixel in row) for row in self.pixels]


def read_digit(number: int) -> Digit:
    """Return the sample with this number, from 0."""
    data = json.loads((DATA / "digits.json").read_text())
    images = data["images"]
    if not 0 <= number < len(images):
        raise InvalidField(f"there are samples 0 to {len(images) - 1}", field="digit")
    image = images[number]
    return Digit(image["label"], tuple(tuple(row) for row in image["pixels"]), data["darkest"])


def plain_scores(digit: Digit) -> list[float]:
    """Return what the model says without any proof, by ONNX's reference implementation in numpy."""
    import numpy
    import onnx
    from onnx.reference import ReferenceEvaluator

    model = onnx.load(MODEL)
    pixels = numpy.array([digit.model_input], dtype=numpy.float32)
    answers: Any = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: pixels})
    return [float(score) for score in answers[0].reshape(-1)]


def best_of(scores: Sequence[float]) -> int:
    """Return the digit with the highest score."""
    return max(range(len(scores)), key=lambda index: scores[index])
