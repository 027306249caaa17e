"""A client's tasks, many at a time: found, cancelled, replayed."""

from __future__ import annotations

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.pages import Page
from proofgrid.sdk.answers.reading import read, read_page
from proofgrid.sdk.answers.work import ActedOnTasks, Task
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import client_pb2 as messages


class OwnTasks:
    """A part of `Client`."""

    connection: Connection

    async def tasks(
        self,
        *,
        state: str = "",
        begins: str = "",
        program: str = "",
        tag: str = "",
        since_ms: int = 0,
        until_ms: int = 0,
        limit: int = 100,
        cursor: str = "",
    ) -> Page[Task]:
        """Return a page of your tasks, newest first, without their jobs: those of which all that is said is true.

        `begins`: the first hex digits of their ids. `program`: a whole digest. `since_ms`, `until_ms`: when they were
        made. `cursor`: `next_cursor` of the page before; `sdk.paging.every` goes through all pages.
        """
        request = messages.ListTasksRequest(
            state=state,
            begins=begins,
            program_digest=program,
            tag=tag,
            since_ms=since_ms,
            until_ms=until_ms,
            limit=limit,
            cursor=cursor,
        )
        answer = await self.connection.ask(lambda services: services.client.ListTasks, request)
        return read_page(Task, answer.tasks, answer.next_cursor)

    async def cancel_tasks(
        self,
        *,
        state: str = "",
        program: str = "",
        tag: str = "",
        since_ms: int = 0,
        until_ms: int = 0,
        limit: int = 100,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> ActedOnTasks:
        """Cancel the open tasks that a filter finds, newest first, `limit` at most; what is not spent is refunded.

        `dry_run` changes nothing and says how many there are. The same idempotency key is the same act, on the same
        tasks, however often it is asked for.
        """
        request = messages.CancelTasksRequest(
            filter=_filter(state, program, tag, since_ms, until_ms),
            limit=limit,
            dry_run=dry_run,
            idempotency_key=idempotency_key or fresh_bytes(16).hex(),
        )
        return read(ActedOnTasks, await self.connection.ask(lambda services: services.client.CancelTasks, request))

    async def replay_tasks(
        self,
        *,
        state: str = "",
        program: str = "",
        tag: str = "",
        since_ms: int = 0,
        until_ms: int = 0,
        limit: int = 100,
        limit_price: int = 0,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> ActedOnTasks:
        """Make new tasks of those that failed or were cancelled, with the same inputs and tags; each is replayed once.

        `limit_price`: most base units per PU; 0: a fifth above what the market says. What cannot be replayed is in the
        answer with its reason. Else as `cancel_tasks`.
        """
        request = messages.ReplayTasksRequest(
            filter=_filter(state, program, tag, since_ms, until_ms),
            limit=limit,
            limit_price=limit_price,
            dry_run=dry_run,
            idempotency_key=idempotency_key or fresh_bytes(16).hex(),
        )
        answer = await self.connection.ask_in_turn(lambda services: services.client.ReplayTasks, request)
        return read(ActedOnTasks, answer)


def _filter(state: str, program: str, tag: str, since_ms: int, until_ms: int) -> messages.TaskFilter:
    return messages.TaskFilter(state=state, program_digest=program, tag=tag, since_ms=since_ms, until_ms=until_ms)
