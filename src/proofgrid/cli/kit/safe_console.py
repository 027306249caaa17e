"""The one way from the command line to a terminal: it sees text, never what others hid in it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from proofgrid.primitives.plain_text import escaped


class SafeConsole(Console):
    """Spells what a terminal would act on, wherever it stands; colours and movements of its own are no text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, those inside of it included."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(escaped(segment.text), segment.style)
