"""Counts which ONNX files of a folder are read, and which are refused for what reason.

python -m tools.count_models FOLDER
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from proofgrid.primitives.errors import InvalidRequest
from proofgrid.proofs.systems.ezkl.model.loading import load_model


def main(folder: Path) -> int:
    """Say it file by file, then in all; return 1 when a file failed without a reason."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.onnx")):
        verdict, words = _verdict(path)
        counts[verdict] += 1
        print(f"{verdict:8} {path.relative_to(folder)} {words}")
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in ("read", "refused", "failed")))
    return 1 if counts["failed"] else 0


def _verdict(path: Path) -> tuple[str, str]:
    try:
        model = load_model(path)
    except InvalidRequest as reason:
        return "refused", str(reason)
    except Exception as reason:
        return "failed", repr(reason)
    return "read", f"{len(model.nodes)} nodes"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
