"""What was taken from somebody goes on being used by whoever has it open: every call that takes something has a test.

Pins down: whoever adds a call that takes rights, keys, programs or addresses says here which test holds that it is
gone; and a live page ends with its reader's role, or with the session.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from google.protobuf.descriptor import FileDescriptor
from starlette.requests import Request

import proofgrid.wire.v1
from proofgrid.doors.pages.live import OWN_LOOKS
from proofgrid.doors.pages.routes import Pages, build_pages
from proofgrid.doors.pages.visitors import Visitor
from proofgrid.primitives.clock import ManualClock, SystemClock
from proofgrid.primitives.errors import TokenExpired
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.open_calls import OpenCall
from proofgrid.roles.intake.signing_in import Session
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.access.roles import SignedIn as OfBrowser
from proofgrid.rules.access.sign_in import spell_sign_in
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from tests.makers import a_key
from tests.own_pages_facts import CAROL, TASK_ID, CallersOfFacts, Done, SignedIn, TasksOfFacts
from tests.pages_facts import NOW_MS, an_intake

TESTS = Path(__file__).parents[1]
TAKES = re.compile(r"Revoke|Deny|Remove|Delete|Unshare|Stop|PublishKeys")
#: call -> the test that holds that what it takes is gone, for those who have it open as well
SESSION = OfBrowser("1f", NOW_MS + 3_600_000)
GONE = {
    "Revoke": "attacks/test_revoked.py::test_with_the_role_go_sessions_and_leases",
    "RevokeApiKey": "attacks/test_stolen_api_keys.py::test_a_revoked_keys_streams_end_at_every_gateway",
    "DenyMember": "acceptance/test_subnetworks.py::test_a_prover_whose_operator_is_taken_off_the_list",
    "RemoveSubnetwork": "acceptance/test_subnetworks.py::test_a_prover_whose_operator_is_taken_off_the_list",
    "RemoveWebhook": "roles/test_webhooks.py::test_endpoints_are_their_owners",
    "DeleteProgram": "roles/intake/test_ownership.py::test_a_deleted_program_is_used_no_more",
    "UnshareProgram": "roles/intake/test_ownership.py::",
    "StopEngine": "roles/dispatcher/test_stopped_engines.py::test_",
    "PublishKeys": "attacks/test_uncertified_provers.py::test_what_was_certified_by_a_retired_key_counts_no_more",
}


def test_every_call_that_takes_something_has_a_test_that_it_is_gone() -> None:
    found = set()
    for module in pkgutil.iter_modules(proofgrid.wire.v1.__path__, "proofgrid.wire.v1."):
        if module.name.endswith("_pb2"):
            file: FileDescriptor = importlib.import_module(module.name).DESCRIPTOR
            for service in file.services_by_name.values():
                found |= {method.name for method in service.methods if TAKES.match(method.name)}
    assert found == set(GONE)
    for test in GONE.values():
        name, _, function = test.partition("::")
        assert re.search(rf"^(?:async )?def {function}", (TESTS / name).read_text(encoding="utf-8"), re.MULTILINE), test


# --- live pages ---


class Endless(TasksOfFacts):
    """A task to which something happens whenever somebody says so."""

    def __init__(self) -> None:
        super().__init__(Done())
        self.happened: asyncio.Queue[int] = asyncio.Queue()

    @needs(Role.CLIENT)
    async def follow(self, caller: Any, task_id: Any, *, cursor: int) -> AsyncIterator[int]:
        while True:
            yield await self.happened.get()


class InSession(SignedIn):
    """Somebody signed in, as a door knows it."""

    async def visitor(self, request: Request) -> Visitor | None:
        visitor = await super().visitor(request)
        assert visitor is not None
        return replace(visitor, caller=replace(visitor.caller, session=SESSION))


class Sessions(CallersOfFacts):
    """What a gateway knows of a session: whether it was signed out of."""

    is_over = False

    async def check_session(self, session: object) -> None:
        assert session == SESSION
        if self.is_over:
            raise TokenExpired("this session was signed out of")


class Reader:
    """Somebody who has a task's live page open, and what they heard."""

    def __init__(self, tasks: Callable[[CallersOfFacts], Endless] = lambda _: Endless()) -> None:
        self.callers = Sessions((Role.CLIENT,))
        self.tasks = tasks(self.callers)
        intake = an_intake(tasks=self.tasks, callers=self.callers)
        self.pages: Pages = build_pages(intake, ManualClock(), InSession(Role.CLIENT))
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def read(self, path: str = f"/live/tasks/{TASK_ID}") -> None:
        """Read the page until it ends."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [],
            "client": ("192.0.2.1", 1),
            "server": ("pages", 80),
            "scheme": "http",
            "http_version": "1.1",
        }
        await self.pages.app(scope, self._receive, self._send)  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def _send(self, message: dict[str, Any]) -> None:
        if message.get("body"):
            self.heard.put_nowait(message["body"])


@pytest.mark.parametrize("what", ["role", "session"])
async def test_a_live_page_ends_with_the_role_of_who_reads_it_and_with_the_session(what: str) -> None:
    reader = Reader()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        revocations = group.create_task(reader.callers.calls.run())
        reading = group.create_task(reader.read())
        reader.tasks.happened.put_nowait(1)
        assert [await reader.heard.get() for _ in range(2)][1].startswith(b"event: changed")
        assert reader.callers.calls.count_of(CAROL) == 1

        reader.callers.roles = (Role.CLIENT,) if what == "session" else ()
        reader.callers.is_over = what == "session"
        reader.callers.calls.look_again(CAROL)
        await reading
        revocations.cancel()
    reader.tasks.happened.put_nowait(2)
    assert (await reader.heard.get()).startswith(b"event: over")
    assert reader.heard.empty()
    assert reader.callers.calls.count_of(CAROL) == 0


class TakenWhileLookedAt(Endless):
    """A list of tasks whose reader loses a role with the third look."""

    def __init__(self, callers: CallersOfFacts) -> None:
        super().__init__()
        self.callers, self.looks = callers, 0

    @needs(Role.CLIENT)
    async def list_own(self, caller: Any, wanted: Any, *, limit: int, begins: str = "") -> list[Any]:
        self.looks += 1
        if self.looks == 3:
            self.callers.roles = ()
            self.callers.calls.look_again(CAROL)
        await asyncio.sleep(0)
        return []


async def test_a_live_list_is_looked_at_no_more_once_the_role_is_gone() -> None:
    reader = Reader(TakenWhileLookedAt)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        revocations = group.create_task(reader.callers.calls.run())
        await reader.read("/live/own/tasks")
        revocations.cancel()
    assert isinstance(reader.tasks, TakenWhileLookedAt)
    assert 3 <= reader.tasks.looks < OWN_LOOKS // 2


async def test_who_signs_out_at_one_gateway_ends_what_the_session_has_open_at_another(database: Database) -> None:
    key, network = a_key(1), a_key(2).address
    here, there = (Callers(database, audience=network, limits=Limits(), clock=SystemClock()) for _gateway in range(2))
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address=key.address, role="client", label="")
    ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    listening = await asyncpg.connect(database.dsn)
    await listening.add_listener("roles", lambda *heard: there.roles_changed(heard[-1]))

    async def signed_in() -> Session:
        message = spell_sign_in(
            domain="x",
            scheme="https",
            address=key.address,
            network=network,
            nonce=await here.sessions.nonce(),
            now_ms=here.now_ms(),
        )
        return await here.sessions.sign_in(message, key.sign(message.encode()), domain="x")

    stays, goes = await signed_in(), await signed_in()
    for session, end in ((stays, ended.set_exception), (goes, ended.set_result)):
        caller = Caller(key.address, frozenset({Role.CLIENT}), session=session.signed_in)
        there.calls.begin(OpenCall(caller, frozenset({Role.CLIENT}), end))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        revocations = group.create_task(there.calls.run())
        await here.sessions.sign_out(goes.cookie)
        assert isinstance(await ended, TokenExpired)
        revocations.cancel()
    await listening.close()
