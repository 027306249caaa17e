"""Tells people what the table of operators says: rows for a terminal, a page or a program."""

from __future__ import annotations

from proofgrid.proofs.systems.ezkl.model.operators.reading import ROWS, Row
from proofgrid.proofs.systems.ezkl.model.operators.table import INSTEAD
from proofgrid.proofs.systems.ezkl.model.rewriting.rules import DIALECT, EQUAL_FORMS, LAST

_ALLOWED = {"ones": "all 1", "zeros": "all 0", "plain": "no letter twice in a term"}


def operators_described() -> list[dict[str, str]]:
    """Return for each operator what is proven of it: versions, inputs, attributes, and how it is rewritten."""
    says: dict[str, list[str]] = {}
    for rule in (*DIALECT, *EQUAL_FORMS, *LAST):
        for operator in rule.operators:
            if rule.says not in says.setdefault(operator, []):
                says[operator].append(rule.says)
    return [_described(ROWS[name], says.get(name, [])) for name in sorted(ROWS)]


def _described(row: Row, says: list[str]) -> dict[str, str]:
    return {
        "operator": row.operator,
        "versions": ", ".join(map(str, row.versions)),
        "inputs": "always rewritten" if row.inputs is None else row.inputs_text.rstrip(";"),
        "attributes": ", ".join(_attribute(name, value) for name, value in row.attributes.items()),
        "rewritten": "; ".join(says),
        "instead": INSTEAD.get(row.operator, ""),
    }


def _attribute(name: str, allowed: str) -> str:
    return f"{name} ({_ALLOWED.get(allowed, allowed.replace('/', ' or '))})" if allowed else name
