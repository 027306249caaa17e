"""The documentation as a site, before it is rendered: every document is a page, and every link leads somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from proofgrid.primitives.error_codes import every_error
from tools.site.__main__ import arrange, configuration, main
from tools.site.commands import commands
from tools.site.linking import arranged
from tools.site.llms import first_sentence
from tools.site.plan import ROOT, plan

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return arrange(plan())


def test_every_document_is_a_page() -> None:
    sources = {page.source for page in plan().pages()}
    documents = {str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]}
    assert documents - sources == set()


def test_no_place_is_taken_twice() -> None:
    places = [page.place for page in plan().pages()]
    assert len(places) == len(set(places))


def test_every_link_on_the_site_leads_to_something_there(files: dict[str, bytes]) -> None:
    lost = []
    for place, content in files.items():
        if not place.endswith(".md"):
            continue
        text = re.sub(r"^ *```.*?^ *```", "", content.decode(), flags=re.M | re.S)
        for link in _LINK.findall(re.sub(r"`[^`]*`", "", text)):
            target = os.path.normpath(PurePosixPath(place).parent / link)
            if "://" not in link and target not in files:
                lost.append((place, link))
    assert lost == []


def test_nothing_is_fetched_from_others(files: dict[str, bytes]) -> None:
    settings = (ROOT / "mkdocs.yml").read_text()
    assert "font: false" in settings
    assert "://" not in settings
    assert not [place for place, content in files.items() if b"<script" in content and place.endswith(".md")]


def test_the_references_hold_what_the_code_has(files: dict[str, bytes]) -> None:
    errors = files["reference/errors.md"].decode()
    assert all(f"| {code} |" in errors for code in every_error())
    settings = files["reference/settings.md"].decode()
    assert "`lease_ttl_ms`" in settings
    assert "PROOFGRID_KEY_PASSWORD` only" in settings
    assert "`POST /v1/tasks`" in files["reference/http.md"].decode()
    assert "`submit(" in files["reference/python.md"].decode()
    for command in commands():
        verb = command.path[1] if len(command.path) > 1 else "index"
        assert command.usage in files[f"reference/cli/{verb}.md"].decode()


def test_nothing_of_this_machine_is_in_it(files: dict[str, bytes]) -> None:
    mine = [str(ROOT), str(Path.home())]
    assert not [
        place for place, content in files.items() for word in mine if len(word) > 5 and word.encode() in content
    ]


def test_models_find_every_page_with_what_it_is_about(files: dict[str, bytes]) -> None:
    index = files["llms.txt"].decode()
    assert index.startswith("# proofgrid\n\n> A prover network")
    assert all(f"]({page.place}): " in index for page in plan().pages())
    full = files["llms-full.txt"].decode()
    assert "<!-- tutorial.md -->" in full
    assert "<!-- decisions/" not in full


def test_links_and_names_of_documents_are_those_of_the_site() -> None:
    places = {"docs/a.md": "x/a.md", "docs/b.md": "y/b.md", "docs/decisions/0007-batches.md": "d/0007.md"}
    text, shown = arranged(
        "See [b](b.md#part), [code](../src/x.py), `docs/b.md`, docs/b.md and (docs/decisions/0007).\n"
        "* an item\n![p](pages/p.png)\n```\n[b](b.md)\n```\n",
        "docs/a.md",
        "x/a.md",
        places,
    )
    assert "[b](../y/b.md#part), code (`src/x.py`), `docs/b.md`, [b](../y/b.md)" in text
    assert "([decision 0007](../d/0007.md)).\n\n* an item" in text
    assert "```\n[b](b.md)\n```" in text
    assert shown == {"docs/pages/p.png"}


def test_a_page_is_about_its_first_sentence() -> None:
    assert first_sentence("# Title\n\nStatus: accepted\n\nIt [is](x.md) so. And more.") == "It is so."


def test_the_navigation_is_the_plan() -> None:
    said = json.loads(configuration(plan()))
    assert [next(iter(part)) for part in said["nav"]] == [part.title for part in plan().parts]


@pytest.mark.skipif(not (ROOT / ".site" / "venv" / "bin" / "mkdocs").exists(), reason="make site has not been run here")
def test_it_can_be_rendered_without_a_warning(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    told = json.loads((tmp_path / "mkdocs.yml").read_text()) | {"site_dir": str(tmp_path / "site")}
    (tmp_path / "mkdocs.yml").write_text(json.dumps(told))
    mkdocs = ROOT / ".site" / "venv" / "bin" / "mkdocs"
    subprocess.run([mkdocs, "build", "--strict", "--quiet", "-f", tmp_path / "mkdocs.yml"], check=True)
