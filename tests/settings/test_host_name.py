"""A prover without a name has its machine's, whatever that one is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.ids import Address, prover_id
from proofgrid.settings.host_name import name_of_host, name_of_machine


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("rack-7", "rack-7"),
        ("RACK-7.example.com", "rack-7"),
        ("MacBook-Pro.local", "macbook-pro"),
        ("10.0.0.5", "10.0.0.5"),
        ("web_1", "web_1"),
        ("gpu1.", "gpu1"),
    ],
)
def test_a_host_name_s_first_part_is_the_prover_s_name(host: str, name: str) -> None:
    assert name_of_host(host) == name


def test_hosts_that_differ_in_what_a_name_cannot_have_differ_as_provers() -> None:
    names = [name_of_host(host) for host in ("größe", "grüße", "-rack", "rack", "x" * 64, "x" * 65, "fe80::1", "日本")]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("host", ["", "localhost", "localhost.localdomain", "3f0c9a1b2d4e", "LOCALHOST"])
def test_a_host_name_that_tells_no_machine_apart_is_not_taken(host: str) -> None:
    assert name_of_host(host) is None


@given(st.text(max_size=300))
def test_every_host_name_makes_a_valid_prover_s_name_or_none(host: str) -> None:
    name = name_of_host(host)

    assert name is None or prover_id(Address("0xabc"), name) == f"0xabc/{name}"


def test_a_drawn_name_is_kept_with_the_data_and_differs_elsewhere(tmp_path: Path) -> None:
    here = [name_of_machine("localhost", tmp_path / "here") for _ in range(2)]
    there = name_of_machine("localhost", tmp_path / "there")

    assert here[0] == here[1]
    assert here[0] != there
    assert prover_id(Address("0xabc"), there)
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["prover-name"]
