"""`make house`: what the house is made of, folder by folder, and whether it keeps to its measures.

    python -m tools.measure_house [--json | --repeated | --quiet]

Counted are files, lines, functions longer than 60 lines, files longer than 400, uses of `Any`, `row["…"]`, and
runs of six or more lines that stand somewhere else too. Exits 1 when a measure is not kept. What may be longer stands
in `LONGER`, with the reason; one that is no longer needed is a complaint too. `--repeated` shows what stands twice;
`--quiet` says no more than what is not kept.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("src/proofgrid", "tests", "benchmarks", "models", "tools")
GENERATED = "src/proofgrid/wire/v1/"

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
ANY_IN_SRC_MAX = 150
HEADS = ("files", "lines", "functions > 60", "files > 400", "Any", "row[", "repeated")
REPEATED_LINES = 6  #: a shorter run that stands twice is no duplicate

_STORIES = "tests/acceptance"
_PUBLIC_RECORD = "test_a_day_of_rounds_is_exported_replayed_offline_and_opened_by_its_owners"
_SLASHING = "test_a_cheater_is_slashed_its_rescuer_paid_and_anybody_can_verify_the_lie"

#: file, or file:function -> why it may be longer
LONGER: Mapping[str, str] = {
    "tests/acceptance/scenarios/crash_drivers.py": "a table in code: how each named transaction is reached",
    f"{_STORIES}/test_public_record.py:{_PUBLIC_RECORD}": "one story: each step needs what the one before left",
    f"{_STORIES}/test_slashing.py:{_SLASHING}": "one story: each step needs what the one before left",
    "tests/proofs/bundles/test_bundle.py": "every way to forge a bundle, of one bundle that is made once",
}

#: folder -> why its rows are not those of the database
OTHER_ROWS: Mapping[str, str] = {
    "src/proofgrid/store/": "the database's own adapter",
    "src/proofgrid/simulation/": "rows of reports; it may not import the store",
    "src/proofgrid/cli/": "rows of reports and tables; it reads what the SDK gives",
}

#: a comment, or the declaration of a name: rows spell their columns, and whoever fits a Protocol its parameters
_SAYS_NOTHING = re.compile(r"#.*|\w+: [^=]*|self,|\*,")
_ROW = re.compile(r"""\b\w*row\[["']""")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of Python that somebody wrote."""

    path: str  #: from the repository's root
    lines: list[str]
    functions: dict[str, int]  #: longer than they should be -> lines
    any_count: int
    row_count: int


@dataclass(frozen=True, slots=True)
class House:
    """The sums of every folder, by the names of `HEADS`, and what is wrong with them."""

    folders: dict[str, Counter[str]]
    complaints: list[str]


def measure() -> House:
    """Read every source of the repository and judge it."""
    sources = list(_sources())
    repeated = _repeated_runs(sources)
    folders: dict[str, Counter[str]] = defaultdict(Counter)
    for source in sources:
        folders[_folder_of(source.path)] += Counter(_counts(source, len(repeated[source.path])))
    return House(dict(sorted(folders.items())), [*_too_long(sources), *_untyped(sources)])


def _counts(source: Source, repeated: int) -> dict[str, int]:
    return {
        "files": 1,
        "lines": len(source.lines),
        "functions > 60": len(source.functions),
        "files > 400": int(len(source.lines) > FILE_LINES_MAX),
        "Any": source.any_count,
        "row[": source.row_count,
        "repeated": repeated,
    }


def _sources() -> Iterator[Source]:
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(GENERATED):
                yield _read(name, path.read_text())


def _read(name: str, text: str) -> Source:
    tree = ast.parse(text)
    functions = {}
    for path, node in _functions(tree, ""):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            functions[path] = lines
    any_count = sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(tree))
    return Source(name, text.splitlines(), functions, any_count, len(_ROW.findall(text)))


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            path = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield path, child
            yield from _functions(child, f"{path}.")
        else:
            yield from _functions(child, prefix)


def _folder_of(path: str) -> str:
    parts = Path(path).parts
    depth = 3 if parts[0] == "src" else 2
    return "/".join(parts[:-1][:depth])


def _repeated_runs(sources: Sequence[Source]) -> dict[str, list[str]]:
    """Return, per file, the stretches of lines that stand elsewhere too; imports and declarations aside."""
    windows: Counter[str] = Counter()
    texts = {source.path: _telling_lines("\n".join(source.lines)) for source in sources}
    for lines in texts.values():
        windows.update(_windows(lines))
    runs: dict[str, list[str]] = defaultdict(list)
    for path, lines in texts.items():
        before = False
        for window in _windows(lines):
            if windows[window] > 1 and not before:
                runs[path].append(window)
            before = windows[window] > 1
    return runs


def _windows(lines: list[str]) -> Iterator[str]:
    for start in range(len(lines) - REPEATED_LINES + 1):
        yield "\n".join(lines[start : start + REPEATED_LINES])


def _telling_lines(text: str) -> list[str]:
    tree = ast.parse(text)
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    silent = {line for node in imports for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = enumerate((line.strip() for line in text.splitlines()), start=1)
    return [line for number, line in lines if line and number not in silent and not _SAYS_NOTHING.fullmatch(line)]


def _too_long(sources: Sequence[Source]) -> Iterator[str]:
    unused = set(LONGER)
    for source in sources:
        found = {f"{source.path}:{name}": lines for name, lines in source.functions.items()}
        if len(source.lines) > FILE_LINES_MAX:
            found[source.path] = len(source.lines)
        for name, lines in found.items():
            unused.discard(name)
            if name not in LONGER:
                yield f"{name} has {lines} lines"
    yield from (f"{name} need not be excused any more" for name in sorted(unused))


def _untyped(sources: Sequence[Source]) -> Iterator[str]:
    src = [source for source in sources if source.path.startswith("src/")]
    if (found := sum(source.any_count for source in src)) > ANY_IN_SRC_MAX:
        yield f"`Any` stands {found} times in src; at most {ANY_IN_SRC_MAX}"
    for source in src:
        if source.row_count and not source.path.startswith(tuple(OTHER_ROWS)):
            yield f'{source.path} reads rows by name {source.row_count} times (`row["…"]`): only the store may'


def main(arguments: Sequence[str]) -> int:
    """Print the table and the complaints; return the exit code."""
    if "--repeated" in arguments:
        for path, runs in _repeated_runs(list(_sources())).items():
            for run in runs:
                print(f"{path}:\n    " + run.replace("\n", "\n    "))
        return 0
    house = measure()
    if "--json" in arguments:
        print(json.dumps(asdict(house), indent=2))
        return bool(house.complaints)
    if "--quiet" not in arguments:
        print(f"{'folder':<28}" + "".join(f"{head:>15}" for head in HEADS))
        for name, counts in [*house.folders.items(), *_totals(house.folders)]:
            print(f"{name:<28}" + "".join(f"{counts[head]:>15,}" for head in HEADS))
    for complaint in house.complaints:
        print(complaint)
    print("the house keeps to its measures" if not house.complaints else f"{len(house.complaints)} complaints")
    return bool(house.complaints)


def _totals(folders: Mapping[str, Counter[str]]) -> Iterator[tuple[str, Counter[str]]]:
    for name, start in (("src in all", "src/"), ("in all", "")):
        yield name, sum((counts for folder, counts in folders.items() if folder.startswith(start)), Counter())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
