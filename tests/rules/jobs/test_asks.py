"""What a prover asks and takes, class by class, is judged before it counts."""

from __future__ import annotations

from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.offers import check_terms, parse_class_asks
from proofgrid.wire.codec.provers import read_hello, write_hello
from tests.makers import some_terms

LARGE = {"classes": (JobClass.SMALL, JobClass.LARGE), "class_asks": {"toy": {JobClass.LARGE: 1_200}}, "units_min": 50}


def test_asks_per_class_travel_in_the_hello() -> None:
    terms = some_terms(**LARGE)
    check_terms(terms)
    assert read_hello(write_hello(terms).hello) == terms


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"class_asks": {"other": {JobClass.SMALL: 5}}}, "class_asks"),
        ({"class_asks": {"toy": {JobClass.LARGE: 5}}}, "class_asks"),
        ({"class_asks": {"toy": {JobClass.SMALL: 0}}}, "class_asks[small]"),
        ({"units_min": -1}, "units_min"),
        ({"reserve_slots": 5_000, "reserve_price": 1}, "reserve_slots"),
        ({"reserve_slots": 1, "reserve_price": 0}, "reserve_ask"),
    ],
)
def test_an_offer_outside_its_rules_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_terms(some_terms(**changes))
    assert refused.value.field == field


def test_asks_per_class_are_read_as_people_write_them() -> None:
    assert parse_class_asks("") == {}
    assert parse_class_asks("large=1200, medium=900") == {JobClass.LARGE: 1_200, JobClass.MEDIUM: 900}
    for text in ("large", "large=", "huge=5", "large=-1"):
        with pytest.raises(InvalidField):
            parse_class_asks(text)
