"""Writes what is made of the table of metrics: the page of docs.

python -m tools.watch          # write all of it
python -m tools.watch --check  # is what is checked in what would be written? exit 1 where not
"""

from __future__ import annotations

import sys

from tools.watch.files import generated


def main() -> int:
    """Write or compare."""
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path}: python -m tools.watch")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(generated()[path], encoding="utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
