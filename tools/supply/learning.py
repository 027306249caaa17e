"""Reads what the authors of packages state of their licences, out of what is installed on this machine."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import tomllib
from pathlib import Path

from tools.supply.licences import UNKNOWN
from tools.supply.locks import Package

# Words of older Python metadata, and what SPDX calls them.
_SPOKEN = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd, public domain": "BSD-2-Clause",
    "gnu library or lesser general public license (lgpl)": "LGPL-3.0-or-later",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "lgpl": "LGPL-3.0-or-later",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
# What a licence's text cannot leave out.
_TEXTS = (
    ("Apache License", "Apache-2.0"),
    ("Permission is hereby granted, free of charge", "MIT"),
    ("Neither the name", "BSD-3-Clause"),
    ("Redistribution and use in source and binary forms", "BSD-2-Clause"),
)


def learned(root: Path, package: Package) -> str:
    """The SPDX expression that the package's authors state, or UNKNOWN where it is not at hand here."""
    return {"pypi": _pypi, "npm": _npm, "cargo": _cargo, "golang": _golang}[package.kind](root, package)


def _pypi(_root: Path, package: Package) -> str:
    try:
        about = importlib.metadata.metadata(package.name)
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN
    classifiers = [one.rpartition(" :: ")[2] for one in about.get_all("Classifier") or [] if one.startswith("License")]
    said: list[str] = [str(about[key]) for key in ("License-Expression", "License") if key in about]
    for words in (*said, *classifiers):
        if words and words != "UNKNOWN" and "\n" not in words.strip() and len(words) < 100:
            plain = str(words).strip()
            return _SPOKEN.get(plain.lower(), plain)
    files = importlib.metadata.distribution(package.name).files or ()
    texts = [str(one.read_text()) for one in files if one.name.startswith("LICENSE")]
    return next((spdx for words, spdx in _TEXTS for text in texts if words in text), UNKNOWN)


def _npm(root: Path, package: Package) -> str:
    for place, entry in json.loads((root / package.lock).read_text(encoding="utf-8"))["packages"].items():
        if place.rpartition("node_modules/")[2] == package.name and entry["version"] == package.version:
            return str(entry.get("license", UNKNOWN))
    return UNKNOWN


def _cargo(_root: Path, package: Package) -> str:
    for place in Path.home().glob(f".cargo/registry/src/*/{package.name}-{package.version}/Cargo.toml"):
        words = tomllib.loads(place.read_text(encoding="utf-8"))["package"].get("license", UNKNOWN)
        return str(words).replace("/", " OR ")
    return UNKNOWN


def _golang(_root: Path, package: Package) -> str:
    asked = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True)
    # Capitals are spelt with an exclamation mark in that cache, so that file systems without them hold it.
    name = re.sub("[A-Z]", lambda found: "!" + found[0].lower(), package.name)
    for place in sorted(Path(asked.stdout.strip()).glob(f"{name}@{package.version}/LICENSE*")):
        text = place.read_text(encoding="utf-8", errors="replace")
        return next((spdx for words, spdx in _TEXTS if words in text), UNKNOWN)
    return UNKNOWN
