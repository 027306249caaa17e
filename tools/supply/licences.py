"""Which licences the project may be built from, and which package has which.

`licences.json` says for every package of every lock file what its authors state, so that the check needs no network.
`python -m tools.supply learn` fills it from what is installed on this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from license_expression import AND, OR, ExpressionError, get_spdx_licensing

from tools.supply.locks import Package

STATED = Path(__file__).with_name("licences.json")
UNKNOWN = "unknown"

# Whoever gets proofgrid may use these parts as they use proofgrid.
SHIPPED = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-0"}
    | {"MIT-CMU", "PSF-2.0", "Unicode-3.0", "Unlicense", "Zlib", "LLVM-exception", "NCSA", "Python-2.0", "CC-BY-3.0"}
)
# Tools and tests may be under these as well: nothing of them is part of what users get.
TOOLS = SHIPPED | {"MPL-2.0", "LGPL-3.0-only", "LGPL-3.0-or-later", "LGPL-2.1-or-later"}

# Packages that neither list allows: why each is taken nevertheless.
_SNARKJS = "of snarkjs, which tests run as a program of its own; nothing of it is linked or shipped"
_MPL = "MPL-2.0 asks that its own files stay open: they are used unchanged, and their registry has them"
EXCUSED: dict[str, str] = {
    "pkg:cargo/priority-queue": _MPL,
    "pkg:cargo/pubgrub": _MPL,
    "pkg:cargo/version-ranges": _MPL,
    "pkg:pypi/certifi": _MPL,
    "pkg:pypi/ezkl": "its authors state no licence; users install it from PyPI, and nothing of it is shipped",
    "pkg:npm/circom2": "a compiler that demo and tests run as a program of its own; nothing of it is linked or shipped",
    "pkg:npm/circomlib": "circuits that tests compile; nothing of them is shipped",
} | {
    f"pkg:npm/{name}": _SNARKJS
    for name in (
        *("%40iden3/bigarray", "%40iden3/binfileutils", "fastfile", "ffjavascript", "r1csfile", "snarkjs"),
        *("wasmbuilder", "wasmcurves"),
    )
}

_LICENSING = get_spdx_licensing()


def stated(place: Path = STATED) -> dict[str, str]:
    """Package URL without version -> SPDX expression."""
    found: dict[str, str] = json.loads(place.read_text(encoding="utf-8"))
    return found


def refused(packages: Iterable[Package], of: Mapping[str, str], allowed: frozenset[str]) -> list[str]:
    """One sentence for each package whose licence is not known or not allowed, and that is not excused."""
    sentences = []
    for url in sorted({package.url for package in packages} - set(EXCUSED)):
        expression = of.get(url, UNKNOWN)
        if not permits(expression, allowed):
            sentences.append(f"{url}: {expression}, which is not allowed here; see tools/supply/licences.py")
    return sentences


def permits(expression: str, allowed: frozenset[str]) -> bool:
    """Can one choose among what the SPDX expression offers so that all that remains is allowed?"""
    try:
        parsed = _LICENSING.parse(expression)
    except ExpressionError:
        return False
    return parsed is not None and _holds(parsed, allowed)


def _holds(node: object, allowed: frozenset[str]) -> bool:
    if isinstance(node, OR):
        return any(_holds(one, allowed) for one in node.args)
    if isinstance(node, AND):
        return all(_holds(one, allowed) for one in node.args)
    # "Apache-2.0 WITH LLVM-exception" permits more than Apache-2.0 alone.
    return str(node).partition(" WITH ")[0] in allowed
