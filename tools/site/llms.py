"""The site for language models: llms.txt lists its pages with what each is about, llms-full.txt holds them all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tools.site.commands import one_line
from tools.site.plan import Page, Section

ABOUT = (
    "A prover network: it cuts requests for zero-knowledge proofs into slices, sells the slices to competing provers"
    " in a truthful double auction, verifies every proof before it is paid, and hands out bundles that verify offline."
)
_IN_FULL = ("index.md", "tutorial.md", "clients/", "operators/", "owners/", "explanation/", "reference/")


def index(site: Section, texts: Mapping[str, str]) -> str:
    """Return llms.txt: a heading for each section, a line for each page, which is also there as Markdown."""
    return "\n".join(["# proofgrid", "", f"> {ABOUT}", *_sections(site, texts)]) + "\n"


def _sections(section: Section, texts: Mapping[str, str]) -> Iterator[str]:
    for part in section.parts:
        pages = [part] if isinstance(part, Page) else list(part.pages())
        if isinstance(part, Section):
            yield from ("", f"## {'Optional' if part.title == 'Project' else part.title}", "")
        elif part is section.parts[0]:
            yield from ("", "## Begin here", "")
        for page in pages:
            yield f"- [{page.title}]({page.place}): {first_sentence(texts[page.place])}"


def full(site: Section, texts: Mapping[str, str]) -> str:
    """Return llms-full.txt: the text of every page but those about the project's own history."""
    pages = [page for page in site.pages() if page.place.startswith(_IN_FULL)]
    return "\n".join(f"<!-- {page.place} -->\n\n{texts[page.place]}" for page in pages)


def first_sentence(text: str) -> str:
    """Return the first sentence of a page's prose, without its links."""
    for paragraph in re.split(r"\n\s*\n", text):
        words = paragraph.strip()
        if words and not words.startswith(
            ("#", "|", "```", "<", "!", "*Made", "Status:", "---", "Made by", "Generated")
        ):
            plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", one_line(words)).replace("**", "")
            return re.split(r"(?<=[.:])\s", plain)[0]
    return "tables"
