"""How much there is of something now, by name: what goes up and down, where the seam counts what happens."""

from __future__ import annotations

from collections.abc import Iterator


class Levels:
    """The last value under each name, kept in this process. Names end in their unit: `prover_keys_bytes`."""

    def __init__(self) -> None:
        self._by_name: dict[str, int] = {}

    def set(self, **values: int) -> None:
        """Note how much there is now."""
        self._by_name |= values

    def of(self, name: str) -> int:
        """Return the last value under a name, zero when there was none."""
        return self._by_name.get(name, 0)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(sorted(self._by_name.items()))


levels = Levels()
