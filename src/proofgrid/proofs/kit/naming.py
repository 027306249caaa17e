"""For systems built of `chains` that take part in graphs: they name their public values, the rest is written here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import NormalisedRequest, Program

Integers = Mapping[str, Sequence[int]]


class NamesInputsAndOutputs(ABC):
    """The part of NamesValues that follows from how `chains` spells statement and result."""

    @abstractmethod
    def input_names(self, program: Program) -> Mapping[str, int]:
        """See NamesValues.input_names."""

    @abstractmethod
    def output_names(self, program: Program) -> Mapping[str, int]:
        """Return what a program's outputs are called, each with the number of its integers; no input is called so."""

    @abstractmethod
    def integers_of(self, program: Program, shown: Json, output: Json) -> Integers:
        """Return by name what the statement shows of an input, and what the result says of its output.

        Both are of nobody to be trusted; raises BadProof when they are not of the program.
        """

    def public_names(self, program: Program) -> Mapping[str, int]:
        """See NamesValues.public_names."""
        return {**self.input_names(program), **self.output_names(program)}

    def foreseen(self, program: Program, request: NormalisedRequest) -> Mapping[str, Json] | None:
        """See NamesValues.foreseen."""
        last = len(program.slices) - 1
        outputs = [job.facts["output"] for job in request.jobs if job.slice_index == last]
        return None if None in outputs else {"outputs": outputs}

    def public_values(
        self, program: Program, statement: Mapping[str, Json], result: Mapping[str, Json]
    ) -> Sequence[Integers]:
        """See NamesValues.public_values."""
        inputs, outputs = statement.get("inputs"), result.get("outputs")
        if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
            raise BadProof("statement and result are not of one batch", field="statement")
        return [self.integers_of(program, shown, output) for shown, output in zip(inputs, outputs, strict=True)]


def split_by_name(names: Mapping[str, int], values: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return a flat list of integers by the names that stand for them in order; raise BadProof unless they fit."""
    if sum(names.values()) != len(values):
        raise BadProof("the public values are not those of the program")
    split: dict[str, tuple[int, ...]] = {}
    start = 0
    for name, size in names.items():
        split[name] = tuple(values[start : start + size])
        start += size
    return split
