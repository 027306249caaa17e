"""What a proof says, for people: the tensors that went in and came out, by name, and how well the circuit agrees.

A proof system that speaks of tensors offers `TellsTensors`; of others statement and result are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldTensor:
    """A tensor that a proof is about: its numbers, the commitment to them, their hash, or, if private, nothing."""

    name: str
    shape: tuple[int, ...]
    element_type: str  #: as NumPy spells it
    values: tuple[str, ...] | None = None  #: exact decimal numbers, row by row; None: they are not public
    commitment: str = ""  #: hex
    hash: str = ""  #: hex

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON, its numbers in lists as deep as the tensor."""
        said: dict[str, Json] = {"shape": list(self.shape), "type": self.element_type}
        if self.values is not None:
            said["values"] = _nested([_number(value) for value in self.values], self.shape)
        return said | {name: text for name in ("commitment", "hash") if (text := getattr(self, name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldProof:
    """What was proven of one input of a batch: these tensors in, these out."""

    inputs: tuple[ToldTensor, ...]
    outputs: tuple[ToldTensor, ...]

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON, tensors by name."""
        return {
            "inputs": {tensor.name: tensor.to_json() for tensor in self.inputs},
            "outputs": {tensor.name: tensor.to_json() for tensor in self.outputs},
        }


@runtime_checkable
class TellsTensors(Protocol):
    """A proof system whose proofs are about tensors."""

    def tell_proofs(
        self, program: Program, statement: Mapping[str, Json], result: Mapping[str, Json]
    ) -> Sequence[ToldProof]:
        """Return what was proven of each input of a batch, out of a statement and a result that verified."""

    def tell_agreement(self, program: Program) -> Mapping[str, Json]:
        """Return how circuit and model were measured to agree, as the program's identity says; empty: it does not."""


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _nested(numbers: Sequence[Json], shape: Sequence[int]) -> Json:
    if not shape:
        return numbers[0]
    size = len(numbers) // shape[0]
    return [_nested(numbers[at : at + size], shape[1:]) for at in range(0, len(numbers), size)]
