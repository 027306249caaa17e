"""Every command in a document is run by a test, or a reason stands beside it; and how that is read and run."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.blocks.__main__ import environment
from tools.blocks.reading import SHELL, Block, Mark, blocks_of
from tools.blocks.running import Differs, Shell, first_missing
from tools.prose import ROOT

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "runbooks").glob("*.md")),
]
NOT_RUN = 19  #: blocks that no test runs, each with its reason beside it; this number only shrinks
_COMMAND = re.compile(r"^(proofgrid|pip|make|curl|apt|apt-get|cargo|circom|python -m) ", re.M)


def every_block() -> Iterator[tuple[Path, Block]]:
    for path in DOCUMENTS:
        for block in blocks_of(path.read_text()):
            if block.mark is not Mark.CTRL_C:
                yield path, block


def test_every_block_says_what_it_is() -> None:
    assert [f"{path.name}:{block.line}" for path, block in every_block() if not block.language] == []


def test_commands_stand_in_blocks_of_bash() -> None:
    others = [(path, block) for path, block in every_block() if block.language != SHELL]
    assert [f"{path.name}:{block.line}" for path, block in others if _COMMAND.search(block.text)] == []


def test_blocks_that_no_test_runs_become_fewer() -> None:
    found = [f"{path.name}:{block.line} {block.words}" for path, block in every_block() if block.mark is Mark.NOT_RUN]
    assert len(found) == NOT_RUN, "\n".join(["fewer: lower the number; more: have them run", *found])


def test_what_is_run_elsewhere_is_run_there() -> None:
    for path, block in every_block():
        if block.mark is Mark.RUN_BY:
            elsewhere = ROOT / block.words
            assert elsewhere.is_file(), f"{path.name}:{block.line}"
            if elsewhere.suffix == ".md":
                there = [one.text for one in blocks_of(elsewhere.read_text()) if one.is_run]
                begins = " ".join(block.text.split()[:2])
                assert any(begins in text for text in there), f"{path.name}:{block.line}"


def test_documents_whose_commands_are_run_are_run() -> None:
    from tests.acceptance.test_documents_as_they_stand import HOW_TOS, TUTORIAL

    run = {path.name for path, block in every_block() if block.is_run}
    assert run == {Path(name).name for name in (TUTORIAL, *HOW_TOS)}


DOCUMENT = """
# A title

<!-- not run: it takes a year -->
```bash
sleep 31536000
```

<!-- runs until: ready -->
```bash
printf 'ready\\n'; sleep 1000
```

```bash
NAME=me
echo "I am $NAME, 0x1234567890, on $(date +%Y)"
```

```text
I am me, 0xabcdef, on 1999
```

<!-- fails: no such thing -->
```bash
echo "no such thing"; false
```

<!-- Ctrl-C: printf -->
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    for name in ("work", "notes"):
        (tmp_path / name).mkdir()
    one = Shell(tmp_path / "work", tmp_path / "notes", environment(tmp_path, Path(sys.executable).parent, {}))
    yield one
    one.close()


def test_blocks_are_read_with_their_marks_and_what_they_print() -> None:
    year, ready, named, failing, end = [one for one in blocks_of(DOCUMENT) if one.language != "text"]
    assert (year.mark, year.words, year.is_run) == (Mark.NOT_RUN, "it takes a year", False)
    assert (ready.mark, ready.words) == (Mark.RUNS_UNTIL, "ready")
    assert (named.mark, named.prints, named.is_run) == (None, "I am me, 0xabcdef, on 1999", True)
    assert (failing.mark, failing.words) == (Mark.FAILS, "no such thing")
    assert (end.mark, end.words) == (Mark.CTRL_C, "printf")


def test_a_document_is_run_as_it_stands(shell: Shell) -> None:
    shell.run("a.md", blocks_of(DOCUMENT))
    assert shell.terminals == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```bash\ntrue\nls /not/there\ntrue\n```", "a.md:2: a command of it failed"),
        ("```bash\necho one\n```\n\n```text\ntwo\n```", "the document says that it prints\n  two"),
        ("<!-- fails: PG-101 -->\n```bash\necho PG-102; false\n```", "it should fail and say PG-101"),
        ("<!-- fails: fine -->\n```bash\necho fine\n```", "it should fail and say fine"),
        ("<!-- runs until: ready -->\n```bash\necho never\n```", "it never said 'ready'"),
        ("<!-- Ctrl-C: proofgrid gateway -->", "no terminal runs proofgrid gateway"),
    ],
)
def test_what_does_not_do_what_is_said_of_it_is_told(text: str, said: str, shell: Shell) -> None:
    with pytest.raises(Differs) as caught:
        shell.run("a.md", blocks_of(text))
    assert said in str(caught.value)


def test_ports_of_a_document_can_be_others(shell: Shell, tmp_path: Path) -> None:
    shell.ports = {"7400": "50123"}
    shell.run("a.md", blocks_of("```bash\necho 127.0.0.1:7400 17400 > said\n```"))
    assert (tmp_path / "work" / "said").read_text() == "127.0.0.1:50123 17400\n"


@pytest.mark.parametrize(
    ("expected", "said", "missing"),
    [
        ("one\ntwo", "zero\none\nand\ntwo", None),
        ("two\none", "one\ntwo", "one"),
        ("paid 0.5 for 10 PU", "paid 0.0008432 for 1,054 PU", None),
        ("sold to … in …", "round 3: sold to bob/bob-1 in 4 s", None),
        ("…\n✓ signature: by 0xabcdef0", "✓ signature: by 0x1234567", None),
        ("done", "failed", "done"),
    ],
)
def test_output_is_compared_loosely(expected: str, said: str, missing: str | None) -> None:
    assert first_missing(expected, said) == missing
