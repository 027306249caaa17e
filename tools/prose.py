"""The form of documents: one sentence per line, so that a change of a sentence is a change of a line.

    python -m tools.prose          # complain, exit 1
    python -m tools.prose --fix    # put every document into form

A sentence longer than 160 characters goes on in the next line, after a clause if it can. Headings, tables, code and
links stay as they are; so does everything between them that is not a paragraph or an item of a list.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINE_MAX = 160

_ITEM = re.compile(r"(\s*)([*+-]|\d+\.) +")
_UNTOUCHED = re.compile(r"\s*(\||#|```|<|---|$)")
_SENTENCE_END = re.compile(r"""(?<=[.!?])([)"*_`”]*) +(?=["_“(\[]*[A-Z0-9`*])""")
_NO_END = re.compile(r"(\b(e\.g|i\.e|cf|vs|p|etc|No)|^\W*\d+)\.$")
_WHOLE = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)|\$\([^)]*\)")  #: never broken
_CLAUSE_ENDS = ("; ", ": ", ", ", " ")  #: where a long sentence goes on in the next line, the best place first
_ANYWHERE = (", ", " ")  #: these also inside brackets
_CLAUSE_LEAST = 60  #: a first part shorter than this is no help


def documents() -> list[Path]:
    """Return every document of the repository."""
    folders = ("docs", "benchmarks", "models", "tests")
    found = [*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))]
    return sorted(path for path in found if "node_modules" not in path.parts)  # others' documents


def in_form(text: str) -> str:
    """Return the document with one sentence per line."""
    return "\n".join(_lines(text.splitlines())) + "\n"


def _lines(lines: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        end = _end_of_block(lines, at)
        block = lines[at:end]
        yield from block if _stays(lines, at) else _paragraph(block)
        at = end


def _stays(lines: Sequence[str], at: int) -> bool:
    indented_code = (
        lines[at].startswith("    ") and not _ITEM.match(lines[at]) and (at == 0 or not lines[at - 1].strip())
    )
    return bool(_UNTOUCHED.match(lines[at])) or indented_code


def _end_of_block(lines: Sequence[str], at: int) -> int:
    """Return where the block of a line ends: code as a whole, a paragraph or item with what continues it."""
    end = at + 1
    if lines[at].lstrip().startswith("```"):
        while end < len(lines) and not lines[end].lstrip().startswith("```"):
            end += 1
        return end + 1
    if _stays(lines, at):
        while lines[at].startswith("    ") and end < len(lines) and lines[end].startswith("    "):
            end += 1
        return end
    while end < len(lines) and not _UNTOUCHED.match(lines[end]) and not _ITEM.match(lines[end]):
        end += 1
    return end


def _paragraph(block: Sequence[str]) -> Iterator[str]:
    found = _ITEM.match(block[0])
    first = found[0] if found else re.match(r"\s*", block[0])[0]  # type: ignore[index]
    rest = " " * len(first)
    words = " ".join([block[0][len(first) :], *(line.strip() for line in block[1:])])
    lead = first
    for sentence in _sentences(re.sub(r" +", " ", words).strip()):
        for part in _parts(sentence, LINE_MAX - len(first)):
            yield lead + part
            lead = rest


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for found in _SENTENCE_END.finditer(text):
        before = text[start : found.start()]
        if _NO_END.search(before) or _is_inside(text, found.start()):
            continue
        yield before + found[1]
        start = found.end()
    yield text[start:]


def _parts(sentence: str, width: int) -> Iterator[str]:
    while len(sentence) > width:
        cut = _cut(sentence, width)
        if cut is None:
            break
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
    yield sentence


def _cut(sentence: str, width: int) -> int | None:
    """Return where a sentence that is too long goes on in the next line; outside brackets, if it can."""
    for mark in _CLAUSE_ENDS:
        places = [found.end() for found in re.finditer(re.escape(mark), sentence[: width + 1])]
        good = [place for place in places if place >= _CLAUSE_LEAST and _may_begin_line(sentence, place)]
        outside = [place for place in good if sentence.count("(", 0, place) <= sentence.count(")", 0, place)]
        if outside or (good and mark in _ANYWHERE):
            return (outside or good)[-1]
    return None


def _may_begin_line(sentence: str, place: int) -> bool:
    rest = sentence[place:]
    return not (_is_inside(sentence, place) or _ITEM.match(rest) or _UNTOUCHED.match(rest))


def _is_inside(text: str, place: int) -> bool:
    return any(found.start() < place < found.end() for found in _WHOLE.finditer(text))


def main(arguments: Sequence[str]) -> int:
    """Complain about documents, or put them into form; return the exit code."""
    wrong = 0
    for path in documents():
        text = path.read_text()
        formed = in_form(text)
        if formed == text:
            continue
        wrong += 1
        print(f"{path.relative_to(ROOT)}: " + ("put into form" if "--fix" in arguments else "not in form: make format"))
        if "--fix" in arguments:
            path.write_text(formed)
    return int(wrong > 0 and "--fix" not in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
