"""Pages of who is signed in: what they show, who may see them, and forms that only their own session may send."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any
from uuid import UUID

import httpx
import pytest
import typer

from proofgrid.cli.main import whole_command_line
from proofgrid.doors.pages.live import OWN_LOOKS
from proofgrid.doors.pages.routes import build_pages
from proofgrid.doors.pages.views.provers import provers_page
from proofgrid.doors.pages.views.task import task_page
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import digest_of
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs.lifecycle import JobState, TaskState
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.market.why_unsold import Unsold
from tests.makers import a_key
from tests.own_money_facts import KeysOfFacts, MoneyOfFacts, QuotasOfFacts
from tests.own_pages_facts import (
    CAROL,
    CSRF,
    TASK_ID,
    AdminOfFacts,
    ArtifactsOfFacts,
    AuditOfFacts,
    CallersOfFacts,
    CloseUpOfFacts,
    Done,
    EnginesOfFacts,
    GateOfFacts,
    IncidentsOfFacts,
    LettersOfFacts,
    ProgramsOfFacts,
    SignedIn,
    TasksOfFacts,
    a_close_up,
    a_task,
    an_operator_close_up,
)
from tests.pages_facts import ALICE, EVIL, an_intake

NETWORK = a_key(1).address
ALL = (Role.CLIENT, Role.OPERATOR, Role.ADMIN)
CLIENTS = ("/tasks", f"/tasks/{TASK_ID}", "/tasks/new")
ANYBODYS = ("/money",)
OPERATORS = ("/provers",)
ADMINS = tuple(
    f"/admin{rest}"
    for rest in ("", "/incidents/7", "/dead-letters", "/quarantines", "/subnetworks", "/treasury", "/audit")
)


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
        api_keys=KeysOfFacts(noted),
        quotas=QuotasOfFacts(),
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
        answer = await browser.post("/admin/incidents/7/close", data={"csrf": CSRF, "why": " it is mended "})

    assert answer.status_code == 303
    assert done.acts == [("CloseIncident", CAROL, (7, "it is mended"))]


async def test_an_administrator_replays_a_dead_letter_in_its_own_name() -> None:
    done = Done()
    path = f"/admin/dead-letters/{TASK_ID}/replay"

    async with a_browser(*ALL, done=done) as browser, a_browser(Role.CLIENT, done=done) as client:
        text = (await browser.get("/admin/dead-letters")).text
        refused = [await browser.post(path, data={"csrf": "another"}), await client.post(path, data={"csrf": CSRF})]
        answer = await browser.post(path, data={"csrf": CSRF})
        everything = (await browser.get(answer.headers["location"])).text

    assert f'action="{path}"' in text
    assert [one.status_code for one in refused] == [403, 403]
    assert done.acts == [("ReplayDeadLetter", CAROL, TASK_ID)]
    assert f'href="/tasks/{UUID(int=5)}"' in everything


async def test_an_incident_has_its_timeline_evidence_and_a_draft() -> None:
    async with a_browser(*ALL) as browser:
        text = (await browser.get("/admin/incidents/7")).text
        draft = await browser.get("/admin/incidents/7/post-mortem")
        missing = [(await browser.get(f"/admin/incidents/{one}")).status_code for one in ("8", "x", "-1")]

    assert all(f"<h2>{heading}</h2>" in text for heading in ("Timeline", "Evidence", "Who was told", "End it"))
    assert draft.text == EVIL  # a file, and no page
    assert draft.headers["content-type"].startswith("text/markdown")
    assert "attachment" in draft.headers["content-disposition"]
    assert missing == [404] * 3


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


class TasksThatChange(TasksOfFacts):
    """Another one is done with every third look, until none is open."""

    looks = 0

    @needs(Role.CLIENT)
    async def list_own(self, caller: Any, wanted: Any, *, limit: int, begins: str = "") -> list[Any]:
        self.looks += 1
        return [a_task(state=TaskState.DONE if self.looks > 3 * place else TaskState.OPEN) for place in (1, 2)]


async def test_a_list_tells_that_it_changed_and_then_its_browser_comes_again() -> None:
    tasks = TasksThatChange(Done())
    intake = an_intake(tasks=tasks, callers=CallersOfFacts((Role.CLIENT,)))
    pages = build_pages(intake, ManualClock(), SignedIn(Role.CLIENT))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(pages.app), base_url="http://pages") as browser:
        text = (await browser.get("/live/own/tasks")).text

    assert text.count("event: changed") == 2
    assert "event: over" not in text
    assert tasks.looks > OWN_LOOKS  # it was looked at to the end


@pytest.mark.parametrize("what", ["tasks", "provers", "incidents"])
async def test_what_is_live_is_for_who_sees_the_page(what: str) -> None:
    others = {"tasks": Role.OPERATOR, "provers": Role.CLIENT, "incidents": Role.OPERATOR}

    async with a_browser(*ALL) as browser, a_browser(others[what]) as other, a_browser() as nobody:
        text = (await browser.get(f"/live/own/{what}")).text
        refused = [(await one.get(f"/live/own/{what}")).status_code for one in (other, nobody)]
        unknown = (await browser.get("/live/own/others")).status_code

    assert text == "retry: 3000\n\n"
    assert (refused, unknown) == ([403, 303], 404)


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
    root = typer.main.get_command(whole_command_line())
    for words in sorted(told):
        command: Any = root
        for word in words.split():
            command = getattr(command, "commands", {}).get(word)
            assert command is not None, f"proofgrid {words}"
