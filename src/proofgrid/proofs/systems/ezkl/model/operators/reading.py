"""Reads the table: each operator's versions, inputs and attributes."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.proofs.systems.ezkl.model.operators.table import TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What an input may be."""

    kinds: str  #: of F, I, B
    constant: bool
    optional: bool
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is allowed of one operator."""

    operator: str
    versions: tuple[int, ...]
    inputs: tuple[Input, ...] | None  #: None: it never reaches the engine
    attributes: dict[str, str]  #: the values that are allowed; "" for any

    @property
    def inputs_text(self) -> str:
        """The inputs as the table writes them."""
        return " ".join(_input_text(each) for each in self.inputs or ())


def read_table(text: str) -> dict[str, Row]:
    """Return the rows by operator."""
    rows = {}
    for line in text.strip().splitlines():
        names, *cells = (cell.strip() for cell in line.split("|"))
        for name in names.split():
            rows[name] = _row(name, cells)
    return rows


def _row(name: str, cells: list[str]) -> Row:
    attributes = [each.partition("=") for each in (cells[2].split() if len(cells) > 2 else [])]
    return Row(
        operator=name,
        versions=tuple(int(version) for version in cells[0].split()),
        inputs=tuple(_input(each) for each in cells[1].split()) if len(cells) > 1 else None,
        attributes={key: value for key, _, value in attributes},
    )


def _input(text: str) -> Input:
    return Input(
        kinds=text.strip("c?*").replace("T", "FIB"),
        constant="c" in text,
        optional="?" in text,
        repeated="*" in text,
    )


def _input_text(each: Input) -> str:
    kinds = {"F": "floats", "I": "integers", "B": "truths", "FIB": "any", "FI": "floats or integers"}[each.kinds]
    what = f"constant {kinds}" if each.constant else kinds
    return f"{what}{' (may be left out)' if each.optional else ''}{', …' if each.repeated else ''};"


ROWS = read_table(TABLE)
