"""Lists in pages: each list of the SDK returns one page, and `every` goes through all of them.

async for task in every(lambda cursor: client.tasks(state="failed", cursor=cursor)):
    print(task.task_id)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from proofgrid.primitives.pages import Page

Entry = TypeVar("Entry")


async def every(ask: Callable[[str], Awaitable[Page[Entry]]]) -> AsyncGenerator[Entry, None]:
    """Yield every entry of a list, page by page; `ask` is given the cursor of each page, first an empty one."""
    cursor = ""
    while True:
        page = await ask(cursor)
        for entry in page:
            yield entry
        cursor = page.next_cursor
        if not cursor:
            return
