"""The demo's data: handwritten digits of scikit-learn, and networks trained on them (models/)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofgrid.primitives.errors import InvalidField

DATA = Path(__file__).parent / "data"
MODEL = DATA / "digits.onnx"
_INK = " ░▒▓█"
_LENET_TIMES = 4  #: LeNet-5 sees 32x32 pixels, the images have 8x8


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoModel:
    """A network that the demo can prove."""

    name: str
    title: str
    file: Path
    times: int  #: how much larger than the image what it sees is
    settings: Mapping[str, Any]  #: of its program
    tolerance: float  #: a proven score may be so far away from the plain model's: bits after the binary point are few


MODELS = {
    model.name: model
    for model in (
        DemoModel(
            name="digits",
            title="a neural network of 5,730 parameters",
            file=MODEL,
            times=1,
            settings={"slices": 4, "input_range": [0, 1]},
            tolerance=0.5,
        ),
        DemoModel(
            name="lenet",
            title="LeNet-5, 61,706 parameters",
            file=DATA / "lenet.onnx",
            times=_LENET_TIMES,
            settings={"input_range": [0, 1], "decomposition": "1024x3", "logrows_max": 15},
            tolerance=1.0,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Digit:
    """One image with what its writer meant."""

    label: int
    pixels: tuple[tuple[int, ...], ...]  #: 8 rows of 8, 0 (paper) to `darkest` (ink)
    darkest: int

    @property
    def model_input(self) -> list[float]:
        """The pixels as the small model takes them: 0 to 1, row after row."""
        return self.input_of(MODELS["digits"])

    def input_of(self, model: DemoModel) -> list[float]:
        """The pixels as a model takes them: 0 to 1, row after row."""
        return [pixel for row in self._inked(model) for pixel in row]

    def drawn(self, model: DemoModel = MODELS["digits"]) -> list[str]:
        """The image in block characters, two per pixel, which makes it about square; larger models see finer ones."""
        if model.times == 1:
            return ["".join(2 * _INK[pixel * (len(_INK) - 1) // self.darkest] for pixel in row) for row in self.pixels]
        seen = self._inked(model)
        fine = [[row[place] for place in range(0, len(row), 2)] for row in seen[::2]]
        return ["".join(2 * _INK[min(int(ink * len(_INK)), len(_INK) - 1)] for ink in row) for row in fine]

    def _inked(self, model: DemoModel) -> list[list[float]]:
        inked = [[pixel / self.darkest for pixel in row] for row in self.pixels]
        return enlarged(inked) if model.times > 1 else inked


def demo_model(name: str) -> DemoModel:
    """Return the model of this name; raise InvalidField when there is none."""
    if name not in MODELS:
        raise InvalidField(f"there is no model {name!r}", field="model", hint=f"models: {', '.join(MODELS)}")
    return MODELS[name]


def enlarged(image: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the image four times as wide and high, with soft edges (bilinear)."""
    wide = [_stretched(row) for row in image]
    columns = [_stretched([row[place] for row in wide]) for place in range(len(wide[0]))]
    return [[column[place] for column in columns] for place in range(len(columns[0]))]


def _stretched(row: Sequence[float]) -> list[float]:
    found = []
    for place in range(len(row) * _LENET_TIMES):
        at = min(max((place + 0.5) / _LENET_TIMES - 0.5, 0.0), len(row) - 1.0)
        left = min(int(at), len(row) - 2)
        found.append(row[left] + (row[left + 1] - row[left]) * (at - left))
    return found


def read_digit(number: int) -> Digit:
    """Return the sample with this number, from 0."""
    data = json.loads((DATA / "digits.json").read_text())
    images = data["images"]
    if not 0 <= number < len(images):
        raise InvalidField(f"there are samples 0 to {len(images) - 1}", field="digit")
    image = images[number]
    return Digit(image["label"], tuple(tuple(row) for row in image["pixels"]), data["darkest"])


def write_samples(folder: Path) -> list[Path]:
    """Write the small model and every digit, as inputs of it, into a folder; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / MODEL.name
    model.write_bytes(MODEL.read_bytes())
    written = [model]
    for number in range(len(json.loads((DATA / "digits.json").read_text())["images"])):
        path = folder / f"digit-{number}.json"
        path.write_text(json.dumps(read_digit(number).model_input) + "\n")
        written.append(path)
    return written


def plain_scores(digit: Digit, model: DemoModel = MODELS["digits"]) -> list[float]:
    """Return what the model says without any proof, by ONNX's reference implementation in numpy."""
    import numpy
    import onnx
    from onnx.reference import ReferenceEvaluator

    proto = onnx.load(model.file)
    image = proto.graph.input[0]
    shape = [dimension.dim_value for dimension in image.type.tensor_type.shape.dim]
    pixels = numpy.array(digit.input_of(model), dtype=numpy.float32).reshape(shape)
    answers: Any = ReferenceEvaluator(proto).run(None, {image.name: pixels})
    return [float(score) for score in answers[0].reshape(-1)]


def best_of(scores: Sequence[float]) -> int:
    """Return the digit with the highest score."""
    return max(range(len(scores)), key=lambda index: scores[index])
