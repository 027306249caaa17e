"""An input beyond the declared range is compared with the model on its own, before it is accepted.

A build compares circuit and model inside of the range that its client declared, and on a few samples outside of it.
What the circuit makes of any other input, like a root of -1, has to be what the model says too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl.circuits.calibration import covered_ranges, samples_of_file
from proofgrid.proofs.systems.ezkl.circuits.drawing import Drawn, Range
from proofgrid.proofs.systems.ezkl.identity import settings_of
from proofgrid.proofs.systems.ezkl.layout import Layout

if TYPE_CHECKING:
    from proofgrid.proofs.systems.ezkl.circuits.judging import Judge

Integers = Sequence[Sequence[int]]  #: tensor by tensor

_HINT = "it lies outside of the range that the program was built for; build it with a wider input_range"


class Beyond:
    """Checks the inputs of a request to a program: those inside of its range cost next to nothing."""

    def __init__(self, files: ProgramFiles, layout: Layout) -> None:
        self._files = files
        self._layout = layout
        self._settings = settings_of(files.program)

    def check(self, inputs: Integers, proven: Integers, *, field: str) -> None:
        """Raise InvalidInput when an input outside of the range is proven to give what the model does not say."""
        if self._is_inside(inputs):
            return
        from proofgrid.proofs.systems.ezkl.model.reference import Undefined, as_numbers

        numbers = as_numbers(inputs, [tensor.scale for tensor in self._layout.inputs])
        scales = [tensor.scale for tensor in self._layout.outputs]
        proves = as_numbers(proven[: len(scales)], scales)  # public inputs beside hidden ones come out again after them
        try:
            says = self._judge.says(numbers)
        except Undefined as reason:
            raise InvalidInput(f"the model has no result for this input: {reason}", field=field, hint=_HINT) from None
        drawn = Drawn(kind="given", sample=[list(tensor) for tensor in inputs])
        for name, compared in self._judge.compared(drawn, numbers, says, proves, scales).items():
            if compared.is_wrong:
                raise InvalidInput(
                    f"the circuit computes something else than the model for the output {name!r} of this input",
                    field=field,
                    hint=_HINT,
                )

    def _is_inside(self, inputs: Integers) -> bool:
        placed = zip(inputs, self._ranges, strict=True)
        return all(low <= integer <= high for tensor, (low, high) in placed for integer in tensor)

    @cached_property
    def _ranges(self) -> Sequence[Range]:
        tensors = self._layout.inputs
        is_calibrated = "calibration" in self._files.program.files
        given = samples_of_file(self._files.path("calibration"), tensors) if is_calibrated else None
        return covered_ranges(tensors, self._settings, given)

    @cached_property
    def _judge(self) -> Judge:
        # Imported late: onnx takes long to load, and inputs inside of the range do not need it.
        from proofgrid.proofs.systems.ezkl.circuits.judging import Judge
        from proofgrid.proofs.systems.ezkl.circuits.plan import read_model

        return Judge(read_model(self._files.path("model"), self._settings), self._settings.scale)
