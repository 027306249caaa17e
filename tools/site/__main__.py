"""Arranges the site: `python -m tools.site FOLDER` writes FOLDER/mkdocs.yml and FOLDER/docs, for mkdocs to render."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.site import llms
from tools.site.linking import arranged, asset_place
from tools.site.plan import ROOT, Page, Section, plan


def main(words: Sequence[str]) -> int:
    """Write the folder that is named; the exit status."""
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(words[0]).resolve()
    files = arrange(plan())
    docs = folder / "docs"
    shutil.rmtree(docs, ignore_errors=True)
    for place, content in files.items():
        path = docs / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "mkdocs.yml").write_text(configuration(plan()), encoding="utf-8")
    print(f"{docs}: {len(files)} files")
    return 0


def arrange(site: Section) -> dict[str, bytes]:
    """Return every file of the site before it is rendered, by its place."""
    pages = list(site.pages())
    places = {page.source: page.place for page in pages if page.source}
    texts: dict[str, str] = {}
    shown: set[str] = set()
    for page in pages:
        texts[page.place], pictures = arranged(page.text(), page.source, page.place, places)
        shown |= pictures
    files = {place: text.encode() for place, text in texts.items()}
    files |= {asset_place(name): (ROOT / name).read_bytes() for name in sorted(shown)}
    files["assets/site.css"] = (Path(__file__).parent / "site.css").read_bytes()
    files["llms.txt"] = llms.index(site, texts).encode()
    files["llms-full.txt"] = llms.full(site, texts).encode()
    return files


def configuration(site: Section) -> str:
    """Return mkdocs' settings: those of the repository, with the plan as navigation. JSON is YAML, too."""
    said = {"INHERIT": str(ROOT / "mkdocs.yml"), "docs_dir": "docs", "site_dir": str(ROOT / "site"), "nav": _nav(site)}
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def _nav(section: Section) -> list[dict[str, object]]:
    return [{part.title: part.place if isinstance(part, Page) else _nav(part)} for part in section.parts]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
