"""Which forms of which operators the engine proves as ONNX means them: a table, how it is read, and how it is kept."""

from __future__ import annotations

from proofgrid.proofs.systems.ezkl.model.operators.checking import check_operators, check_versions
from proofgrid.proofs.systems.ezkl.model.operators.reading import ROWS, Row

__all__ = ["ROWS", "Row", "check_operators", "check_versions"]
