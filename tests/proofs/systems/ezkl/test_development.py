"""A reference string for development has one trapdoor and many sizes, each made when it is first needed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.circuits.development import (
    begin_development_srs,
    development_file,
    made_sizes,
    make_development_srs,
    make_development_srs_folder,
)
from proofgrid.proofs.systems.ezkl.circuits.srs import reference_strings, write_verifier_srs
from proofgrid.proofs.systems.ezkl.reference.files import open_reference_file
from tests.proofs.conftest import build
from tests.proofs.systems.ezkl.models import an_mlp, save

SECRET = b"the network's"

MAKE_SLOWLY = """
import sys, time
from pathlib import Path
from proofgrid.proofs.systems.ezkl.circuits.development import development_file

def stand_still(done, total):
    if done:
        print("half-way", flush=True)
        time.sleep(600)

development_file(Path(sys.argv[1]), 7, stand_still)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A string of up to 2^8 rows of which nothing is made yet."""
    begin_development_srs(tmp_path / "srs", 8, SECRET)
    return tmp_path / "srs"


def test_all_sizes_have_one_trapdoor(folder: Path, tmp_path: Path) -> None:
    begin_development_srs(folder, 9, SECRET)  # the owner allows more
    begin_development_srs(tmp_path / "other", 9, b"another network's")
    paths = [development_file(folder, 8), development_file(folder, 9), development_file(tmp_path / "other", 8)]
    verifiers = []
    for path in paths:
        write_verifier_srs(path, tmp_path / "verifier")
        verifiers.append((tmp_path / "verifier").read_bytes())

    short, long = (open_reference_file(path) for path in paths[:2])
    assert short is not None
    assert long is not None
    assert short.monomial(0, 256) == long.monomial(0, 256)
    assert short.lagrange(0, 256) != long.lagrange(0, 256)
    assert verifiers[0] == verifiers[1] != verifiers[2]


def test_a_size_is_made_once_and_is_the_same_wherever_it_is_made(folder: Path, tmp_path: Path) -> None:
    path = development_file(folder, 8)
    made_at = path.stat().st_mtime_ns
    begin_development_srs(tmp_path / "again", 8, SECRET)

    assert development_file(folder, 8).stat().st_mtime_ns == made_at
    assert development_file(tmp_path / "again", 8).read_bytes() == path.read_bytes()


def test_a_kill_half_way_leaves_nothing_that_looks_whole(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", MAKE_SLOWLY, str(folder)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half-way\n"
        child.send_signal(signal.SIGKILL)

    assert made_sizes(folder) == {}
    assert reference_strings(folder).missing == {8: folder}
    assert open_reference_file(development_file(folder, 7)) is not None


def test_what_an_earlier_version_left_is_made_anew(folder: Path) -> None:
    make_development_srs(folder / "kzg8.srs", 8)  # a trapdoor of its own
    before = (folder / "kzg8.srs").read_bytes()

    assert made_sizes(folder) == {}
    assert development_file(folder, 8).read_bytes() != before
    assert made_sizes(folder) == {8: folder / "kzg8.srs"}


@pytest.mark.thorough
def test_a_build_makes_the_size_that_it_needs_and_tells_how_far_it_is(tmp_path: Path) -> None:
    begin_development_srs(tmp_path / "srs", 20, SECRET)
    model = save(an_mlp(4, 4, 2), tmp_path / "model")

    files = build(model, {}, srs=tmp_path / "srs", workdir=tmp_path / "work")

    assert [path.name for path in (tmp_path / "srs").glob("*.srs")] == ["kzg12.srs"]
    cut = open_reference_file(files.path("srs"))
    assert cut is not None
    assert cut.logrows < 12  # no longer than the circuits


def test_whoever_only_has_some_sizes_is_told_how_to_get_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "srs"
    folder.mkdir()
    (folder / "srs.json").write_text(json.dumps({"least": 12, "most": 20}))

    with pytest.raises(InvalidField, match="2\\^12 rows, which is not in") as caught:
        build(save(an_mlp(4, 4, 2), tmp_path / "model"), {}, srs=folder, workdir=tmp_path)

    assert caught.value.hint == "register the model, for which the network makes it, then get it: proofgrid srs get"


def test_a_folder_for_others_keeps_no_trapdoor(tmp_path: Path) -> None:
    make_development_srs_folder(tmp_path / "srs", 6)

    assert sorted(path.name for path in (tmp_path / "srs").iterdir()) == ["kzg6.lock", "kzg6.srs", "srs.json"]
    assert list(reference_strings(tmp_path / "srs").files) == [6]
