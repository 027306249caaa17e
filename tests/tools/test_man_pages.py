"""Man pages: one of every command, in roff that nothing complains of, and in the wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.man.__main__ import main
from tools.man.page import escaped, file_name, page_of
from tools.site.commands import Block, Command, Row, commands

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    assert main([str(folder)]) == 0
    return folder


def test_every_command_has_a_page_that_says_all_of_its_help(pages: Path) -> None:
    every = list(commands())
    assert {path.name for path in pages.iterdir()} == {file_name(one) for one in every}
    for one in every:
        text = (pages / file_name(one)).read_text()
        assert text.startswith(".TH ")
        assert all(escaped(row.names) in text for row in (*one.arguments, *one.options)), one.name
        assert all(f"{'-'.join(one.path)}-{name}".replace("-", "\\-") in text for name in one.children), one.name


def test_what_roff_would_understand_stays_text() -> None:
    command = Command(
        path=("proofgrid", "odd"),
        summary="An odd one.",
        usage="proofgrid odd",
        blocks=(
            Block(text=".SH is no heading, and \\fB no font", is_verbatim=False),
            Block(text="Example:\n  proofgrid odd --x '…'", is_verbatim=True),
        ),
        arguments=(),
        options=(Row(names="--x", help=""),),
        children=(),
    )
    lines = page_of(command, "1.0", {}).splitlines()
    assert "\\&.SH is no heading, and \\(rsfB no font" in lines
    assert "  proofgrid odd \\-\\-x \\(aq\\[u2026]\\(aq" in lines
    assert lines.index(".SH EXAMPLES") > lines.index(".SH OPTIONS")


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff here")
def test_nothing_complains_of_the_pages(pages: Path) -> None:
    some = [pages / f"proofgrid{name}.1" for name in ("", "-submit", "-admin", "-gateway", "-doctor")]
    ran = subprocess.run(["groff", "-man", "-Tutf8", "-ww", *some], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert "proofgrid submit" in re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout)


def test_a_wheel_takes_the_pages_along_where_they_were_made(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "src" / "proofgrid").mkdir(parents=True)
    (tmp_path / "src" / "proofgrid" / "__init__.py").write_text("")
    (tmp_path / "tools" / "man").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "man" / "hook.py", tmp_path / "tools" / "man")
    assert not [name for name in _wheel(tmp_path) if name.endswith(".1")]
    (tmp_path / "dist" / "man").mkdir(parents=True, exist_ok=True)
    (tmp_path / "dist" / "man" / "proofgrid.1").write_text(".TH\n")
    assert [name for name in _wheel(tmp_path) if name.endswith("/share/man/man1/proofgrid.1")]


def _wheel(folder: Path) -> list[str]:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=folder, check=True, capture_output=True
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    wheel.unlink()
    return names
