"""A lane in a database, for tests of roles: programs, tasks with jobs, provers; one argument changes one thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar
from uuid import UUID, uuid4

from proofgrid.primitives.clock import ManualClock, SystemClock, fresh_uuid
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.ids import Address, GatewayId, Lane, LeaseId, ProverId, SessionId, Stack
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.dispatcher.checking import Checking
from proofgrid.roles.dispatcher.clocks import Clocks
from proofgrid.roles.dispatcher.desk import Desk, DispatchSettings
from proofgrid.roles.dispatcher.in_hand import InHand
from proofgrid.roles.dispatcher.returns import return_job
from proofgrid.roles.dispatcher.session import Session
from proofgrid.roles.dispatcher.stragglers import Stragglers
from proofgrid.roles.dispatcher.watch import Watch
from proofgrid.roles.market.rounds import Market, MarketSettings
from proofgrid.roles.settlement.payment import Proven, pay
from proofgrid.rules.access.subnetworks import Subnetwork
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.classes import class_of_lane
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.offers import HeldLease, JobReport, Paid, StageReport
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.ledger.settlement import SurplusTo, deposit, escrow
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.store.access import GRANT_ROLE
from proofgrid.store.admission import ADMIT_TASKS
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache
from proofgrid.store.database import Database
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.leases import OFFER_LEASES, OfferedLease
from proofgrid.store.ledger import LEDGER_FAULTS
from proofgrid.store.programs import INSERT_PROGRAM
from proofgrid.store.queries import Query
from proofgrid.store.seating import Seating
from proofgrid.store.sessions import OPEN_SESSION, REGISTER_PROVER
from proofgrid.store.settlement import LEASES_OF_REPORTS, ReportedLease
from proofgrid.store.subnetworks import ALLOW_MEMBER, CREATE_SUBNETWORK, serve_stacks
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers, transfer_row
from proofgrid.store.troubles import Troubles
from tests.makers import a_key, a_program, a_session

LANE = Lane("default/toy/small")
STACK = Stack("default/toy")
CLIENT = Address("0xc1")
UNITS = 1_000

Row = TypeVar("Row")


@dataclass(slots=True)
class LaneUnderTest:
    """Roles of one gateway on one lane."""

    database: Database
    gateway_id: GatewayId = field(default_factory=lambda: GatewayId(uuid4()))
    settings: DispatchSettings = field(default_factory=DispatchSettings)
    bonds: BondPolicy = field(default_factory=BondPolicy)
    artifacts: ArtifactStore = field(default_factory=lambda: ArtifactStore.open("memory:///"))
    troubles: Troubles = field(default_factory=lambda: Troubles(SystemClock()))
    workers: ProofWorkers = field(default_factory=lambda: ProofWorkers(1))
    folder: Path = field(default_factory=lambda: Path(mkdtemp()))
    in_hand: InHand = field(default_factory=lambda: InHand(SystemClock()))
    silent_ms: int = 600_000  #: provers say nothing between the steps of a test, and count as long as it takes

    async def open(self) -> None:
        """Register the gateway and the program."""
        async with self.database.transaction(Transaction.JOIN_NETWORK) as connection:
            await connection.run(REGISTER_GATEWAY, gateway_id=self.gateway_id)
            await connection.run(INSERT_PROGRAM, **a_program(units=UNITS))
            for operator in ("alice", "bob"):
                await connection.run(GRANT_ROLE, address=operator, role="operator", label="")
            await post_transfers(connection, deposit(deposit_id="d", client=CLIENT, amount=10**12))

    async def add_prover(
        self,
        operator: str,
        name: str = "p",
        *,
        ask: int = 700,
        slots: int = 1,
        classes: Sequence[str] = ("small",),
        region: str = "",
        confinement: str = "",
        class_asks: Mapping[str, int] | None = None,
        system: str = "toy",
        systems: Sequence[str] = (),
        subnetworks: Sequence[str] = ("default",),
    ) -> SessionId:
        """Let a prover be connected."""
        session_id, prover_id = SessionId(uuid4()), f"{operator}/{name}"
        async with self.database.transaction(Transaction.OPEN_SESSION) as connection:
            await connection.run(REGISTER_PROVER, prover_id=prover_id, operator=operator)
            session = a_session(
                session_id,
                prover_id,
                self.gateway_id,
                asks=dict.fromkeys(systems or [system], ask),
                classes=list(classes),
                slots=slots,
                memory_bytes=1 << 40,
                region=region,
                confinement=confinement,
                class_asks={"toy": class_asks} if class_asks else {},
            )
            await connection.run(OPEN_SESSION, **session)
            await serve_stacks(connection, session_id, subnetworks, engines=len(systems) or 1)
        return session_id

    async def add_task(
        self,
        *,
        jobs: int = 1,
        limit_price: int = 1_500,
        hedging: bool = True,
        raises: tuple[int, int, int] | None = None,
        lane: str = LANE,
        client: Address = CLIENT,
        constraints: Constraints = NO_CONSTRAINTS,
        wraps: Sequence[tuple[int, ...]] = (),
        sealed_for: Sequence[str] = (),
        tags: Sequence[str] = (),
    ) -> UUID:
        """Let a task with so many ready jobs be accepted; it has no input and no facts. `raises`: its ladder.

        `wraps`: the positions that jobs behind those take; `sealed_for`: the provers that open its inputs.
        """
        if sealed_for:
            constraints = replace(constraints, provers=frozenset(map(ProverId, sealed_for)))
        task_id = fresh_uuid(SystemClock())
        ready, jobs = jobs, jobs + len(wraps)
        task: dict[str, Any] = {"task_id": str(task_id), "client": client, "program_digest": "p", "statement": {}}
        task |= {"idempotency_key": str(task_id), "request_digest": "digest", "inputs_digest": "digest"}
        task |= {"inputs": jobs, "limit_price": limit_price, "units": UNITS * jobs, "jobs_open": jobs}
        price_max = limit_price if raises is None else raises[2]
        task |= {"escrow": price_max * UNITS * jobs, "deadline_ms": 2**52, "hedging": hedging}
        if raises is not None:
            task |= dict(zip(("raise_permille", "raise_every_ms", "raise_max"), raises, strict=True))
        subnetwork = lane.split("/")[0]
        task |= {"subnetwork": None if subnetwork == "default" else subnetwork}
        if tags:
            task |= {"tags": list(tags)}
        if sealed_for:
            seals = {prover: {"key_id": f"of {prover}", "sealed": "AAAA"} for prover in sealed_for}
            task |= {"seal": {"request": "r", "commitment": "c", "seals": seals}}
        rows = []
        for number in range(jobs):
            row: dict[str, Any] = {"job_id": str(uuid4()), "task_id": str(task_id), "slice": int(number >= ready)}
            row |= {"input": number, "position": number, "lane": lane, "class": class_of_lane(lane), "units": UNITS}
            row |= {"memory_bytes": 1}
            if not constraints.is_empty:
                row |= {"lane": f"{lane}/{constraints.name}", "stack": STACK, "constraints": constraints.to_json()}
            taken = wraps[number - ready] if number >= ready else ()
            rows.append(row | {"depends_on": list(taken), "input_digest": "d", "input_bytes": 0, "facts": {}})
        [transfer] = escrow(task_id=str(task_id), client=client, limit_price=price_max, units=UNITS * jobs)
        task |= {"accepted": {}, "transfer": transfer_row(transfer)}
        await self.database.write(
            Transaction.ADMIT_TASKS,
            ADMIT_TASKS,
            tasks=[task],
            jobs=rows,
            small_inputs=[b""] * jobs,
            deadline_ms=0,
            origin="",
        )
        return task_id

    @property
    def market(self) -> Market:
        return Market(
            self.database,
            gateway_id=self.gateway_id,
            keys=NetworkKeys.of(a_key()),
            settings=MarketSettings(bonds=self.bonds, phases=PhasePolicy(silent_ms=self.silent_ms)),
            clock=ManualClock(),
        )

    @property
    def seating(self) -> Seating:
        return Seating(phases=self.settings.phases, clock=SystemClock())

    @property
    def watch(self) -> Watch:
        return Watch(self.database, self.settings, SystemClock(), self.clocks)

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.database, self.settings.phases, gateway_id=self.gateway_id, in_hand=self.in_hand)

    @property
    def checking(self) -> Checking:
        library = ProgramLibrary(self.database, self.artifacts, LocalCache(self.folder / "cache", 1 << 20))
        return Checking(self.database, self.artifacts, library, self.workers, self.troubles, scratch=self.folder)

    @property
    def desk(self) -> Desk:
        async def settle(reports: Any, operator: Address) -> list[BaseException]:
            raise NotImplementedError

        return Desk(
            self.database,
            gateway_id=self.gateway_id,
            settle=settle,
            checking=self.checking,
            settings=self.settings,
            subnetwork="default",
            clock=SystemClock(),
            in_hand=self.in_hand,
        )

    async def add_subnetwork(self, name: str, *members: tuple[str, str], **parameters: Any) -> None:
        """Let there be a subnetwork with these (address, role) on its list."""
        one = Subnetwork(name=name, **parameters)
        async with self.database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            await connection.run(
                CREATE_SUBNETWORK,
                name=name,
                is_open=one.is_open,
                proof_systems=sorted(one.proof_systems),
                reference_price=one.reference_price,
                overflow_after_ms=one.overflow_after_ms,
            )
            for address, role in members:
                await connection.run(ALLOW_MEMBER, name=name, address=address, role=role)

    async def sell(self, *, rounds: int = 20, stack: str = STACK) -> int:
        """Hold rounds until something is sold; return how many jobs were."""
        market = self.market
        for _ in range(rounds):
            held = await market.hold_rounds(Stack(stack))
            if held is not None and held.sold:
                return held.sold
        return 0

    async def offer(self, *sessions: SessionId) -> list[OfferedLease]:
        """Tell the provers of what was granted; return what they are told."""
        phases = self.settings.phases
        return await self.database.write(
            Transaction.OFFER_LEASES,
            OFFER_LEASES,
            gateway_id=self.gateway_id,
            silent_ms=phases.silent_ms,
            session_ids=list(sessions),
            pick_up_ms=phases.pick_up_ms,
        )

    @asynccontextmanager
    async def running_desk(self) -> AsyncIterator[Desk]:
        """Yield a desk whose batches are written."""
        desk = self.desk
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(desk.run())
            yield desk
            serving.cancel()

    async def say(self, desk: Desk, lease: Any, permille: int) -> None:
        """Let the prover of a lease say how far it is."""
        session = Session(
            session_id=SessionId(lease["session_id"]),
            prover_id=ProverId(lease["prover_id"]),
            operator=Address(lease["operator"]),
            lanes=[],
            dropped=[],
        )
        await desk.progress(session, StageReport(held=held(lease), stage="prove", permille=permille))

    async def make_slow(self) -> None:
        """Let every running lease have run for a minute, where a tenth of a second is usual."""
        us = 100_000 // UNITS
        await self.fetch(
            "INSERT INTO lane_times VALUES ($1, $2) ON CONFLICT (lane) DO UPDATE SET us_per_unit = $2", LANE, [us] * 20
        )
        await self.fetch("UPDATE leases SET started_ms = now_ms() - 60000 WHERE state = 'running'")

    async def look(self) -> None:
        """Look for stragglers once."""
        await Stragglers(
            self.database, self.settings.hedging, silent_ms=self.silent_ms, horizon_ms=self.settings.horizon_ms
        ).look()

    async def pay(self, *leases: Any, surplus_to: SurplusTo = SurplusTo.TREASURY) -> list[ProverId | LeaseLost]:
        """Let the proofs of these leases be verified, in this order and in one batch; return what they are told."""
        ids = [lease["lease_id"] for lease in leases]
        async with self.database.transaction(Transaction.PAY_PROOFS) as connection:
            rows = {row.lease_id: row for row in await connection.fetch(LEASES_OF_REPORTS, lease_ids=ids)}
            paid = await pay(
                connection,
                [proven(rows[one]) for one in ids],
                self.settings.hedging,
                seating=self.seating,
                surplus_to=surplus_to,
            )
        told = [paid[one] for one in ids]
        return [one.prover_id if isinstance(one, Paid) else one for one in told]

    async def give_back(
        self, lease: Any, reason: ReturnReason, *, attempts_max: int = 5, report: JobReport | None = None
    ) -> bool:
        """Let a lease end without a proof."""
        async with self.database.transaction(Transaction.RETURN_JOB) as connection:
            return await return_job(
                connection,
                lease["task_id"],
                lease["lease_id"],
                reason,
                detail="said",
                attempts_max=attempts_max,
                report=report,
            )

    async def payments(self) -> list[tuple[str, str, int]]:
        """Return reason, receiver and amount of all that was paid out of escrow."""
        rows = await self.fetch(
            "SELECT reason, credit, amount FROM transfers WHERE debit LIKE 'escrow:%' ORDER BY transfer_id"
        )
        return [(row["reason"], row["credit"].rpartition(":")[2], row["amount"]) for row in rows]

    async def check_money(self) -> None:
        """Every account adds up, and what a task spent left its escrow."""
        assert not await self.ask(LEDGER_FAULTS)
        rows = await self.fetch(
            "SELECT spent, (SELECT coalesce(sum(amount), 0) FROM transfers x WHERE x.task_id = t.task_id"
            " AND debit LIKE 'escrow:%' AND reason <> 'refund') AS paid FROM tasks t"
        )
        assert all(row["spent"] == row["paid"] for row in rows)

    async def leases(self) -> list[Any]:
        """Return every lease, oldest first."""
        return await self.fetch("SELECT *, now_ms() AS now_ms FROM leases ORDER BY fence")

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return every event in order."""
        rows = await self.fetch("SELECT kind, data FROM task_events ORDER BY task_id, seq")
        return [(row["kind"], row["data"]) for row in rows]

    async def ask(self, query: Query[Row], **named: object) -> list[Row]:
        """Run a named query."""
        async with self.database.connection() as connection:
            return await connection.fetch(query, **named)

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """Run a statement of the test's own."""
        async with self.database.connection() as connection:
            rows: list[Any] = await connection.raw.fetch(query, *args)
        return rows


def held(lease: Any) -> HeldLease:
    """Return how the prover of a lease names it."""
    return HeldLease(lease_id=LeaseId(lease["lease_id"]), fence=lease["fence"])


def proven(row: ReportedLease) -> Proven:
    this = HeldLease(lease_id=row.lease_id, fence=row.fence)
    report = JobReport(held=this, proof=b"proof", proof_digest=None, public={}, wall_ms=1, memory_peak_bytes=0)
    return Proven(lease=row, report=report, proof_digest=digest_of(b"proof"), small_proof=b"proof", size_bytes=5)
