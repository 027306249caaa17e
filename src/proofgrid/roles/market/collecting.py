"""Reads what waits in a stack's lanes and who is free, and locks the tasks that may be sold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.roles.market.book import Book, StackBook, demands_of, may_prove, slot_units_of
from proofgrid.roles.market.turns import free_of, take_free
from proofgrid.rules.jobs.classes import lane_order, stack_of
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.store.lanes import constraints_of, serves, sessions_of_stack
from proofgrid.store.queries import QUERIES

NOTHING_KNOWN: Mapping[str, Constraints] = {}
JOBS_PER_ROUND_MAX = 2_000
BOOK_TASKS_MIN = 32
BOOK_TASKS_MAX = 1_000
OTHER_CLIENTS = 32  #: that get a place in a book that one client's tasks would fill,
TASKS_OF_OTHERS = 4  #: of each


async def collect_stack(
    connection: Any, stack: str, lanes: Sequence[str], *, horizon_ms: int, silent_ms: int, newcomers_grow: bool = False
) -> StackBook:
    """Return what waits in these lanes, the tasks' rows locked, and the free provers that may have it."""
    if not lanes:
        return StackBook()
    sessions = await sessions_of_stack(connection, stack, silent_ms=silent_ms, newcomers_grow=newcomers_grow)
    free, elsewhere, skipped = await take_free(connection, sessions)
    opened, unserved = await _open(connection, sessions, free, lanes, horizon_ms)
    books = [await _collect(connection, book, _lock_tasks) for book in opened]
    return StackBook(
        [book for book in books if book.has_orders],
        skipped=skipped or any(book.skipped for book in books),
        unserved=unserved,
        elsewhere=elsewhere,
    )


async def peek_stack(
    connection: Any, sessions: Sequence[Any], lane: str, constraints: Constraints, *, horizon_ms: int
) -> StackBook:
    """Return the same for reading only, with this lane of these constraints even if nobody waits there.

    `sessions`: those that serve the lane's stack (`sessions_of_stack`).
    """
    rows = await connection.fetch(QUERIES["waiting_lanes"], stack_of(lane))
    lanes = {row["lane"] for row in rows} | {lane}
    asked = {lane: constraints}
    opened, _ = await _open(connection, sessions, free_of(sessions), sorted(lanes), horizon_ms, asked)
    books = [await _collect(connection, book, _peek_at_tasks) for book in opened]
    return StackBook([book for book in books if book.has_orders or book.lane == lane])


async def _open(
    connection: Any,
    sessions: Sequence[Any],
    free: Mapping[str, Any],
    lanes: Sequence[str],
    horizon_ms: int,
    known: Mapping[str, Constraints] = NOTHING_KNOWN,
) -> tuple[list[Book], list[str]]:
    """Return the empty books of the lanes that somebody who is free may serve, and the lanes that nobody may.

    `known`: constraints of lanes in which nobody has bid yet.
    """
    constraints = {**await constraints_of(connection, lanes), **known} if sessions else {}
    unserved = [lane for lane, wanted in constraints.items() if not any(serves(row, lane, wanted) for row in sessions)]
    books = []
    for lane in sorted(lanes, key=lane_order):
        wanted = constraints.get(lane, NO_CONSTRAINTS)
        able = {prover_id: row for prover_id, row in free.items() if serves(row, lane, wanted)}
        if able:
            books.append(Book(lane, able, slot_units_of(able, lane, horizon_ms=horizon_ms)))
    return books, unserved


FindTasks = Callable[[Any, Book, int], Awaitable[list[Any]]]


async def _collect(connection: Any, book: Book, find_tasks: FindTasks) -> Book:
    slots = sum(row["slots"] - row["busy"] for row in book.sessions.values())
    found = await find_tasks(connection, book, slots)
    tasks = [row for row in found if row["limit_price"] is not None]
    skipped = len(tasks) < len(found)
    if not tasks:
        return Book(book.lane, book.sessions, book.slot_units, skipped=skipped)
    jobs = await connection.fetch(
        QUERIES["jobs_for_sale"],
        [task["task_id"] for task in tasks],
        [task["limit_price"] for task in tasks],
        book.lane,
        slots // 2 + 1,  # a bid covers at most half of what is free
        JOBS_PER_ROUND_MAX,
    )
    wished = [job_id for task in tasks for job_id in task["wished"] or ()]
    wishes = await connection.fetch(QUERIES["wishes_for_sale"], wished) if wished else []
    return Book(
        book.lane,
        book.sessions,
        book.slot_units,
        tasks={str(task["task_id"]): task for task in tasks},
        demands=demands_of(book, tasks, jobs, await _in_flight(connection, book.lane, tasks)),
        jobs={str(job["job_id"]): job for job in jobs},
        wishes={str(wish["job_id"]): wish for wish in wishes if may_prove(wish, book)},
        skipped=skipped,
    )


async def _peek_at_tasks(connection: Any, book: Book, slots: int) -> list[Any]:
    tasks: list[Any] = await connection.fetch(QUERIES["tasks_for_sale"], book.lane, book_tasks(slots))
    return tasks


async def _lock_tasks(connection: Any, book: Book, slots: int) -> list[Any]:
    wanted = book_tasks(slots)
    provers = list(book.sessions)
    room = [row["memory_bytes"] - row["memory_busy"] for row in book.sessions.values()]
    found: list[Any] = await connection.fetch(QUERIES["lock_tasks_for_sale"], book.lane, wanted, provers, room)
    if len(found) < wanted:
        return found
    # The book is full. Somebody whose bid is as good may stand behind a flood of another client's.
    known = [row["task_id"] for row in found]
    # Drawn from somewhere on and then from the start: the flood's own client may be all there is behind that place.
    others: list[Any] = []
    for start in (f"0x{fresh_bytes(20).hex()}", ""):
        there = known + [row["task_id"] for row in others]
        others += await connection.fetch(
            QUERIES["lock_tasks_of_others"], book.lane, there, provers, room, OTHER_CLIENTS, start, TASKS_OF_OTHERS
        )
        if len({row["client"] for row in others}) >= OTHER_CLIENTS:
            break
    return found + others


async def _in_flight(connection: Any, lane: str, tasks: Sequence[Any]) -> Mapping[str, int]:
    """Return what the clients of a book have in flight; of one client alone nobody needs to know."""
    clients = {task["client"] for task in tasks}
    if len(clients) < 2:
        return {}
    rows = await connection.fetch(QUERIES["clients_in_flight"], lane, sorted(clients))
    return {row["client"]: row["jobs"] for row in rows}


def book_tasks(slots: int) -> int:
    """How many tasks a round looks at, from the best bid down, when so many slots are free.

    Every task bids for one job at least, so beyond the slots there is no room for more; twice as many leaves room for
    tasks that are locked or excluded. A bid below these cannot win: the clocks would ask it to leave first (0010).
    """
    return min(max(2 * slots, BOOK_TASKS_MIN), BOOK_TASKS_MAX)
