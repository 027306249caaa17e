"""Reads what waits in a stack's lanes and who is free, and locks the tasks that may be sold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.ids import ProverId, TaskId
from proofgrid.roles.market.book import Book, StackBook, demands_of, may_prove
from proofgrid.roles.market.turns import free_of, take_free
from proofgrid.rules.jobs.classes import lane_order, stack_of
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.waiting import Demand, nearest
from proofgrid.store.book import (
    CHEAP_JOBS,
    CLIENTS_IN_FLIGHT,
    JOBS_FOR_SALE,
    LOCK_TASKS_FOR_SALE,
    LOCK_TASKS_OF_OTHERS,
    TASKS_FOR_SALE,
    WAITING_LANES,
    WISHES_FOR_SALE,
    CheapJob,
    TaskForSale,
    WishForSale,
    room_columns,
    room_of_all,
)
from proofgrid.store.connection import Connection
from proofgrid.store.lanes import (
    ServingProver,
    constraints_of,
    fitness_of,
    lacks,
    price_of,
    provers_of_stack,
    serves,
)

NOTHING_KNOWN: Mapping[str, Constraints] = {}
JOBS_PER_ROUND_MAX = 2_000
BOOK_TASKS_MIN = 32
BOOK_TASKS_MAX = 1_000
COUNT_FROM_TASKS = 64  #: where a round looks at more, it counts those whose bids are below every ask
OTHER_CLIENTS = 32  #: that get a place in a book that one client's tasks would fill,
TASKS_OF_OTHERS = 4  #: of each


async def collect_stack(
    connection: Connection,
    stack: str,
    lanes: Sequence[str],
    *,
    horizon_ms: int,
    silent_ms: int,
    newcomer_slots: int,
) -> StackBook:
    """Return what waits in these lanes, the tasks' rows locked, and the free provers that may have it."""
    if not lanes:
        return StackBook()
    provers = await provers_of_stack(connection, stack, silent_ms=silent_ms, newcomer_slots=newcomer_slots)
    free, elsewhere, skipped = await take_free(connection, provers)
    opened, unserved = await _open(connection, provers, free, lanes, horizon_ms)
    books = [await _collect(connection, book, _lock_tasks) for book in opened]
    return StackBook(
        [book for book in books if book.has_orders],
        skipped=skipped or any(book.skipped for book in books),
        unserved=unserved,
        elsewhere=elsewhere,
    )


async def peek_stack(
    connection: Connection, provers: Sequence[ServingProver], lane: str, constraints: Constraints, *, horizon_ms: int
) -> StackBook:
    """Return the same for reading only, with this lane of these constraints even if nobody waits there.

    `provers`: those that serve the lane's stack (`provers_of_stack`).
    """
    lanes = {*await connection.fetch(WAITING_LANES, stack=stack_of(lane)), lane}
    asked = {lane: constraints}
    opened, _ = await _open(connection, provers, free_of(provers), sorted(lanes), horizon_ms, asked)
    books = [await _collect(connection, book, _peek_at_tasks) for book in opened]
    return StackBook([book for book in books if book.has_orders or book.lane == lane])


async def _open(
    connection: Connection,
    provers: Sequence[ServingProver],
    free: Mapping[ProverId, ServingProver],
    lanes: Sequence[str],
    horizon_ms: int,
    known: Mapping[str, Constraints] = NOTHING_KNOWN,
) -> tuple[list[Book], dict[str, tuple[Demand, ...]]]:
    """Return the empty books of the lanes that somebody who is free may serve, and of those that nobody may what lacks.

    `known`: constraints of lanes in which nobody has bid yet.
    """
    constraints = {**await constraints_of(connection, lanes), **known} if provers else {}
    unserved: dict[str, tuple[Demand, ...]] = {}
    for lane, wanted in constraints.items():
        if all(lacked := [lacks(one, lane, wanted) for one in provers]):
            unserved[lane] = nearest(lacked)
    books = []
    for lane in sorted(lanes, key=lane_order):
        wanted = constraints.get(lane, NO_CONSTRAINTS)
        able = {prover_id: prover for prover_id, prover in free.items() if serves(prover, lane, wanted)}
        if able:
            books.append(
                Book(
                    lane,
                    able,
                    fitness_of(able.values(), lane, horizon_ms=horizon_ms),
                    cheapest_ask=min(price_of(prover, lane) for prover in provers if serves(prover, lane, wanted)),
                    cheapest_free_ask=min(price_of(prover, lane) for prover in able.values()),
                )
            )
    return books, unserved


@dataclass(frozen=True, slots=True)
class _Found:
    """The tasks that a book is made of."""

    tasks: Sequence[TaskForSale]
    cheap: Sequence[CheapJob] = ()  #: of further tasks, all below every ask


FindTasks = Callable[[Connection, Book, int], Awaitable[_Found]]


async def _collect(connection: Connection, book: Book, find_tasks: FindTasks) -> Book:
    slots = sum(prover.free_slots for prover in book.provers.values())
    found = await find_tasks(connection, book, slots)
    tasks = [task for task in found.tasks if task.is_free]
    skipped = len(tasks) < len(found.tasks)
    wished = [job_id for task in tasks for job_id in task.wished or ()]
    wishes = await connection.fetch(WISHES_FOR_SALE, jobs=wished) if wished else []
    counted, named = _counted(found, wishes)
    tasks += named
    if not tasks:
        return replace(book, counted=counted, skipped=skipped)
    jobs = await connection.fetch(
        JOBS_FOR_SALE,
        tasks=[task.task_id for task in tasks],
        limit_prices=[task.limit_price for task in tasks],
        lane=book.lane,
        of_each=slots // 2 + 1,  # a bid covers at most half of what is free
        limit=JOBS_PER_ROUND_MAX,
    )
    return replace(
        book,
        tasks={str(task.task_id): task for task in tasks},
        demands=demands_of(book, tasks, jobs, await _in_flight(connection, book.lane, tasks)),
        jobs={str(job.job_id): job for job in jobs},
        wishes={str(wish.job_id): wish for wish in wishes if may_prove(wish, book)},
        counted=counted,
        skipped=skipped,
    )


def _counted(found: _Found, wishes: Sequence[WishForSale]) -> tuple[dict[TaskId, CheapJob], list[TaskForSale]]:
    """Return which cheap tasks are counted, and those that enter by name: of several jobs, for some provers only, or at
    the price of such a one. None of them can be sold, so no row needs a lock.
    """
    known = {task.task_id for task in found.tasks}
    cheap = [job for job in found.cheap if job.task_id not in known]
    jobs = Counter([job.task_id for job in cheap])
    by_name = {job.limit_price for job in cheap if not job.is_plain or jobs[job.task_id] > 1}
    by_name |= {task.limit_price for task in found.tasks} | {wish.hedge_price for wish in wishes}
    named = {
        job.task_id: TaskForSale(job.task_id, None, job.program_digest, job.limit_price, job.client, is_free=True)
        for job in cheap
        if job.limit_price in by_name
    }
    return {job.task_id: job for job in cheap if job.task_id not in named}, list(named.values())


async def _peek_at_tasks(connection: Connection, book: Book, slots: int) -> _Found:
    return _Found(await connection.fetch(TASKS_FOR_SALE, lane=book.lane, limit=book_tasks(slots)))


async def _lock_tasks(connection: Connection, book: Book, slots: int) -> _Found:
    able = room_columns(book.fitness)
    of_all = room_of_all(book.fitness)
    enough, most = slots + 1, book_tasks(slots)
    # An eighth more is for tasks that somebody else is changing at this moment.
    looks = sorted({min(max(enough + slots // 8, BOOK_TASKS_MIN), most), most})
    counts = looks[0] > COUNT_FROM_TASKS
    for wanted in looks:
        found = await connection.fetch(
            LOCK_TASKS_FOR_SALE,
            lane=book.lane,
            limit=wanted,
            enough=enough,
            most=most,
            least=book.cheapest_free_ask if counts else 0,
            **able,
            **of_all,
        )
        if len(found) < wanted:
            below = {"below": book.cheapest_free_ask, "limit": wanted + 1}
            cheap = await connection.fetch(CHEAP_JOBS, lane=book.lane, **below, **able, **of_all) if counts else []
            # Of the last task more jobs may follow than were looked at.
            return _Found(found, cheap if len(cheap) <= wanted else _without_last(cheap))
        if len(found) - sum(task.is_free for task in found) <= wanted - enough:
            break
    # The book is full. Somebody whose bid is as good may stand behind a flood of another client's.
    known = [task.task_id for task in found]
    # Drawn from somewhere on and then from the start: the flood's own client may be all there is behind that place.
    others: list[TaskForSale] = []
    for start in (f"0x{fresh_bytes(20).hex()}", ""):
        others += await connection.fetch(
            LOCK_TASKS_OF_OTHERS,
            lane=book.lane,
            known=known + [task.task_id for task in others],
            **able,
            clients=OTHER_CLIENTS,
            start=start,
            of_each=TASKS_OF_OTHERS,
        )
        if len({task.client for task in others}) >= OTHER_CLIENTS:
            break
    return _Found(found + others)


def _without_last(cheap: Sequence[CheapJob]) -> list[CheapJob]:
    return [job for job in cheap if job.task_id != cheap[-1].task_id]


async def _in_flight(connection: Connection, lane: str, tasks: Sequence[TaskForSale]) -> Mapping[str, int]:
    """Return what the clients of a book have in flight; of one client alone nobody needs to know."""
    clients = {task.client for task in tasks}
    if len(clients) < 2:
        return {}
    in_flight = await connection.fetch(CLIENTS_IN_FLIGHT, lane=lane, clients=sorted(clients))
    return {one.client: one.jobs for one in in_flight}


def book_tasks(slots: int) -> int:
    """How many tasks a round looks at at most, from the best bid down, when so many slots are free.

    Every task bids for one job at least, so beyond the slots there is no room for more. A bid below these cannot win:
    the clocks would ask it to leave first, and prices and winners are the same without it (0010, 0044). So a round
    looks at a few more than it has slots; where these do not suffice, or bid the same and shares decide who comes
    first, at twice as many.
    """
    return min(max(2 * slots, BOOK_TASKS_MIN), BOOK_TASKS_MAX)
