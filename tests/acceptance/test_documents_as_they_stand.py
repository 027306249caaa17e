"""The tutorial and the how-tos of every role, command by command, on a bare home: what they say is what happens."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.blocks.__main__ import environment, free_ports
from tools.blocks.reading import Block, Mark, blocks_of
from tools.blocks.running import Shell
from tools.prose import ROOT

TUTORIAL = "docs/tutorial.md"
#: One story on one network: who runs it, who proves, who buys, and servers.
HOW_TOS = ("docs/networks.md", "docs/provers.md", "docs/clients.md", "docs/http.md", "docs/webhooks.md")
ELSEWHERE = "proofgrid demo"  #: tests/acceptance/test_real_proofs.py runs it

pytestmark = [
    pytest.mark.skipif(not os.environ.get("DOCUMENT_TESTS"), reason="minutes: make documents"),
    pytest.mark.skipif(
        not all(shutil.which(name) for name in ("bash", "curl", "jq")), reason="there is no bash, curl or jq here"
    ),
]


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path, which the database's socket needs, that a root's database may enter."""
    with tempfile.TemporaryDirectory(prefix="doc-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("names", [(TUTORIAL,), HOW_TOS], ids=["tutorial", "how-tos"])
def test_every_command_does_what_is_said_of_it(names: tuple[str, ...], home: Path) -> None:
    ports = free_ports(names)
    for folder in ("work", "notes"):
        (home / folder).mkdir()
    shell = Shell(home / "work", home / "notes", environment(home, Path(sys.executable).parent, ports), ports)
    try:
        for name in names:
            shell.run(name, [_without_demo(block) for block in blocks_of((ROOT / name).read_text())])
    finally:
        shell.close()


def _without_demo(block: Block) -> Block:
    return replace(block, mark=Mark.NOT_RUN) if block.text == ELSEWHERE else block
