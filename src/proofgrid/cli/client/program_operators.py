"""`proofgrid program operators`: which operators of a model can be proven, in which forms."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import print_json, print_table, say
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.errors import InvalidField

_WORDS = {
    "versions": "versions that were compared",
    "inputs": "inputs",
    "attributes": "attributes",
    "rewritten": "how other forms are rewritten",
    "instead": "what to do instead of the rest",
}


def add_to(group: typer.Typer) -> None:
    group.command("operators", short_help="List the operators that can be proven.")(run)


def run(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One operator; all by default.")] = None,
    system: Annotated[str, typer.Option("--system", help="The proof system.")] = "ezkl",
    json: JsonOption = False,
) -> None:
    """List the operators that can be proven, with the forms that were compared with ONNX.

    \b
    Example:
      proofgrid program operators
      proofgrid program operators Resize
    """
    from proofgrid.proofs.offers import TellsOperators
    from proofgrid.proofs.registry import proof_system

    chosen = proof_system(system)
    rows = chosen.operators() if isinstance(chosen, TellsOperators) else []
    if name is not None:
        rows = [row for row in rows if row["operator"].lower() == name.lower()]
        if not rows:
            raise InvalidField(f"{name} is not among the operators that can be proven", field="name", hint=_HINT)
    if json:
        print_json(rows)
    elif name is None:
        shown = [(row["operator"], row["inputs"], row["attributes"]) for row in rows]
        print_table(("operator", "inputs", "attributes"), shown, empty="this system tells no operators")
    else:
        say(rows[0]["operator"], style="bold")
        for key, words in _WORDS.items():
            if rows[0][key]:
                say(f"  {words}: {rows[0][key]}")


_HINT = "`proofgrid program operators` lists them"
