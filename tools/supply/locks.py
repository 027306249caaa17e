"""Reads the lock files of four package managers into one list of packages.

Whatever is installed for users or tests stands in a lock file with a hash; a package without one is an error here.
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packageurl import PackageURL

PYPI = "requirements.lock"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NPM_HASHES = {"sha512": "SHA-512", "sha1": "SHA-1"}


@dataclass(frozen=True, slots=True)
class Package:
    """One version of one package, as a lock file pins it."""

    kind: str  # of the package manager, as package URLs spell it: pypi, npm, cargo, golang
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...]  # algorithm as CycloneDX spells it, hex
    lock: str  # the file that pins it, from the project's root
    only_go_sum: str = ""  # Go hashes folders, not files: an algorithm of its own, which CycloneDX has no name for

    @property
    def url(self) -> str:
        """The package URL without its version: whose licence it is."""
        space, _, name = self.name.rpartition("/")
        return PackageURL(self.kind, space or None, name).to_string()

    @property
    def versioned_url(self) -> str:
        """The package URL: what vulnerability databases are asked for."""
        space, _, name = self.name.rpartition("/")
        return PackageURL(self.kind, space or None, name, self.version).to_string()


class Unpinned(Exception):
    """A lock file names a package without a hash of what was downloaded."""

    def __init__(self, lock: str, name: str) -> None:
        super().__init__(f"{lock}: {name} has no hash; make the lock file again")


def packages_of(root: Path, lock: str) -> list[Package]:
    """What one lock file pins; raises Unpinned where a hash is missing, KeyError for a file of another kind."""
    reader = _READERS[Path(lock).name]
    found = list(reader(lock, (root / lock).read_text(encoding="utf-8")))
    for package in found:
        if not package.hashes and not package.only_go_sum:
            raise Unpinned(lock, package.name)
    return found


def lock_files(root: Path, tracked: list[str]) -> list[str]:
    """Which of the files that git holds are lock files, in their order."""
    return sorted(name for name in tracked if Path(name).name in _READERS and (root / name).exists())


def _pypi(lock: str, text: str) -> Iterator[Package]:
    for entry in text.replace("\\\n", " ").splitlines():
        if (found := _PINNED.match(entry)) is not None:
            name = re.sub(r"[-_.]+", "-", found[1]).lower()
            yield Package("pypi", name, found[2], tuple(("SHA-256", one) for one in _HASH.findall(entry)), lock)


def _npm(lock: str, text: str) -> Iterator[Package]:
    for place, entry in json.loads(text)["packages"].items():
        if place:
            name = place.rpartition("node_modules/")[2]
            algorithm, _, digest = entry.get("integrity", "").partition("-")
            hashes = ((_NPM_HASHES[algorithm], base64.b64decode(digest).hex()),) if digest else ()
            yield Package("npm", name, entry["version"], hashes, lock)


def _cargo(lock: str, text: str) -> Iterator[Package]:
    for entry in tomllib.loads(text)["package"]:
        if "source" in entry:  # ours has none
            hashes = (("SHA-256", entry["checksum"]),) if "checksum" in entry else ()
            yield Package("cargo", entry["name"], entry["version"], hashes, lock)


def _go(lock: str, text: str) -> Iterator[Package]:
    for line in text.splitlines():
        name, version, digest = line.split()
        if not version.endswith("/go.mod"):
            yield Package("golang", name, version, (), lock, only_go_sum=digest)


_READERS: dict[str, Callable[[str, str], Iterator[Package]]] = {
    PYPI: _pypi,
    "go-requirements.txt": _pypi,
    "node-requirements.txt": _pypi,
    "fuzz-requirements.txt": _pypi,
    "site-requirements.txt": _pypi,
    "package-lock.json": _npm,
    "Cargo.lock": _cargo,
    "go.sum": _go,
}
