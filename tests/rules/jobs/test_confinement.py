"""Levels of confinement: what holds is the highest that refuses all it must; clients get at least what they demand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.confinement import REFUSED, Confinement, Escape, level_of, told_confinement
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints, constraints_from_json, parse_constraints
from proofgrid.rules.jobs.waiting import Demand, unmet_by

LEVELS = st.sampled_from(Confinement)


@given(st.sets(st.sampled_from(Escape)))
def test_a_level_that_holds_refuses_all_that_it_must_and_no_higher_one_does(escapes: set[Escape]) -> None:
    level = level_of(escapes)

    assert not REFUSED[level] & escapes
    assert all(level.is_at_least(other) for other, refused in REFUSED.items() if not refused & escapes)


def test_one_who_escapes_everything_has_a_process_and_one_who_escapes_nothing_is_apart() -> None:
    assert level_of(Escape) is Confinement.PROCESS
    assert level_of({Escape.PROCESSES, Escape.SURVIVORS}) is Confinement.RULES
    assert level_of(()) is Confinement.NAMESPACES


@given(LEVELS, LEVELS)
def test_a_prover_is_accepted_that_holds_what_is_demanded_and_else_told_what_it_lacks(
    demanded: Confinement, offered: Confinement
) -> None:
    wanted = Constraints(confinement=demanded)
    accepted = wanted.accepts(operator="a", region="", stake=0, confinement=offered)

    assert accepted is offered.is_at_least(demanded)
    lacks = unmet_by(wanted, operator="a", region="", stake=0, confinement=offered)  # type: ignore[arg-type]
    assert lacks == (() if accepted else (Demand.CONFINEMENT,))


@given(LEVELS)
def test_the_form_of_constraints_comes_back_and_is_that_of_before_where_nothing_is_demanded(level: Confinement) -> None:
    wanted = Constraints(min_stake=5, confinement=level)

    assert constraints_from_json(wanted.to_json()) == wanted
    assert ("confinement" in wanted.to_json()) is bool(level)
    assert Constraints(confinement=level).is_empty is (level is Confinement.UNKNOWN)


def test_a_level_that_nobody_knows_is_refused_to_clients_and_counts_as_none_of_provers() -> None:
    none: dict[str, list[str]] = {"allowed_operators": [], "denied_operators": [], "regions": []}
    with pytest.raises(InvalidField, match="one of process, rules, namespaces"):
        parse_constraints(**none, min_stake=0, confinement="virtual machine")
    assert parse_constraints(**none, min_stake=0, confinement="") == NO_CONSTRAINTS
    assert told_confinement("virtual machine") is Confinement.UNKNOWN
