"""Takes man pages into the wheel where `make man` has written them: they land in share/man of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = Path("dist") / "man"


class ManPages(BuildHookInterface[Any]):
    """Hatchling's hook; an installation from the sources without `make man` has no pages, and nothing else differs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the pages to what the wheel brings for the environment; editable installations get none."""
        if version == "standard" and any((Path(self.root) / PAGES).glob("*.1")):
            build_data["shared_data"][str(PAGES)] = "share/man/man1"
