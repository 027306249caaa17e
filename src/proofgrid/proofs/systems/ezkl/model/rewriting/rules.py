"""All rules, in the order in which they are tried."""

from __future__ import annotations

from proofgrid.proofs.systems.ezkl.model.rewriting import (
    arithmetic,
    averaging,
    choosing,
    convolving,
    dialect,
    masking,
    moving,
    normalising,
    pooling,
    reducing,
)
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule

__all__ = ["DIALECT", "EQUAL_FORMS", "LAST", "Rule"]

DIALECT: tuple[Rule, ...] = dialect.RULES
EQUAL_FORMS: tuple[Rule, ...] = (
    *masking.RULES,
    *arithmetic.RULES,
    *choosing.RULES,
    *moving.RULES,
    *reducing.RULES,
    *averaging.RULES,
    *normalising.RULES,
    *pooling.RULES,
    *convolving.RULES,
)
LAST: tuple[Rule, ...] = arithmetic.LAST
