"""Who waits, and whose turn is next: each client's in turn, its oldest first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class FairLine(Generic[Item]):
    """The lines of all clients. Whose line is new comes last."""

    def __init__(self) -> None:
        self._arrived: OrderedDict[tuple[str, Item], None] = OrderedDict()
        self._lines: OrderedDict[str, OrderedDict[Item, None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._arrived)

    def __bool__(self) -> bool:
        return bool(self._arrived)

    def clients_with(self, client: str) -> int:
        """Return how many clients wait, this one included."""
        return len(self._lines) + (client not in self._lines)

    def of(self, client: str) -> int:
        """Return how many of a client's wait."""
        return len(self._lines.get(client, ()))

    def everybody(self) -> list[Item]:
        """Return all that wait, in the order in which they came."""
        return [item for _, item in self._arrived]

    def oldest(self) -> Item:
        """Return who waits longest. Somebody has to wait."""
        return next(iter(self._arrived))[1]

    def join(self, client: str, item: Item, *, first: bool = False) -> None:
        """Stand in line; `first`: before all others, and all others of the client."""
        self._arrived[client, item] = None
        line = self._lines.setdefault(client, OrderedDict())
        line[item] = None
        if first:
            self._arrived.move_to_end((client, item), last=False)
            line.move_to_end(item, last=False)

    def leave(self, client: str, item: Item) -> bool:
        """Wait no longer; say whether it did."""
        line = self._lines.get(client)
        if line is None or item not in line:
            return False
        del self._arrived[client, item], line[item]
        if not line:
            del self._lines[client]
        return True

    def clients(self) -> list[str]:
        """Return who waits, in the order of their turns."""
        return list(self._lines)

    def next(self, client: str | None = None) -> Item:
        """Return whose turn it is, or the next of one client that waits; its next turn comes after all others'.

        Somebody has to wait.
        """
        if client is None:
            client = next(iter(self._lines))
        item = next(iter(self._lines[client]))
        self.leave(client, item)
        if client in self._lines:
            self._lines.move_to_end(client)
        return item
