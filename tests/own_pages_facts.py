"""Pages of who is signed in, without a database: tasks and operators as the intake gives them, and who visits."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from starlette.requests import Request

from proofgrid.doors.pages.visitors import Visitor
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BudgetTooSmall, InvalidField, NotAllowed, UnknownTask
from proofgrid.primitives.ids import AccountId, Address, JobId, ProverId
from proofgrid.roles.intake.bond_moves import Stake
from proofgrid.roles.intake.close_up import OperatorCloseUp, TaskCloseUp
from proofgrid.roles.intake.incidents import Story
from proofgrid.roles.intake.open_calls import OpenCalls
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.audit.entries import Entry
from proofgrid.rules.incidents.post_mortem import Step, TellingLine
from proofgrid.rules.incidents.telling import Change, TellingState
from proofgrid.rules.jobs.filters import TaskFilter
from proofgrid.rules.jobs.lifecycle import JobState, LeaseState, TaskState
from proofgrid.rules.jobs.waiting import WaitReason, Waits
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.store.audit import PlacedEntry
from proofgrid.store.close_up import BidsOfLane, EarnedOnDay, LeaseOfTask, SalesAtAsk, SessionOfOperator
from proofgrid.store.dead_letters import DeadLetter
from proofgrid.store.incidents import Incident
from proofgrid.store.ledger import PostedTransfer
from proofgrid.store.subnetworks import SubnetworkStatus
from proofgrid.store.task_views import EventView, JobView, TaskView
from proofgrid.telemetry.acting import current_act
from tests.makers import a_key
from tests.pages_facts import ALICE, BOB, EVIL, NOW_MS, SMALL, FreeRates, some_operators

CAROL = a_key(13).address
CSRF = "c5rf"
TASK_ID = UUID("0198c0de-0000-7000-8000-0000000000a1")


class SignedIn:
    """Sessions in which one caller is always signed in."""

    def __init__(self, *roles: Role, address: Address = CAROL) -> None:
        self._caller = Caller(address, frozenset(roles))

    async def visitor(self, request: Request) -> Visitor | None:
        return Visitor(caller=self._caller, csrf=CSRF)

    def check_csrf(self, visitor: Visitor, token: str) -> None:
        if token != CSRF:
            raise NotAllowed("the form is not of this session")


def a_task(**changes: Any) -> TaskView:
    """Return an open task of two inputs."""
    task = TaskView(
        task_id=TASK_ID,
        client=CAROL,
        state=TaskState.OPEN,
        program_digest=digest_of(b"program"),
        limit_price=1_500,
        escrow=6_000_000,
        spent=1_200_000,
        units=4_000,
        deadline_ms=NOW_MS + 540_000,
        created_ms=NOW_MS - 60_000,
        finished_ms=None,
        failure_code="",
        failure_detail="",
        bundle_digest=None,
        inputs=2,
        quote_id=None,
        subnetwork="default",
        tags=("nightly",),
        replay_of=None,
    )
    return replace(task, **changes)


def _a_job(number: int, state: JobState, **changes: Any) -> JobView:
    job = JobView(
        job_id=JobId(UUID(int=number)),
        slice=number % 2,
        input=number // 2,
        state=state,
        units=1_000,
        job_class="small",
        attempts=1,
        operator=None,
        prover_id=None,
        buy_price=None,
        stage="",
        permille=0,
    )
    return replace(job, **changes)


def _a_lease(number: int, state: LeaseState, from_s: int, to_s: int, **changes: Any) -> LeaseOfTask:
    lease = LeaseOfTask(
        job_id=JobId(UUID(int=number)),
        prover_id=ProverId(f"{ALICE}/berlin-1"),
        kind="first",
        state=state,
        lane=SMALL,
        round=310 + number,
        units=1_000,
        buy_price=1_200,
        granted_ms=NOW_MS + from_s * 1_000,
        started_ms=NOW_MS + from_s * 1_000,
        reported_ms=0,
        ended_ms=NOW_MS + to_s * 1_000 if to_s else 0,
        reason="",
        permille=400,
    )
    return replace(lease, **changes)


def a_close_up(**changes: Any) -> TaskCloseUp:
    """Return a task with a job proven, one that was lost and is proven again, one too cheap, one blocked."""
    bob = ProverId(f"{BOB}/osaka")
    seen = TaskCloseUp(
        now_ms=NOW_MS,
        task=a_task(),
        jobs=[
            _a_job(0, JobState.PROVEN, prover_id=ProverId(f"{ALICE}/berlin-1"), buy_price=1_200, permille=1_000),
            _a_job(1, JobState.LEASED, prover_id=bob, buy_price=1_250, stage="prove", permille=400, attempts=2),
            _a_job(2, JobState.READY),
            _a_job(3, JobState.WAITING),
        ],
        waits={
            JobId(UUID(int=2)): Waits(reason=WaitReason.TOO_CHEAP, price=1_800),
            JobId(UUID(int=3)): Waits(reason=WaitReason.BLOCKED),
        },
        leases=[
            _a_lease(0, LeaseState.SETTLED, -55, -20),
            _a_lease(1, LeaseState.EXPIRED, -52, -30, reason="prover_lost"),
            _a_lease(1, LeaseState.RUNNING, -25, 0, prover_id=bob),
        ],
        transfers=[
            PostedTransfer(
                "escrow:1",
                AccountId(f"client:{CAROL}"),
                AccountId(f"escrow:{TASK_ID}"),
                6_000_000,
                "escrow",
                TASK_ID,
                None,
                None,
                None,
                NOW_MS - 60_000,
            ),
            PostedTransfer(
                "pay:1",
                AccountId(f"escrow:{TASK_ID}"),
                AccountId(f"operator:{ALICE}"),
                1_200_000,
                "job_paid",
                TASK_ID,
                UUID(int=0),
                SMALL,
                310,
                NOW_MS - 20_000,
            ),
        ],
        events=[
            EventView(
                1,
                "accepted",
                json.dumps({"jobs": [{}] * 4, "units": 4_000, "limit_price": 1_500, "escrow": 1}),
                NOW_MS - 60_000,
            ),
            EventView(2, EVIL, "{}", NOW_MS - 50_000),
        ],
    )
    return replace(seen, **changes)


def an_operator_close_up(**changes: Any) -> OperatorCloseUp:
    """Return an operator of two provers: one asks more than anybody bids, one is away."""
    [report] = [one for one in some_operators().reports if one.operator == ALICE]
    here, away = report.provers[0], replace(report.provers[0], prover_id=ProverId(f"{ALICE}/attic"), connected=False)
    session = SessionOfOperator(
        prover_id=here.prover_id,
        asks={"ezkl@23.0.5": 2_500},
        class_asks={},
        classes=("small",),
        subnetworks=("default",),
        slots=4,
        busy=1,
        seen_ms=NOW_MS,
        is_silent=False,
        draining=False,
        paused_until_ms=0,
    )
    seen = OperatorCloseUp(
        now_ms=NOW_MS,
        provers=[here, away],
        sessions=[session],
        bids={SMALL: BidsOfLane(SMALL, 7, 1_400)},
        sales={SMALL: SalesAtAsk(SMALL, 120, 0, 0, 1_330)},
        earned=3_400_000_000,
        by_day=[EarnedOnDay(NOW_MS - NOW_MS % 86_400_000, "job_paid", 1_200_000, 3)],
        stake=Stake(
            operator=ALICE,
            bond=25_000_000_000,
            bound=10,
            removable=9,
            unbonding=0,
            ready=0,
            unbondings=[],
            earned=0,
            policy=BondPolicy(),
            staked=0,
            debts=[],
        ),
        evidence=[],
    )
    return replace(seen, **changes)


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
    async def list_own(self, caller: Any, wanted: TaskFilter, *, limit: int, begins: str = "") -> list[Any]:
        return [a_task(), a_task(state=TaskState.DONE, finished_ms=NOW_MS)] if wanted.state in ("", "open") else []

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
    async def story(self, incident_id: int) -> Story:
        if incident_id not in (6, 7):
            raise InvalidField("there is no such incident", field="incident_id")
        [incident] = [one for one in await self.list_all() if one.incident_id == incident_id]
        steps = [Step(at_ms=NOW_MS, what="opened", by="network", said=EVIL)]
        told = [TellingLine(Change.OPENED, "mail", TellingState.WAITING, 2, EVIL, NOW_MS)]
        return Story(incident=replace(incident, facts={EVIL: [1, EVIL]}), steps=steps, told=told, post_mortem=EVIL)

    @needs(Role.ADMIN)
    async def close(self, admin: Any, incident_id: int, *, why: str = "") -> None:
        self._done.note((incident_id, why))


class LettersOfFacts(AdminOfFacts):
    @needs(Role.ADMIN)
    async def list_all(self, *args: Any, **asked: Any) -> list[Any]:
        dead = DeadLetter(TASK_ID, CAROL, digest_of(b"p"), "PG-510", EVIL, NOW_MS, None, None)
        again = replace(dead, task_id=UUID(int=6), replayed_as=UUID(int=5))
        return [dead, again] if asked["replayed"] else [dead]

    @needs(Role.ADMIN, once=True)
    async def replay(self, task_id: Any) -> None:
        self._done.note(task_id)


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
        self.roles = roles
        self.calls = OpenCalls(self, at_once=100)

    async def roles_of(self, address: Address, *, anew: bool) -> frozenset[Role]:
        return frozenset(self.roles)

    def weigh_json(self, address: Address, text: str) -> None:
        pass


class GateOfFacts:
    @asynccontextmanager
    async def place(self, client: Address) -> Any:
        yield
