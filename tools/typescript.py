"""Write what the TypeScript client has of this project anew: `python -m tools.typescript`.

`python -m tools.openapi` does it too.

clients/typescript/src/codes.ts      our errors by their stable codes
clients/typescript/src/openapi.ts    types of the HTTP door's document (needs npm)
"""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

from proofgrid import primitives, rules
from proofgrid.primitives.error_codes import every_error

CLIENT = Path(__file__).parents[1] / "clients" / "typescript"
CODES = CLIENT / "src" / "codes.ts"
TYPES = CLIENT / "src" / "openapi.ts"
DOCUMENT = Path(__file__).parents[1] / "src" / "proofgrid" / "doors" / "http" / "openapi.json"

_HEAD = """\
// Made by `python -m tools.typescript`; do not edit.

/** Every stable code, and what the error is called in Python. */
export const ERROR_CODES = {
"""
_FOOT = """\
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
"""


def codes_text() -> str:
    """Return codes.ts as it is checked in."""
    homes = tuple(f"{package.__name__}." for package in (primitives, rules))
    for package in (primitives, rules):  # what is not imported has no errors yet
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    ours = {code: kind for code, kind in every_error().items() if kind.__module__.startswith(homes)}
    return _HEAD + "".join(f'  "{code}": "{kind.__name__}",\n' for code, kind in sorted(ours.items())) + _FOOT


def main() -> int:
    """Write both; the exit status."""
    CODES.write_text(codes_text(), encoding="utf-8")
    npm = shutil.which("npm")
    if npm is None:
        print(f"{TYPES} was not written: that needs Node.js and npm", file=sys.stderr)
        return 1
    if not (CLIENT / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=CLIENT, check=True)
    return subprocess.run([npm, "run", "--silent", "types"], cwd=CLIENT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
