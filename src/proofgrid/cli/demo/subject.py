"""What a demo proves: a program, its inputs, and how the proven result is judged by somebody who knows better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from proofgrid.cli.demo.verified import Verified
from proofgrid.primitives.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the proof says, and what does not hold of it."""

    headline: str
    is_right: bool  #: else it is what was proven, and not what somebody hoped for
    lines: Sequence[str] = ()  #: below the headline
    faults: Sequence[str] = ()
    data: Mapping[str, Json] = field(default_factory=dict)  #: for --json


class Subject(Protocol):
    """Something to prove."""

    @property
    def name(self) -> str:
        """The program's label, and the name of its folder."""
        ...

    @property
    def title(self) -> str:
        """The program, for people: "a neural network of 5,730 parameters, in slices"."""
        ...

    @property
    def what(self) -> str:
        """What is proven of it: "A handwritten digit, proven slice by slice"."""
        ...

    @property
    def bundle_name(self) -> str:
        """The file that the bundle becomes."""
        ...

    @property
    def system(self) -> str:
        """The proof system's name."""
        ...

    @property
    def provers(self) -> Sequence[str]:
        """The proof systems whose provers prove it: another than `system` for graphs."""
        ...

    @property
    def settings(self) -> Mapping[str, Json]:
        """Of the program."""
        ...

    @property
    def wrap_parts(self) -> int:
        """How many proofs end in one; 0: the bundle holds each."""
        ...

    def prepare(self, place: Path) -> None:
        """Make what has to be made first, as a folder at `place` if anything. Blocks."""
        ...

    def source(self, place: Path) -> Mapping[str, Path]:
        """Return the files that are registered, when `place` is prepared. Blocks."""
        ...

    def inputs(self) -> list[Json]:
        """Return the request's inputs."""
        ...

    def drawn(self) -> Sequence[str]:
        """Return the input as people see it, line by line; what is secret is not shown."""
        ...

    def part(self, slice_index: int, input_index: int) -> str:
        """Return what a job of the request is called, among its others."""
        ...

    def judged(self, verified: Verified) -> Judged:
        """Compare what was proven with what is known without a proof. Blocks."""
        ...
