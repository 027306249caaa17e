"""A gateway under test may be told to die at a chosen commit, by a package that only tests install.

Nothing here can do it: without a package that registers under this entry point there is no hook, whatever the settings.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import structlog

from proofgrid.store.database import Database

GROUP = "proofgrid.crash_hooks"  #: each names a function without arguments that returns a `Boundary`

log = structlog.get_logger(__name__)


def install_crash_hook(database: Database) -> None:
    """Give the database the installed hook, loudly; raise RuntimeError when there are several."""
    points = list(entry_points(group=GROUP))
    if not points:
        return
    if len(points) > 1:
        raise RuntimeError(f"several crash hooks are installed: {', '.join(sorted(point.value for point in points))}")
    log.critical(
        "crash_hook_active",
        hook=points[0].value,
        hint="this gateway is for tests: it may die at any moment, on purpose",
    )
    database.on_boundary = points[0].load()()
