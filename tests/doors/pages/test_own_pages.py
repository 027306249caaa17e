"""Pages of who is signed in: what they show, who may see them, and forms that only their own session may send."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from importlib.resources import files
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import click
import httpx
import pytest
import typer

from proofgrid.cli.main import cli
from proofgrid.doors.pages.routes import build_pages
from proofgrid.doors.pages.views.provers import provers_page
from proofgrid.doors.pages.views.task import task_page
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BudgetTooSmall, UnknownTask
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.accounts import Account, LedgerHealth
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.audit.entries import Entry
from proofgrid.rules.jobs.lifecycle import JobState, TaskState
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.market.why_unsold import Unsold
from proofgrid.store.audit import PlacedEntry
from proofgrid.store.dead_letters import DeadLetter
from proofgrid.store.incidents import Incident
from proofgrid.store.ledger import LedgerSums
from proofgrid.store.subnetworks import SubnetworkStatus
from proofgrid.telemetry.acting import current_act
from tests.makers import a_key
from tests.pages_facts import (
    ALICE,
    CAROL,
    CSRF,
    EVIL,
    NOW_MS,
    TASK_ID,
    FreeRates,
    SignedIn,
    a_close_up,
    a_task,
    an_intake,
    an_operator_close_up,
)

NETWORK = a_key(1).address
ALL = (Role.CLIENT, Role.OPERATOR, Role.ADMIN)
CLIENTS = ("/tasks", f"/tasks/{TASK_ID}", "/tasks/new")
ANYBODYS = ("/money",)
OPERATORS = ("/provers",)
ADMINS = tuple(f"/admin{rest}" for rest in ("", "/dead-letters", "/quarantines", "/subnetworks", "/treasury", "/audit"))


class Done:
    """What forms did."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, str, object]] = []

    def note(self, what: object) -> None:
        act = current_act()
        assert act is None or act.by == CAROL
        self.acts.append(("" if act is None else act.call, "" if act is None else act.by, what))


class TasksOfFacts:
    def __init__(self, done: Done) -> None:
        self._done = done

    @needs(Role.CLIENT)
    async def list_own(self, caller: Any, *, state: str, limit: int, begins: str = "") -> list[Any]:
        return [a_task(), a_task(state=TaskState.DONE, finished_ms=NOW_MS)] if state in ("", "open") else []

    @needs(Role.CLIENT)
    async def submit(self, caller: Any, request: Any) -> Any:
        if request.limit_price == 1:
            raise BudgetTooSmall(f"{EVIL} PU", field="budget")
        self._done.note((request.program_digest, request.inputs, request.limit_price, request.idempotency_key))
        return a_task()

    @needs(Role.CLIENT, Role.ADMIN)
    async def cancel(self, caller: Any, task_id: Any) -> None:
        self._done.note(task_id)

    @needs(Role.CLIENT, Role.ADMIN)
    async def follow(self, caller: Any, task_id: Any, *, cursor: int) -> Any:
        for number in (1, 2):
            yield number

    @needs(Role.CLIENT, Role.ADMIN)
    async def timeline(self, caller: Any, task_id: Any, *, limit: int) -> list[Any]:
        if task_id != TASK_ID:
            raise UnknownTask(field="task_id")
        return []

    @needs(Role.CLIENT, Role.ADMIN)
    async def result(self, caller: Any, task_id: Any) -> tuple[str, int]:
        return "d", 6


class CloseUpOfFacts:
    @needs(Role.CLIENT, Role.ADMIN)
    async def of_task(self, caller: Any, task_id: Any) -> Any:
        if task_id != TASK_ID:
            raise UnknownTask(field="task_id")
        return a_close_up()

    @needs(Role.OPERATOR)
    async def of_operator(self, caller: Any, *, ask: int | None = None) -> Any:
        return an_operator_close_up()


class AdminOfFacts:
    """Every use case of administrators that pages ask."""

    def __init__(self, done: Done) -> None:
        self._done = done

    @needs(Role.ADMIN)
    async def list_all(self, *args: Any, **asked: Any) -> list[Any]:
        return []

    @needs(Role.ADMIN)
    async def get(self, *args: Any) -> None: ...

    @needs(*ANYBODY)
    async def list_for(self, caller: Any) -> list[Any]:
        return [SubnetworkStatus(EVIL, False, (), 0, 0, 0, 5, 1, 2, 4, 0, 3)]


class IncidentsOfFacts(AdminOfFacts):
    @needs(Role.ADMIN)
    async def list_all(self, *args: Any, **asked: Any) -> list[Any]:
        old = Incident(6, "ledger", "treasury", "mended", NOW_MS - 9_000, NOW_MS - 5_000, CAROL, True)
        return [old, Incident(7, "ledger", "escrow:1", EVIL, NOW_MS - 5_000, None, "", True)]

    @needs(Role.ADMIN)
    async def close(self, admin: Any, incident_id: int) -> None:
        self._done.note(incident_id)


class LettersOfFacts(AdminOfFacts):
    @needs(Role.ADMIN)
    async def list_all(self, *args: Any, **asked: Any) -> list[Any]:
        return [DeadLetter(TASK_ID, CAROL, digest_of(b"p"), "PG-510", EVIL, NOW_MS, None, None)]


class AuditOfFacts(AdminOfFacts):
    @needs(Role.ADMIN)
    async def list_all(self, *args: Any, **asked: Any) -> list[Any]:
        entry = Entry(
            act="GrantRole",
            by=CAROL,
            peer="ipv4:192.0.2.1:1",
            what={"label": EVIL},
            outcome="done",
            count=1,
            at_ms=NOW_MS,
        )
        return [PlacedEntry(3, entry.spelled)]


class EnginesOfFacts(AdminOfFacts):
    @needs(*ANYBODY)
    async def list_all(self, *args: Any, **asked: Any) -> list[Any]:
        return []

    @needs(Role.ADMIN)
    async def stop(self, *args: Any) -> None: ...


class MoneyOfFacts:
    @needs(*ANYBODY)
    async def get(self, caller: Any, asked: Any, *, transfers_limit: int) -> Account:
        return Account(address=caller.address, balance=10, escrowed=2, earned=0, transfers=a_close_up().transfers)

    @needs(Role.ADMIN)
    async def check_ledger(self) -> LedgerHealth:
        return LedgerHealth(sums=LedgerSums(0, 100, 100), faults=[])

    @needs(Role.ADMIN)
    async def balance(self) -> int:
        return 1_500_000_000


class ProgramsOfFacts:
    @needs(*ANYBODY)
    async def list_for(self, caller: Any, *, limit: int) -> list[Any]:
        return [SimpleNamespace(digest=digest_of(b"program"), label=EVIL, proof_system="ezkl", units=4_000)]


class ArtifactsOfFacts:
    @needs(*ANYBODY)
    async def read(self, caller: Any, digest: str) -> Any:
        yield b"bun"
        yield b"dle"


class CallersOfFacts(FreeRates):
    def __init__(self, roles: tuple[Role, ...]) -> None:
        self._roles = roles

    async def roles_of(self, address: Address, *, anew: bool) -> frozenset[Role]:
        return frozenset(self._roles)

    def weigh_json(self, address: Address, text: str) -> None:
        pass


class GateOfFacts:
    @asynccontextmanager
    async def place(self, client: Address) -> Any:
        yield


def a_browser(*roles: Role, done: Done | None = None, now: tuple[Role, ...] | None = None) -> httpx.AsyncClient:
    """Return a browser in which somebody with these roles is signed in; `now`: what is left of them."""
    noted = done or Done()
    intake = an_intake(
        tasks=TasksOfFacts(noted),
        close_up=CloseUpOfFacts(),
        incidents=IncidentsOfFacts(noted),
        dead_letters=LettersOfFacts(noted),
        subnetworks=AdminOfFacts(noted),
        audit=AuditOfFacts(noted),
        engines=EnginesOfFacts(noted),
        accounts=MoneyOfFacts(),
        treasury=MoneyOfFacts(),
        programs=ProgramsOfFacts(),
        artifacts=ArtifactsOfFacts(),
        gate=GateOfFacts(),
        limits=Limits(),
        callers=CallersOfFacts(roles if now is None else now),
    )
    pages = build_pages(intake, ManualClock(), SignedIn(*roles) if roles else None)
    return httpx.AsyncClient(transport=httpx.ASGITransport(pages.app), base_url="http://pages")


@pytest.mark.parametrize("path", [*CLIENTS, *ANYBODYS, *OPERATORS, *ADMINS])
async def test_a_page_of_ones_own_is_safe_and_kept_by_nobody(path: str) -> None:
    async with a_browser(*ALL) as browser:
        answer = await browser.get(path)

    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert EVIL not in answer.text
    assert answer.text.count("<h1") == 1
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", answer.text)


@pytest.mark.parametrize("path", [*CLIENTS, *ANYBODYS, *OPERATORS, *ADMINS])
async def test_who_is_not_signed_in_is_asked_to(path: str) -> None:
    async with a_browser() as browser:
        answer = await browser.get(path)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in?to={path}"


@pytest.mark.parametrize(
    ("role", "paths"),
    [(Role.OPERATOR, CLIENTS), (Role.CLIENT, OPERATORS), (Role.CLIENT, ADMINS), (Role.OPERATOR, ADMINS)],
)
async def test_a_page_is_for_those_who_have_its_role(role: Role, paths: tuple[str, ...]) -> None:
    async with a_browser(role) as browser:
        assert {path: (await browser.get(path)).status_code for path in paths} == dict.fromkeys(paths, 403)


@pytest.mark.parametrize("path", ADMINS)
async def test_an_administrator_that_is_none_any_more_sees_nothing(path: str) -> None:
    async with a_browser(*ALL, now=(Role.CLIENT,)) as browser:
        assert (await browser.get(path)).status_code == 403


@pytest.mark.parametrize("path", ["/tasks", f"/tasks/{TASK_ID}/cancel", "/admin/incidents/7/close"])
@pytest.mark.parametrize("token", ["", "another"])
async def test_a_form_of_another_session_does_nothing(path: str, token: str) -> None:
    done = Done()

    async with a_browser(*ALL, done=done) as browser:
        answer = await browser.post(path, data={"csrf": token, "program": "p", "inputs": "[1]"})

    assert answer.status_code == 403
    assert done.acts == []


async def test_an_administrator_ends_an_incident_in_its_own_name() -> None:
    done = Done()

    async with a_browser(*ALL, done=done) as browser:
        assert "End incident 7" in (await browser.get("/admin")).text
        answer = await browser.post("/admin/incidents/7/close", data={"csrf": CSRF})

    assert answer.status_code == 303
    assert done.acts == [("CloseIncident", CAROL, 7)]


async def test_a_client_cancels_its_task() -> None:
    done = Done()

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post(f"/tasks/{TASK_ID}/cancel", data={"csrf": CSRF})

    assert answer.headers["location"] == f"/tasks/{TASK_ID}"
    assert done.acts == [("CancelTask", CAROL, TASK_ID)]


async def test_a_form_is_a_request() -> None:
    done = Done()
    fields = {"csrf": CSRF, "program": digest_of(b"program"), "limit_price": "1.5", "key": "k"}

    async with a_browser(Role.CLIENT, done=done) as browser:
        answer = await browser.post("/tasks", data={**fields, "inputs": '[{"x": [1, 2]}, {"x": [3]}]'})

    assert answer.status_code == 303, answer.text
    assert done.acts == [("", "", (digest_of(b"program"), ({"x": [1, 2]}, {"x": [3]}), 1_500, "k"))]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"inputs": "{"}, "not JSON"),
        ({"inputs": '{"x": 1}'}, "a list with one element per input"),
        ({"inputs": "[" * 99 + "]" * 99}, "inputs"),
        ({"inputs": "[NaN]"}, "not JSON"),
        ({"program": "nothing"}, "program"),
        ({"limit_price": "cheap"}, "is no price"),
        ({"limit_price": "0.001"}, "budget"),
    ],
)
async def test_a_wrong_form_comes_back_as_it_was_filled_in(changed: dict[str, str], told: str) -> None:
    fields = {"csrf": CSRF, "program": digest_of(b"program"), "inputs": "[7]", "limit_price": "1.5", "key": "k9"}

    async with a_browser(Role.CLIENT) as browser:
        answer = await browser.post("/tasks", data=fields | changed)

    assert answer.status_code == 400
    assert told in answer.text
    assert EVIL not in answer.text
    assert 'value="k9"' in answer.text  # trying again is the same request


@pytest.mark.parametrize("body", [b"csrf=%ff", b"&".join([b"a=1"] * 99), b"csrf=\xff"])
async def test_what_is_no_form_is_refused(body: bytes) -> None:
    async with a_browser(*ALL) as browser:
        assert (await browser.post("/tasks", content=body)).status_code in (400, 403)


async def test_a_form_without_end_is_refused() -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b"a" * (1 << 20)

    async with a_browser(*ALL) as browser:
        answer = await browser.post("/tasks", content=endless())

    assert answer.status_code == 403  # a limit that was passed
    assert "at most 16 MiB" in answer.text


async def test_a_bundle_is_taken_home() -> None:
    async with a_browser(Role.CLIENT) as browser:
        answer = await browser.get(f"/tasks/{TASK_ID}/bundle")

    assert answer.content == b"bundle"
    assert f"{TASK_ID}.bundle" in answer.headers["content-disposition"]


async def test_anothers_task_is_no_page() -> None:
    async with a_browser(Role.CLIENT) as browser:
        for path in (f"/tasks/{UUID(int=5)}", "/tasks/..%2f..", "/tasks/xyz", f"/live/tasks/{UUID(int=5)}"):
            assert (await browser.get(path)).status_code == 404


async def test_a_live_task_tells_that_it_is_over() -> None:
    async with a_browser(Role.CLIENT) as browser:
        text = (await browser.get(f"/live/tasks/{TASK_ID}")).text

    assert text.count("event: changed") == 2
    assert text.endswith("event: over\ndata: {}\n\n")


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "javascript:alert(1)", ""])
async def test_signing_in_leads_nowhere_else(to: str) -> None:
    async with a_browser() as browser:
        assert 'data-to="/"' in (await browser.get("/sign-in", params={"to": to})).text


def test_a_tasks_bars_say_what_a_lease_came_to() -> None:
    page = task_page(a_close_up(), network=NETWORK)

    proven, again, cheap, blocked = page.line.bars
    assert [one.kind for one in proven.segments] == ["waits", "proven"]
    assert [one.kind for one in again.segments] == ["waits", "lost", "waits", "proves"]
    assert "prover lost" in again.told
    assert [one.kind for one in cheap.segments] == [one.kind for one in blocked.segments] == ["waits"]
    frame = page.line.frame
    for bar in page.line.bars:
        for one in bar.segments:
            assert frame.left <= one.x <= frame.plane_right
            assert one.width > 0


def test_a_job_tells_why_it_waits_and_what_to_do() -> None:
    page = task_page(a_close_up(), network=NETWORK)

    assert "1.8 per million PU is the least" in page.jobs[2].why
    assert "--limit-price" in page.jobs[2].todo
    assert "last try: prover lost" in page.jobs[1].why
    assert page.jobs[0].round_path.endswith("/rounds/310")
    assert (page.jobs_proven, page.is_over, page.jobs_hidden) == (1, False, 0)


def test_of_many_jobs_not_all_are_drawn() -> None:
    seen = a_close_up()
    many = [seen.jobs[2]] * 100

    page = task_page(a_close_up(jobs=many), network=NETWORK)

    assert (len(page.line.bars), page.jobs_hidden, len(page.jobs)) == (64, 36, 100)


def test_an_operator_reads_why_nothing_is_sold() -> None:
    here, away = provers_page(an_operator_close_up(), asked=None).provers

    assert here.why is None
    assert here.lanes[0].why.reason is Unsold.TOO_DEAR
    assert away.why is not None
    assert away.why.reason is Unsold.AWAY
    assert here.card.prover_id.startswith(ALICE)


def test_states_of_jobs_have_a_shape_of_their_own() -> None:
    css = (files("proofgrid.doors.pages") / "static" / "pages.css").read_text()

    assert all(f".state-{one}::before" in css for one in (JobState.PROVEN, JobState.LEASED, JobState.FAILED))


def test_what_pages_tell_to_type_is_there_to_be_typed() -> None:
    templates = files("proofgrid.doors.pages") / "templates"
    told = {
        words
        for one in templates.iterdir()
        for words in re.findall(r"<code>proofgrid ([a-z -]+?)(?: [A-Z{<0-9-].*?)?</code>", one.read_text())
    }
    root = typer.main.get_command(cli)
    for words in sorted(told):
        command: Any = root
        for word in words.split():
            assert isinstance(command, click.Group), words
            command = command.commands.get(word)
            assert command is not None, f"proofgrid {words}"
