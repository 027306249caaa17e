"""Links between documents, as they are on the site: a document that is a page there is linked, code is named only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

_FENCE = re.compile(r"^(\s*)(```|~~~)")
_LINK = re.compile(r"(!?)\[([^\]]*(?:\[[^\]]*\][^\]]*)*)\]\(([^)\s]+)\)")
_CODE = re.compile(r"(`[^`]*`)")
_DECISION = re.compile(r"(?<![\w/\[`.])docs/decisions/(\d{4})(?![\w-])")
_DOCUMENT = re.compile(r"(?<![\w/\[`.])docs/([a-z0-9_-]+)\.md(?![\w-])")
_ITEM = re.compile(r"\s*([*+-]|\d+\.) +")


def arranged(text: str, source: str, place: str, places: Mapping[str, str]) -> tuple[str, set[str]]:
    """Return a document as a page at `place`, and the files besides documents that it shows.

    `places` says where each document of the repository stands on the site.
    """
    shown: set[str] = set()

    def linked(found: re.Match[str]) -> str:
        return _linked(found, source, place, places, shown)

    lines = _outside_of_code(text, lambda line: _prose(line, linked, place, places))
    return _lists_apart(lines), shown


def _outside_of_code(text: str, change: Callable[[str], str]) -> list[str]:
    """Return the lines, those outside of fenced code changed."""
    lines = []
    is_code = False
    for line in text.splitlines():
        if _FENCE.match(line):
            is_code = not is_code
            lines.append(line)
        else:
            lines.append(line if is_code else change(line))
    return lines


def _prose(line: str, linked: Callable[[re.Match[str]], str], place: str, places: Mapping[str, str]) -> str:
    parts = _CODE.split(_LINK.sub(linked, line))
    return "".join(part if part.startswith("`") else _named(part, place, places) for part in parts)


def _named(text: str, place: str, places: Mapping[str, str]) -> str:
    """Documents that are named in passing become links."""

    def decision(found: re.Match[str]) -> str:
        name = next((one for one in places if one.startswith(f"docs/decisions/{found[1]}-")), "")
        return f"[decision {found[1]}]({relative(places[name], place)})" if name else found[0]

    def document(found: re.Match[str]) -> str:
        name = f"docs/{found[1]}.md"
        return f"[{found[1]}]({relative(places[name], place)})" if name in places else found[0]

    return _DOCUMENT.sub(document, _DECISION.sub(decision, text))


def _linked(found: re.Match[str], source: str, place: str, places: Mapping[str, str], shown: set[str]) -> str:
    is_image, words, target = found.groups()
    if "://" in target or target.startswith(("#", "mailto:")):
        return found[0]
    path, hash_mark, part = target.partition("#")
    name = os.path.normpath(PurePosixPath(source).parent / path)
    if is_image:
        shown.add(name)
        return f"![{words}]({relative(asset_place(name), place)})"
    page = places.get(name) or places.get(f"{name}/README.md")
    if page is not None:
        return f"[{words}]({relative(page, place)}{hash_mark}{part})"
    return words if words.startswith("`") else f"{words} (`{name}`)"


def asset_place(name: str) -> str:
    """Return where a picture of the repository lies on the site."""
    return f"assets/{PurePosixPath(name).name}"


def relative(target: str, place: str) -> str:
    """Return the way from one page to another."""
    return os.path.relpath(target, PurePosixPath(place).parent)


def _lists_apart(lines: list[str]) -> str:
    """Markdown of the site begins a list after an empty line only, ours in the line after its sentence too."""
    apart: list[str] = []
    is_code = is_list = False
    for line in lines:
        if _FENCE.match(line):
            is_code = not is_code
        elif not is_code and _ITEM.match(line):
            if not is_list and apart and apart[-1].strip():
                apart.append("")
            is_list = True
        elif not line.strip():
            is_list = False
        apart.append(line)
    return "\n".join(apart) + "\n"
