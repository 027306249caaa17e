"""What people type: amounts, durations, settings, inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.cli.kit.reading import parse_duration_ms, read_inputs, read_settings
from proofgrid.primitives.errors import InvalidField, InvalidInput
from proofgrid.primitives.money import AMOUNT_MAX, format_amount, parse_amount


@pytest.mark.parametrize(
    ("text", "base_units"),
    [
        ("1.5", 1_500_000_000),
        ("0.000000001", 1),
        ("12", 12_000_000_000),
        ("1_000", 1_000_000_000_000),
        ("007.10", 7_100_000_000),
    ],
)
def test_an_amount_in_tokens_is_exact_to_the_base_unit(text: str, base_units: int) -> None:
    assert parse_amount(text) == base_units


@given(st.integers(min_value=0, max_value=AMOUNT_MAX))
def test_an_amount_that_was_formatted_for_people_reads_back_the_same(amount: int) -> None:
    assert parse_amount(format_amount(amount)) == amount


@pytest.mark.parametrize("text", ["", "-1", "1e3", "1,5", ".5", "1.", "nan", "1.0000000001", "٣", "9" * 40])
def test_what_is_no_amount_is_refused_with_the_field(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_amount(text, field="budget")
    assert caught.value.field == "budget"


def test_base_units_are_whole_numbers() -> None:
    assert parse_amount("42", base_units=True) == 42
    with pytest.raises(InvalidField, match="whole"):
        parse_amount("4.2", base_units=True)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000), ("500ms", 500), ("2d", 172_800_000)],
)
def test_a_duration_is_read_part_by_part(text: str, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "1.5h", "10 m", "10minutes", "-5m", "1h,30m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_duration_ms(text)
    assert caught.value.field == "deadline"


def test_settings_on_the_command_line_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('slices = 2\ninput_visibility = "public"\n')
    found = read_settings(file, ["slices=4", "decomposition=1024x3", "input_range=[0, 1]"])
    assert found == {
        "slices": 4,
        "input_visibility": "public",
        "decomposition": "1024x3",
        "input_range": [0, 1],
    }


@pytest.mark.parametrize("pair", ["slices", "=4", ""])
def test_a_setting_without_a_key_is_refused(pair: str) -> None:
    with pytest.raises(InvalidField, match="key=value"):
        read_settings(None, [pair])


def test_files_and_texts_become_one_batch_in_order(tmp_path: Path) -> None:
    one, many = tmp_path / "one.json", tmp_path / "many.json"
    one.write_text("[1, 2]")
    many.write_text(json.dumps({"inputs": [[3, 4], [5, 6]]}))
    assert read_inputs([one, many], ["[7, 8]"]) == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_a_nested_list_is_one_input_and_not_a_batch() -> None:
    assert read_inputs([], ["[[1, 2], [3, 4]]"]) == [[[1, 2], [3, 4]]]


def test_one_input_may_name_its_tensors() -> None:
    assert read_inputs([], ['{"x": [1], "mask": [0]}']) == [{"x": [1], "mask": [0]}]


@pytest.mark.parametrize("text", ["{", '{"inputs": 3}'])
def test_an_input_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_inputs([], [text])
    assert caught.value.field == "--input"
    file = tmp_path / "input.json"
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_inputs([file], [])
    assert caught.value.field == f"inputs ({file})"


def test_a_missing_input_file_and_no_input_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match=r"nothing\.json"):
        read_inputs([tmp_path / "nothing.json"], [])
    with pytest.raises(InvalidInput, match="no input"):
        read_inputs([], [])
