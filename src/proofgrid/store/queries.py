"""SQL is written in SQL: named queries, read once from `queries/*.sql`.

-- name: lease_next
-- Take the oldest matched job of this prover, skipping rows another dispatcher holds
UPDATE ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAME_LINE = re.compile(r"^--\s*name:\s*(.*?)\s*$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Queries(Mapping[str, str]):
    """SQL text by query name; cannot be changed."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise KeyError(f"no query is named {name!r} in queries/*.sql") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def load_queries(directory: Path) -> Queries:
    """Read every `*.sql` file below `directory`; raise ValueError for a query without name, without SQL, or twice."""
    texts: dict[str, str] = {}
    for path in sorted(directory.rglob("*.sql")):
        for name, text in _split(path):
            if name in texts:
                raise ValueError(f"{path.name}: query {name!r} is defined twice")
            texts[name] = text
    return Queries(texts)


def _split(path: Path) -> Iterator[tuple[str, str]]:
    head, *rest = _NAME_LINE.split(path.read_text(encoding="utf-8"))
    if _sql_of(head):
        raise ValueError(f"{path.name}: SQL before the first '-- name:' line")
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{path.name}: {name!r} is no query name (lower case, digits, underscores)")
        if not _sql_of(body):
            raise ValueError(f"{path.name}: query {name!r} has no SQL")
        # The name line stays, so that pg_stat_activity says which query is running.
        yield name, f"-- name: {name}\n{body.strip()}"


def _sql_of(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--"))


QUERIES = load_queries(Path(__file__).parent / "queries")
