"""The demo's first subject: what a neural network sees in a handwritten digit, proven by EZKL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofgrid.cli.demo.digits import DemoModel, Digit, best_of, plain_scores
from proofgrid.cli.demo.subject import Judged
from proofgrid.cli.demo.verified import Verified
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.reading import read_list, read_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDigit:
    """Fits Subject."""

    model: DemoModel
    digit: Digit
    number: int  #: of the sample

    system = "ezkl"
    provers = ("ezkl",)
    wrap_parts = 0
    what = "A handwritten digit, proven slice by slice"

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def title(self) -> str:
        """The model, for people."""
        return f"{self.model.title}, in slices"

    @property
    def bundle_name(self) -> str:
        """A file for each sample."""
        return f"digit-{self.number}.bundle"

    @property
    def settings(self) -> Mapping[str, Json]:
        """The model's."""
        return self.model.settings

    def prepare(self, place: Path) -> None:
        """Make nothing: the model is there."""

    def source(self, place: Path) -> Mapping[str, Path]:
        """Return the model's file."""
        return {"model": self.model.file}

    def inputs(self) -> list[Json]:
        """Return the pixels."""
        return [self.digit.input_of(self.model)]

    def drawn(self) -> list[str]:
        """Return the image in block characters."""
        return self.digit.drawn(self.model)

    def part(self, slice_index: int, input_index: int) -> str:
        """Return the slice's place."""
        return f"slice {slice_index}"

    def judged(self, verified: Verified) -> Judged:
        """Compare the proven scores with those of the plain model in numpy."""
        scores, plain = _scores_of(verified.result), plain_scores(self.digit, self.model)
        seen = best_of(scores)
        error = max(abs(proven - score) for proven, score in zip(scores, plain, strict=True))
        faults = []
        if seen != best_of(plain):
            faults.append(f"the proof says {seen}, the plain model {best_of(plain)}")
        if error > self.model.tolerance:
            faults.append(f"a proven score is {error:.3f} away from the plain model's")
        return Judged(
            headline=f"the network sees a {seen}; its writer meant a {self.digit.label}",
            is_right=seen == self.digit.label,
            lines=[
                f"the plain model in numpy agrees on every score to within {error:.3f}"
                if not faults
                else "but not everything holds:",
                "",
                "digit   " + "".join(f"{digit:>6}" for digit in range(len(scores))),
                "proven  " + "".join(f"{score:>6.1f}" for score in scores),
                "plain   " + "".join(f"{score:>6.1f}" for score in plain),
                "",
            ],
            faults=faults,
            data={
                "model": self.model.name,
                "label": self.digit.label,
                "predicted": seen,
                "scores": list(scores),
                "plain_scores": list(plain),
                "score_error": error,
            },
        )


def _scores_of(result: Mapping[str, Json]) -> list[float]:
    """Return the only tensor that the only input has given; raise InvalidField when the result is another system's."""
    (output,) = read_list(result["outputs"], "result.outputs")
    (scores,) = read_mapping(output, "result.outputs[0]").values()
    return [float(str(value)) for value in read_list(read_mapping(scores, "scores")["values"], "scores.values")]
