"""`proofgrid verify --engines`: a bundle by an engine that its network stopped does not pass."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import BadBundle, InvalidField
from proofgrid.primitives.ids import Lane
from proofgrid.sdk.stopped_engines import check_engines
from tests.cli.commands import proofgrid
from tests.proofs.bundles.makers import Made, a_bundle


@pytest.fixture
def made(tmp_path: Path, toy_system_on_path: Path) -> Made:
    folder = tmp_path / "bundle"
    folder.mkdir()
    return a_bundle(folder, "seven")


def known(folder: Path, *rows: Any) -> Path:
    file = folder / "engines.json"
    file.write_text(json.dumps(list(rows)))
    return file


def an_engine(name: str, *, stopped: str = "") -> dict[str, Any]:
    return {"engine": name, "provers": 2, "stopped_ms": int(bool(stopped)), "stopped_reason": stopped}


def test_a_bundle_by_a_stopped_engine_exits_1_with_the_reason(made: Made, tmp_path: Path) -> None:
    file = known(tmp_path, an_engine("other@1", stopped="slow"), an_engine("toy", stopped="accepts anything"))
    ended = proofgrid("verify", str(made.path), "--engines", str(file), home=tmp_path)
    assert ended.returncode == 1
    assert "toy, which its network has stopped: accepts anything" in ended.stderr


def test_one_whose_engines_go_on_says_so(made: Made, tmp_path: Path) -> None:
    file = known(tmp_path, an_engine("other@1", stopped="slow"), an_engine("toy"))
    ended = proofgrid("verify", str(made.path), "--engines", str(file), "--json", home=tmp_path)
    assert ended.returncode == 0
    assert any("is stopped, by what engines.json says" in check for check in json.loads(ended.stdout)["checks"])


def test_the_lanes_of_its_jobs_name_the_engine_and_else_the_identity_does(made: Made, tmp_path: Path) -> None:
    file = known(tmp_path, an_engine("toy@1.0", stopped="unsound"))
    assert check_engines(made.manifest, file) == 0
    sold = [replace(job, lane=Lane("main/toy@1.0/small")) for job in made.manifest.jobs]
    with pytest.raises(BadBundle, match=r"toy@1\.0"):
        check_engines(replace(made.manifest, jobs=tuple(sold)), file)
    program = made.manifest.program
    pinned = replace(program, identity={**program.identity, "engine": "toy 1.0"})
    with pytest.raises(BadBundle, match=r"toy@1\.0"):
        check_engines(replace(made.manifest, program=pinned), file)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"7", b"[7]", b'[{"engine": "toy"}]', b"[" * 100_000, b"\xff", b'[{"engine": 7, "stopped_ms": 1}]'],
)
def test_a_file_that_is_no_list_of_engines_is_refused(made: Made, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "engines.json"
    file.write_bytes(content)
    with pytest.raises(InvalidField):
        check_engines(made.manifest, file)
