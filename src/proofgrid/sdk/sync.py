"""The client for programs without asyncio: the same calls, which block. One thread of its own runs the event loop.

with SyncClient("grpcs://one.example:7400,grpcs://two.example:7400", key) as client:
    proven = client.prove(program.digest, [pixels], Path("answer.bundle"), limit_price=1_500)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from proofgrid.primitives.signatures import Signer
from proofgrid.sdk.client import Client
from proofgrid.sdk.connection import OnBusy
from proofgrid.sdk.event import Event

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    call: Callable[Concatenate[Client, P], Coroutine[object, object, T]],
) -> Callable[Concatenate[SyncClient, P], T]:
    """Return the method of SyncClient that blocks until a method of Client is done."""

    def method(self: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(call(self._client, *args, **kwargs))

    method.__name__, method.__doc__ = call.__name__, call.__doc__
    return method


class SyncClient:
    """A client of one network, as `proofgrid.sdk.client.Client`, for one thread. Use as a context manager."""

    def __init__(
        self,
        gateways: str | Sequence[str],
        key: Signer | str,
        *,
        network: str | None = None,
        ca_file: Path | None = None,
        patience_seconds: float = 60.0,
        busy_seconds: float | None = None,
        on_busy: OnBusy | None = None,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proofgrid-client", daemon=True)
        self._thread.start()

        async def make() -> Client:
            return Client(
                gateways,
                key,
                network=network,
                ca_file=ca_file,
                patience_seconds=patience_seconds,
                busy_seconds=busy_seconds,
                on_busy=on_busy,
            )

        try:
            self._client = self._run(make())
        except BaseException:
            self._stop()
            raise

    register_program = _blocking(Client.register_program)
    submit = _blocking(Client.submit)
    quote = _blocking(Client.quote)
    buy_quote = _blocking(Client.buy_quote)
    quotes = _blocking(Client.quotes)
    prove = _blocking(Client.prove)
    wait = _blocking(Client.wait)
    task = _blocking(Client.task)
    tasks = _blocking(Client.tasks)
    cancel = _blocking(Client.cancel)
    cancel_tasks = _blocking(Client.cancel_tasks)
    replay_tasks = _blocking(Client.replay_tasks)
    fetch_result = _blocking(Client.fetch_result)
    program = _blocking(Client.program)
    programs = _blocking(Client.programs)
    account = _blocking(Client.account)
    set_low_balance = _blocking(Client.set_low_balance)
    quota = _blocking(Client.quota)
    rounds = _blocking(Client.rounds)
    sizes = _blocking(Client.sizes)
    status = _blocking(Client.status)
    subnetworks = _blocking(Client.subnetworks)
    operators = _blocking(Client.operators)
    facts = _blocking(Client.facts)

    def watch(self, task_id: str, *, cursor: int = 0) -> Iterator[Event]:
        """Yield every event of a task after `cursor` once, in order, until it ends; survives lost connections."""
        events = self._client.watch(task_id, cursor=cursor)
        try:
            while (event := self._run(_next(events))) is not None:
                yield event
        finally:
            self._run(_close(events))

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread."""
        self._run(self._client.connection.close())
        self._stop()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C here ends the call there
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(events: AsyncGenerator[Event, None]) -> Event | None:
    return await anext(events, None)


async def _close(events: AsyncGenerator[Event, None]) -> None:
    await events.aclose()
