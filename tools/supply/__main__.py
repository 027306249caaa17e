"""What is the project made of?

python -m tools.supply check          every package of every lock file has a hash and a licence that is allowed
python -m tools.supply bill FILE      write the bill of materials of what users install (CycloneDX 1.6, JSON)
python -m tools.supply learn          write licences.json anew out of what is installed here
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

from tools.supply.bill import bill_of, installed_with
from tools.supply.learning import learned
from tools.supply.licences import SHIPPED, STATED, TOOLS, UNKNOWN, refused, stated
from tools.supply.locks import PYPI, Package, Unpinned, lock_files, packages_of

ROOT = Path(__file__).parents[2]


def main(words: list[str]) -> int:
    """Do what the first word says; the exit status."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    try:
        packages = [one for lock in lock_files(ROOT, tracked) for one in packages_of(ROOT, lock)]
    except Unpinned as reason:
        print(reason, file=sys.stderr)
        return 1
    match words:
        case ["check"]:
            return _check(packages)
        case ["bill", place]:
            text = bill_of(importlib.metadata.version("proofgrid"), _shipped(packages), stated())
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            Path(place).write_text(text, encoding="utf-8")
            print(place)
            return 0
        case ["learn"]:
            return _learn(packages)
    print(__doc__, file=sys.stderr)
    return 2


def _shipped(packages: list[Package]) -> list[Package]:
    """What users install: the closure of proofgrid in Python, and the engines' own lock files."""
    python = installed_with("proofgrid")
    return [one for one in packages if (one.name in python if one.lock == PYPI else "/engines/" in one.lock)]


def _check(packages: list[Package]) -> int:
    of = stated()
    sentences = refused(_shipped(packages), of, SHIPPED) + refused(packages, of, TOOLS)
    for sentence in dict.fromkeys(sentences):
        print(sentence, file=sys.stderr)
    if not sentences:
        print(
            f"{len(packages)} packages of {len({one.lock for one in packages})} lock files, all with hash and licence"
        )
    return 1 if sentences else 0


def _learn(packages: list[Package]) -> int:
    known = stated() if STATED.exists() else {}
    found = {one.url: learned(ROOT, one) for one in packages}
    table = {url: known.get(url, UNKNOWN) if words == UNKNOWN else words for url, words in sorted(found.items())}
    STATED.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(f"{STATED.name}: {len(table)} packages, {sum(words == UNKNOWN for words in table.values())} unknown")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
