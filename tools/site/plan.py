"""The plan of the site: which page stands where, after Diátaxis, and which document or which code it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.site import reference
from tools.site.commands import commands

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the site, out of a document of the repository or out of code."""

    title: str
    place: str  #: on the site
    source: str = ""  #: from the repository's root; empty: it is written
    written: Callable[[], str] | None = None

    def text(self) -> str:
        """Return what it says, in Markdown."""
        return self.written() if self.written is not None else (ROOT / self.source).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pages under one heading."""

    title: str
    parts: Sequence[Page | Section]

    def pages(self) -> Iterator[Page]:
        """Yield its pages in their order."""
        for part in self.parts:
            if isinstance(part, Page):
                yield part
            else:
                yield from part.pages()


def plan() -> Section:
    """Return the whole site."""
    return Section(
        title="proofgrid",
        parts=(
            _document("Home", "docs/index.md", "index.md"),
            _document("Tutorial", "docs/tutorial.md", "tutorial.md"),
            Section(title="How to", parts=(_clients(), _operators(), _owners())),
            Section(title="Reference", parts=(*_references(), _command_line())),
            Section(title="Explanation", parts=tuple(_explanations())),
            Section(title="Project", parts=tuple(_project())),
        ),
    )


def _document(title: str, source: str, place: str) -> Page:
    return Page(title=title, source=source, place=place)


def _clients() -> Section:
    at = "clients"
    return Section(
        title="for clients",
        parts=(
            _document("Get something proven", "docs/clients.md", f"{at}/index.md"),
            _document("Over HTTP", "docs/http.md", f"{at}/http.md"),
            _document("Webhooks", "docs/webhooks.md", f"{at}/webhooks.md"),
            _document("Sealed inputs", "docs/sealed.md", f"{at}/sealed.md"),
            _document("TypeScript, Go, other languages", "docs/languages.md", f"{at}/languages.md"),
            Section(
                title="Proof systems",
                parts=(
                    _document("Circuits, Groth16", "docs/groth16.md", f"{at}/groth16.md"),
                    _document("Circuits, PLONK", "docs/plonk.md", f"{at}/plonk.md"),
                    _document("Noir", "docs/noir.md", f"{at}/noir.md"),
                    _document("Miden", "docs/miden.md", f"{at}/miden.md"),
                    _document("SP1", "docs/sp1.md", f"{at}/sp1.md"),
                    _document("Programs that span systems", "docs/graphs.md", f"{at}/graphs.md"),
                ),
            ),
        ),
    )


def _operators() -> Section:
    at = "operators"
    return Section(
        title="for operators",
        parts=(
            _document("Prove and earn", "docs/provers.md", f"{at}/index.md"),
            _document("Engines and their versions", "docs/engines.md", f"{at}/engines.md"),
            _document("Excuses", "docs/excuses.md", f"{at}/excuses.md"),
        ),
    )


def _owners() -> Section:
    at = "owners"
    return Section(
        title="for network owners",
        parts=(
            _document("Run a network", "docs/networks.md", f"{at}/index.md"),
            _document("Operations", "docs/operations.md", f"{at}/operations.md"),
            _document("Contracts on a chain", "docs/contracts.md", f"{at}/contracts.md"),
            Section(title="Runbooks", parts=tuple(_runbooks(f"{at}/runbooks"))),
        ),
    )


def _runbooks(at: str) -> Iterator[Page]:
    for path in sorted((ROOT / "docs" / "runbooks").glob("*.md")):
        name = path.stem
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removeprefix("Proofgrid")).capitalize()
        yield _document(words, f"docs/runbooks/{path.name}", f"{at}/{path.name}")


def _references() -> Iterator[Page]:
    at = "reference"
    yield Page(title="Settings", place=f"{at}/settings.md", written=reference.settings_page)
    yield Page(title="Error codes", place=f"{at}/errors.md", written=reference.errors_page)
    yield Page(title="HTTP", place=f"{at}/http.md", written=reference.http_page)
    yield Page(title="Python", place=f"{at}/python.md", written=reference.python_page)
    yield _document("Metrics", "docs/metrics.md", f"{at}/metrics.md")
    yield _document("Objectives", "docs/objectives.md", f"{at}/objectives.md")
    yield _document("Operators of models", "docs/operators.md", f"{at}/operators.md")
    yield _document("Bundles", "docs/bundle.md", f"{at}/bundle.md")
    yield _document("Records of rounds", "docs/transcripts.md", f"{at}/transcripts.md")
    yield _document("Glossary", "docs/glossary.md", f"{at}/glossary.md")


def _command_line() -> Section:
    every = list(commands())
    pages = [
        Page(title="proofgrid", place="reference/cli/index.md", written=lambda: reference.commands_page(every[:1]))
    ]
    for verb in every[0].children:
        below = [one for one in every if one.path[1:2] == (verb,)]
        # The default binds now what a closure would look up when it is called.
        pages.append(
            Page(
                title=verb,
                place=f"reference/cli/{verb}.md",
                written=lambda below=below: reference.commands_page(below),  # type: ignore[misc]
            )
        )
    return Section(title="Command line", parts=pages)


def _explanations() -> Iterator[Page]:
    yield _document("The market", "docs/market.md", "explanation/market.md")
    yield _document("Trust", "docs/trust.md", "explanation/trust.md")
    yield _document("Security", "docs/security.md", "explanation/security.md")
    yield _document("Proof systems", "docs/proof-systems.md", "explanation/proof-systems.md")
    yield _document("How it is built", "ARCHITECTURE.md", "explanation/architecture.md")


def _project() -> Iterator[Page | Section]:
    yield _document("README", "README.md", "project/readme.md")
    yield _document("Changes", "CHANGELOG.md", "project/changes.md")
    yield _document("Contributing", "CONTRIBUTING.md", "project/contributing.md")
    yield _document("Measurements", "benchmarks/README.md", "project/measurements.md")
    yield Section(title="Decisions", parts=tuple(_decisions()))


def _decisions() -> Iterator[Page]:
    yield _document("All of them", "docs/decisions/README.md", "decisions/index.md")
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        yield _document(title, f"docs/decisions/{path.name}", f"decisions/{path.name}")
