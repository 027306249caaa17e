"""Settings have defaults and rules, and one canonical form."""

from __future__ import annotations

from typing import Any

import pytest

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.settings import HELP, parse_settings


def test_settings_that_say_only_the_defaults_are_the_same_settings() -> None:
    spelled_out: dict[str, Any] = {"scale": 7, "slices": "auto", "input_range": [-1, 1], "decomposition": "auto"}

    assert parse_settings(spelled_out).canonical() == parse_settings({}).canonical()
    assert set(parse_settings({}).canonical()) == set(HELP)


def test_the_canonical_form_says_what_was_set() -> None:
    given: dict[str, Any] = {
        "input_visibility": {"mask": "private", "x": "public"},
        "output_visibility": "hashed",
        "fixed": {"mask": ["1", "-0.5", "1e-07"]},
        "scale": 9,
        "logrows_max": 15,
        "slices": 3,
        "decomposition": "1024x3",
        "lookup_margin": 4,
        "input_range": {"mask": [0, 1], "x": [-2, 5]},
    }

    assert parse_settings(given).canonical() == given
    canonical_json(given)  # no floats


def test_numbers_that_are_fixed_are_flat_and_exact() -> None:
    nested = parse_settings({"fixed": {"mask": [[1, -0.5], [True, 1e-7]]}})

    assert nested.fixed == {"mask": ("1", "-0.5", "1", "1e-07")}
    assert parse_settings(nested.canonical()) == nested


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("input_visibility", "hidden"),
        ("input_visibility", ["public"]),
        ("output_visibility", "private"),
        ("fixed", [1]),
        ("scale", 0),
        ("scale", 17),
        ("scale", 7.0),
        ("scale", True),
        ("logrows_max", 23),
        ("slices", 0),
        ("slices", "many"),
        ("slices", 65),
        ("decomposition", "1024"),
        ("decomposition", "1x4"),
        ("decomposition", 1024),
        ("lookup_margin", "2"),
        ("input_range", [1, 1]),
        ("input_range", [0, 0.5]),
        ("input_range", "01"),
        ("input_range", [0, 1, 2]),
        ("colour", "red"),
    ],
)
def test_a_setting_outside_its_rule_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_settings({name: value})

    assert caught.value.field == f"settings.{name}"
