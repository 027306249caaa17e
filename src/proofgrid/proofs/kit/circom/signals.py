"""A request's values by signal name, as circom's programs take them: flat lists of field elements in decimal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput, InvalidProgram
from proofgrid.proofs.kit.circom.curves import Curve

VALUES_MAX = 1 << 20
_DEPTH_MAX = 16
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}")
#: Wires are numbered by 32 bits; Python reads no number of thousands of digits.
_SYMBOL = re.compile(rb"\d+,(-?\d{1,10}),-?\d+,main\.([A-Za-z_$][A-Za-z0-9_$]*)((?:\[\d+\])*)\n?")


def read_inputs(value: Json, curve: Curve, *, field: str) -> dict[str, list[str]]:
    """Return one input of a request: signal -> its values in decimal, nested lists row by row.

    A value is an integer, or one in decimal as a text, below the curve's modulus; negative numbers have no one meaning.
    Raises InvalidInput naming the place ("inputs[3].a[0]").
    """
    if not isinstance(value, Mapping) or not value:
        raise InvalidInput("an input is an object: signal name -> value or list of values", field=field)
    taken: dict[str, list[str]] = {}
    for name, values in value.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput("a signal's name is letters, digits, _ and $", field=f"{field}.{name[:40]}")
        taken[name] = list(_flat(values, curve, f"{field}.{name}", 0))
        if sum(map(len, taken.values())) > VALUES_MAX:
            raise InvalidInput(f"an input has at most {VALUES_MAX} values", field=field)
    return taken


def is_element(value: Json, curve: Curve) -> TypeGuard[str]:
    """Return whether a value is a field element in its one spelling: a text in decimal, below the modulus."""
    return isinstance(value, str) and bool(_DECIMAL.fullmatch(value)) and int(value) < curve.modulus


def public_names(sym: Path, *, outputs: int, inputs: int) -> tuple[list[Json], list[Json]]:
    """Return the public signals of circom's table of symbols: of outputs and of inputs, each {"name", "size"}.

    Raises InvalidProgram when the table does not name every public wire once.
    """
    names: dict[int, str] = {}
    with sym.open("rb") as lines:
        for line in lines:
            found = _SYMBOL.fullmatch(line)
            if found and 1 <= int(found[1]) <= outputs + inputs:
                names.setdefault(int(found[1]), found[2].decode())
    if len(names) != outputs + inputs:
        raise InvalidProgram("the table of symbols does not name all public signals", field="source.sym")
    ordered = [names[wire] for wire in sorted(names)]
    return _counted(ordered[:outputs]), _counted(ordered[outputs:])


def _counted(names: list[str]) -> list[Json]:
    return [{"name": name, "size": names.count(name)} for name in dict.fromkeys(names)]


def _flat(value: Json, curve: Curve, field: str, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        if depth >= _DEPTH_MAX:
            raise InvalidInput(f"lists are at most {_DEPTH_MAX} deep", field=field)
        for place, one in enumerate(value):
            yield from _flat(one, curve, f"{field}[{place}]", depth + 1)
        return
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not is_element(text, curve):
        raise InvalidInput(
            f"a value is an integer from 0 to the modulus of {curve.title}'s scalar field, or one in decimal as a text",
            field=field,
        )
    yield str(text)
