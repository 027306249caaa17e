"""Some worker processes, and the calls that wait for one: who is next says `primitives/turns.py`.

call --waits--> its turn --an idle worker--> runs --reply--> over
                                              |--its time is over, or nobody wants it any more--> worker killed
                                              `--worker died--> JobCrashed; unread by a worker that died: its turn again
"""

from __future__ import annotations

import asyncio

from proofgrid.primitives.errors import JobCrashed, JobTimedOut, JobTookTooMuch
from proofgrid.primitives.turns import Shares, Turns, Urgency, Waiting
from proofgrid.proofs.kit.engine import exit_text
from proofgrid.proofs.pool.child import WorkerSettings
from proofgrid.proofs.pool.holding import Written
from proofgrid.proofs.pool.process import WorkerProcess

#: A call that nobody wants any more may run so long in all: to end a worker costs more than most calls.
UNWANTED_SECONDS = 0.5
_ATTEMPTS = 3  #: of a call that workers left unread, and of starting a worker

Outcome = tuple[bool, bytes]  #: is it a result, or an error, pickled


class Crew:
    """At most `places` processes. One is started when all others are busy, if a call could use it or `spare` is set."""

    def __init__(
        self, places: int, shares: Shares, settings: WorkerSettings, *, spare: bool, idle_seconds: float | None
    ) -> None:
        """`idle_seconds`: so long after the last call the processes end; None: they stay."""
        self._places = places
        self._settings = settings
        self._spare = spare
        self._idle_seconds = idle_seconds
        self._turns: Turns[_Call] = Turns(places, shares)
        self._starting: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []  #: used last comes last
        self._running: dict[WorkerProcess, _Call] = {}
        self._ending: set[WorkerProcess] = set()
        self._failed_starts = 0
        self._resting: asyncio.TimerHandle | None = None
        self._all_ended = asyncio.Event()
        self._closed = False

    async def run(self, written: Written, *, timeout_seconds: float, urgency: Urgency, client: str) -> Outcome:
        """Carry out a call when its turn comes. Raises JobCrashed, JobTimedOut."""
        if self._closed:
            raise JobCrashed("the workers were closed")
        loop = asyncio.get_running_loop()
        call = _Call(written, timeout_seconds, loop.create_future())
        waiting = self._turns.wait(call, urgency, client, loop.time())
        self._dispatch()
        try:
            return await call.outcome
        finally:
            if call.outcome.cancelled() and not self._turns.withdraw(waiting):
                self._unwant(call)

    def waiting_seconds(self) -> dict[Urgency, float]:
        """Return how long the oldest call of each urgency has waited."""
        return self._turns.waiting_seconds(asyncio.get_running_loop().time())

    async def close(self) -> None:
        """Kill all workers; calls end with JobCrashed."""
        self._closed = True
        for waiting in self._turns.everybody():
            self._turns.withdraw(waiting)
            waiting.item.fail(JobCrashed("the workers were closed"))
        for worker in [*self._starting, *self._idle, *self._running]:
            worker.kill()
        while self._ending:
            self._all_ended.clear()
            await self._all_ended.wait()

    # --- from waiting to running ---------------------------------------------------------------------

    def _dispatch(self) -> None:
        if self._closed:
            return
        while self._idle and (waiting := self._turns.next()) is not None:
            self._begin(waiting)
        if self._idle or self._starting:
            return
        there = self._running.keys() | self._ending
        if len(there) < self._places and (self._spare or self._turns.could_use_a_place()):
            self._start()

    def _start(self) -> None:
        try:
            worker = WorkerProcess(
                self._settings,
                on_ready=self._free,
                on_reply=self._reply,
                on_leave=self._leave,
                on_end=self._ended,
            )
        except OSError as reason:
            self._give_up(f"no worker process can be started: {reason}")
            return
        self._starting.add(worker)

    def _begin(self, waiting: Waiting[_Call]) -> None:
        call = waiting.item
        worker = self._worker_for(call.written)
        loop = asyncio.get_running_loop()
        call.began(waiting, loop.time(), loop.call_later(call.timeout_seconds, self._overdue, worker, call))
        self._running[worker] = call
        worker.send(call.written)

    def _worker_for(self, written: Written) -> WorkerProcess:
        """Take an idle worker: one that holds what the call needs, else the one that was used last."""
        for place in range(len(self._idle) - 1, -1, -1):
            if all(key in self._idle[place].holds for key in written.values):
                return self._idle.pop(place)
        return self._idle.pop()

    # --- from running to over ------------------------------------------------------------------------

    def _reply(self, worker: WorkerProcess, is_result: bool, content: bytes) -> None:
        call = self._running.pop(worker)
        call.timer.cancel()
        self._turns.give_back(call.waiting.urgency)
        call.succeed((is_result, content))
        self._free(worker)

    def _free(self, worker: WorkerProcess) -> None:
        self._starting.discard(worker)
        self._failed_starts = 0
        self._idle.append(worker)
        self._dispatch()
        if self._idle_seconds is not None:
            if self._resting is not None:
                self._resting.cancel()
            self._resting = asyncio.get_running_loop().call_later(self._idle_seconds, self._rest)

    def _rest(self) -> None:
        for worker in list(self._idle):
            worker.kill()

    def _overdue(self, worker: WorkerProcess, call: _Call) -> None:
        call.fails_with = JobTimedOut(f"the call took longer than {call.timeout_seconds:g} s and was killed")
        worker.kill()

    def _unwant(self, call: _Call) -> None:
        """Let a running call end soon, or end it."""
        worker = next((worker for worker, running in self._running.items() if running is call), None)
        if worker is None:
            return  # it is over
        call.timer.cancel()
        loop = asyncio.get_running_loop()
        call.timer = loop.call_at(call.began_seconds + UNWANTED_SECONDS, worker.kill)

    def _leave(self, worker: WorkerProcess) -> None:
        """Give it no more calls: it ends."""
        if worker in self._idle:
            self._idle.remove(worker)
        self._ending.add(worker)

    def _ended(self, worker: WorkerProcess, exit_code: int | None, unread: bool) -> None:
        self._ending.discard(worker)
        self._all_ended.set()
        if worker in self._starting:
            self._starting.discard(worker)
            self._failed_starts += 1
        if (call := self._running.pop(worker, None)) is not None:
            self._lost(call, worker, exit_code, unread)
        if self._failed_starts >= _ATTEMPTS:
            self._give_up("the worker processes die as fast as they are started")
        self._dispatch()

    def _lost(self, call: _Call, worker: WorkerProcess, exit_code: int | None, unread: bool) -> None:
        call.timer.cancel()
        if unread and call.is_wanted() and not self._closed and call.attempts < _ATTEMPTS:
            self._turns.wait_again(call.waiting)  # an idle worker died: this call is not to blame
            return
        self._turns.give_back(call.waiting.urgency)
        ended = "nobody knows how" if exit_code is None else exit_text(exit_code)
        crashed = JobCrashed("the workers were closed" if self._closed else f"the worker process died: {ended}")
        if worker.took_too_much:
            crashed = JobTookTooMuch(f"it took {worker.took_too_much} and was killed")
        call.fail(call.fails_with or crashed)

    def _give_up(self, reason: str) -> None:
        self._failed_starts = 0
        for waiting in self._turns.everybody():
            self._turns.withdraw(waiting)
            waiting.item.fail(JobCrashed(reason))


class _Call:
    """One call, from asking to its outcome."""

    waiting: Waiting[_Call]
    began_seconds: float
    timer: asyncio.TimerHandle

    def __init__(self, written: Written, timeout_seconds: float, outcome: asyncio.Future[Outcome]) -> None:
        self.written = written
        self.timeout_seconds = timeout_seconds
        self.outcome = outcome
        self.attempts = 0
        self.fails_with: JobTimedOut | None = None

    def began(self, waiting: Waiting[_Call], now_seconds: float, timer: asyncio.TimerHandle) -> None:
        self.waiting, self.began_seconds, self.timer = waiting, now_seconds, timer
        self.attempts += 1

    def is_wanted(self) -> bool:
        return not self.outcome.done()

    def succeed(self, outcome: Outcome) -> None:
        if self.is_wanted():
            self.outcome.set_result(outcome)

    def fail(self, error: JobCrashed | JobTimedOut) -> None:
        if self.is_wanted():
            self.outcome.set_exception(error)
