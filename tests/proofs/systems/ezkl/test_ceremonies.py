"""A ceremony's file is checked point by point, and only then taken."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proofgrid.cli.main import whole_command_line
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs, unheard
from proofgrid.proofs.systems.ezkl.circuits.srs import reference_strings
from proofgrid.proofs.systems.ezkl.reference.checking import check_reference_string
from proofgrid.proofs.systems.ezkl.reference.curve import Point
from proofgrid.proofs.systems.ezkl.reference.cutting import lagrange_points
from proofgrid.proofs.systems.ezkl.reference.encoding import GENERATOR_G2, PointG2, encode_g2, encode_points
from proofgrid.proofs.systems.ezkl.reference.files import open_reference_file, write_reference_string
from proofgrid.proofs.systems.ezkl.reference.importing import check, import_ceremony

SNARKJS = Path(__file__).parent / "ceremonies"
#: Points of the Aztec Ignition ceremony; beside the checkout unless the variable says where.
IGNITION = Path(os.environ.get("CRS_PATH") or Path(__file__).parents[5] / "shared" / "crs")
LOGROWS = 5
HEADER, POINTS = 4, 64 << LOGROWS  #: bytes of the parts of a file of 2^LOGROWS rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a string that is right."""
    path = tmp_path_factory.mktemp("whole") / "whole.srs"
    make_development_srs(path, LOGROWS)
    return path.read_bytes()


def checked(content: bytes, folder: Path) -> None:
    path = folder / "kzg5.srs"
    path.write_bytes(content)
    check(path, unheard)


def numbers(content: bytes) -> list[int]:
    return [int.from_bytes(content[start : start + 32], "big") for start in range(0, len(content), 32)]


def swapped(content: bytes, start: int) -> bytes:
    return content[:start] + content[start + 64 : start + 128] + content[start : start + 64] + content[start + 128 :]


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "two powers changed places": (lambda c: swapped(c, HEADER + 64 * 9), "not the powers of one tau"),
    "the last power is another": (
        lambda c: c[: HEADER + POINTS - 64] + c[HEADER + 64 : HEADER + 128] + c[HEADER + POINTS :],
        "not the powers of one tau",
    ),
    "the first power is another": (lambda c: swapped(c, HEADER), "first point is not the generator"),
    "two Lagrange points changed places": (lambda c: swapped(c, HEADER + POINTS + 64 * 9), "Lagrange points"),
    "a power is no point": (lambda c: flipped(c, HEADER + 64 * 7), "point 7 is not on the curve"),
    "a Lagrange point is no point": (lambda c: flipped(c, HEADER + POINTS), "point 32 is not on the curve"),
    "a Lagrange point is missing": (
        lambda c: c[: HEADER + POINTS] + bytes(64) + c[HEADER + POINTS + 64 :],
        "point 32 is not on the curve",
    ),
    "another generator": (lambda c: flipped(c, len(c) - 200), "generator of the second group"),
    "tau is no point": (lambda c: flipped(c, len(c) - 100), "no point of that group"),
    "tau is one": (lambda c: c[:-128] + encode_g2(GENERATOR_G2), "tau is 1"),
}


def test_a_string_that_is_right_passes(whole: bytes, tmp_path: Path) -> None:
    checked(whole, tmp_path)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_wrong_is_found(whole: bytes, tmp_path: Path, change: str) -> None:
    changed, complaint = CHANGES[change]

    with pytest.raises(InvalidField, match=complaint):
        checked(changed(whole), tmp_path)


def test_points_of_another_tau_do_not_belong(whole: bytes, tmp_path: Path) -> None:
    make_development_srs(tmp_path / "other.srs", LOGROWS)
    other = (tmp_path / "other.srs").read_bytes()

    with pytest.raises(InvalidField, match="not the powers of one tau"):
        checked(whole[:-128] + other[-128:], tmp_path)
    with pytest.raises(InvalidField, match="Lagrange points are not those"):
        checked(whole[: HEADER + POINTS] + other[HEADER + POINTS : HEADER + 2 * POINTS] + whole[-256:], tmp_path)


def test_the_points_of_a_real_ceremony_are_right_and_give_the_lagrange_basis(tmp_path: Path) -> None:
    with (IGNITION / "bn254_g1.dat").open("rb") as file:
        flat = numbers(file.read(64 << LOGROWS))
    powers: list[Point] = list(zip(flat[::2], flat[1::2], strict=True))
    a, b, c, d = numbers((IGNITION / "bn254_g2.dat").read_bytes())
    tau: PointG2 = ((a, b), (c, d))

    write_reference_string(
        tmp_path / "ignition.srs",
        LOGROWS,
        monomial=encode_points(powers),
        lagrange=encode_points(lagrange_points(powers, LOGROWS, unheard)),
        tau_g2=encode_g2(tau),
    )

    check(tmp_path / "ignition.srs", unheard)


def test_a_file_of_snarkjs_is_taken_over(tmp_path: Path) -> None:
    written = import_ceremony(SNARKJS / "final4.ptau", tmp_path / "srs", logrows=None, progress=unheard)

    assert written == [tmp_path / "srs" / "kzg4.srs"]
    assert reference_strings(tmp_path / "srs").logrows_max == 4
    file = open_reference_file(written[0])
    assert file is not None
    check_reference_string(file, unheard)


def test_one_of_the_engines_form_is_taken_whole_or_cut(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ceremony.srs"
    path.write_bytes(whole)

    import_ceremony(path, tmp_path / "srs", logrows=None, progress=unheard)
    import_ceremony(path, tmp_path / "srs", logrows=3, progress=unheard)

    assert (tmp_path / "srs" / "kzg5.srs").read_bytes() == whole
    assert sorted(reference_strings(tmp_path / "srs").files) == [3, 5]


@pytest.mark.parametrize(
    ("name", "logrows", "complaint"),
    [
        ("raw4.ptau", None, "not prepared for phase 2"),
        ("final4.ptau", 5, "ends at 2\\^4"),
        ("README.md", None, "neither a .ptau file nor"),
        ("nothing", None, "there is no file"),
    ],
)
def test_what_cannot_be_taken_is_refused(tmp_path: Path, name: str, logrows: int | None, complaint: str) -> None:
    with pytest.raises(InvalidField, match=complaint):
        import_ceremony(SNARKJS / name, tmp_path / "srs", logrows=logrows, progress=unheard)

    assert not list(tmp_path.glob("srs/*.srs"))


@pytest.mark.parametrize("kept", [3, 11, 60, 5_000])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    (tmp_path / "short.ptau").write_bytes((SNARKJS / "final4.ptau").read_bytes()[:kept])

    with pytest.raises(InvalidField):
        import_ceremony(tmp_path / "short.ptau", tmp_path / "srs", logrows=None, progress=unheard)

    assert not list(tmp_path.glob("srs/*.srs"))


@pytest.mark.parametrize("length", [1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_a_section_that_says_it_is_longer_than_its_file_is_refused(tmp_path: Path, length: int) -> None:
    """Found by fuzzing: where the next one begins was looked for where no file has a place."""
    content = bytearray((SNARKJS / "final4.ptau").read_bytes())
    content[16:24] = length.to_bytes(8, "little")
    (tmp_path / "long.ptau").write_bytes(content)

    with pytest.raises(InvalidField, match="ends too early"):
        import_ceremony(tmp_path / "long.ptau", tmp_path / "srs", logrows=None, progress=unheard)


def test_one_folder_holds_one_ceremony(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ceremony.srs"
    path.write_bytes(whole)
    import_ceremony(SNARKJS / "final4.ptau", tmp_path / "srs", logrows=None, progress=unheard)

    with pytest.raises(InvalidField, match="is of another ceremony"):
        import_ceremony(path, tmp_path / "srs", logrows=None, progress=unheard)


def test_the_command_line_says_what_it_found(tmp_path: Path) -> None:
    run = CliRunner().invoke

    shown = run(whole_command_line(), ["srs", "check", str(SNARKJS / "final4.ptau")])
    taken = run(
        whole_command_line(), ["srs", "import", str(SNARKJS / "final4.ptau"), "--out", str(tmp_path / "srs"), "--json"]
    )
    made = run(whole_command_line(), ["srs", "make", "--logrows", "4", "--out", str(tmp_path / "made"), "--json"])

    assert "every point belongs to one tau; 2^4 rows" in shown.output
    assert json.loads(taken.output)["files"] == ["kzg4.srs"]
    assert json.loads(made.output) == {"folder": str(tmp_path / "made"), "logrows": 4, "for_development": True}
