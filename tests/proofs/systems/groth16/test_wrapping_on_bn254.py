"""The circuit for contracts: what it takes and refuses, by its own constraints.

Each look at its million takes half a minute, so this runs when it is asked for: `make test-wraps`.
"""

from __future__ import annotations

import pytest

from tests.proofs.systems.groth16.test_wrapping import FORGERIES, Made, made_on
from tests.proofs.systems.groth16.wraps_on_bn254 import asked_for

pytestmark = pytest.mark.timeout(1_800)
OF_ONE_PART = (
    "another public input",
    "an output that only the statement has",
    "an input that only the statement has",
    "a proof of something else",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    asked_for()
    return made_on("bn128", tmp_path_factory.mktemp("wraps"))


def test_parts_that_verify_are_taken_and_fewer_fill_the_places(made: Made) -> None:
    assert made.takes(made.zero)
    assert made.takes(made.first, chains=2)
    assert made.zero.public[0] == "0"


@pytest.mark.parametrize("name", OF_ONE_PART)
def test_the_circuit_itself_refuses_a_forgery(made: Made, name: str) -> None:
    parts, claimed = FORGERIES[name](made)
    assert not made.takes(*parts, claimed=claimed)


def test_a_key_that_only_the_statement_has_is_refused(made: Made) -> None:
    assert made.takes(made.foreign, keys=[made.other])
    assert not made.takes(made.foreign, keys=[made.files])


def test_slices_of_a_chain_are_linked_inside(made: Made) -> None:
    chain = [made.files, made.files]
    assert made.takes(made.first, made.second, keys=chain)
    assert not made.takes(made.second, made.first, keys=chain)
