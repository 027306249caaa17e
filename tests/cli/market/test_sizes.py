"""`proofgrid sizes`: which jobs a row is for, in words."""

from __future__ import annotations

import pytest

from proofgrid.cli.market.sizes import _row
from proofgrid.rules.jobs.sizes import Said
from proofgrid.sdk.answers.network import Size


def words(scope: str, **changes: int) -> tuple[object, ...]:
    return _row(Size(engine="toy@1", scope=scope, units_permille=1_250, memory_permille=1_000, **changes))  # type: ignore[arg-type]


def test_a_row_tells_what_was_said_times_what() -> None:
    row = words("f" * 64 + "/3", number=7, measured_permille=1_500, operators=3, proofs=12, made_ms=1)
    assert row[:6] == ("toy@1", "slice 3 of " + "f" * 12, "1.250", "1.500", "1.000", "")
    assert row[6:9] == (3, 12, 7)
    assert words("")[1] == "all"


@pytest.mark.parametrize("units", [1, 2, 7, 8, 31, 32, 5_000, 10**12])
def test_the_sizes_of_a_row_are_those_of_its_jobs(units: int) -> None:
    _, size, _ = Said(program="p", slice=0, units=units, memory_bytes=1).scopes
    of, low, to, high, pu = str(words(size)[1]).split()
    assert (of, to, pu) == ("of", "to", "PU")
    assert int(low) <= units <= int(high)
