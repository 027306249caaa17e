"""Leases, hedges, winners, losers, faults and cancellations in any order: no job costs more than its own escrow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.hedging import HedgePolicy, RunningLease, hedge_price, left_of_job, loser_share
from proofgrid.rules.jobs.lifecycle import LeaseKind, LeaseState
from proofgrid.rules.jobs.unprovable import UnprovablePolicy, WastedWork, wasted_shares
from proofgrid.rules.ledger.accounts import MINT, Ledger, Transfer, client_account, escrow_account
from proofgrid.rules.ledger.settlement import (
    WastedShare,
    deposit,
    escrow,
    pay_for_lost_hedge,
    pay_for_proof,
    pay_for_wasted_work,
    refund,
)

CLIENT, TASK, DEPOSIT = Address("0xc1"), "task", 10**15
OPERATORS = {LeaseKind.FIRST: Address("0x01"), LeaseKind.HEDGE: Address("0x02")}
HEDGING, FAULTS = HedgePolicy(), UnprovablePolicy()
shown = st.integers(0, 1_200)


@dataclass(slots=True)
class Lease:
    name: str
    buy_price: int
    sell_price: int


@dataclass(slots=True)
class Job:
    name: str
    units: int
    held: dict[LeaseKind, Lease] = field(default_factory=dict)
    proven: bool = False


class HedgedTask(RuleBasedStateMachine):
    """One task; what the roles would do with it, each step one list of transfers."""

    @initialize(units=st.lists(st.integers(1, 1_000), min_size=1, max_size=4), limit=st.integers(1, 2_000))
    def accept(self, units: list[int], limit: int) -> None:
        self.jobs = [Job(f"job-{number}", one) for number, one in enumerate(units)]
        self.limit, self.ended, self.leases = limit, False, 0
        self.ledger, self.history = Ledger(), list[list[Transfer]]()
        self.post(deposit(deposit_id="d", client=CLIENT, amount=DEPOSIT))
        self.post(escrow(task_id=TASK, client=CLIENT, limit_price=limit, units=sum(units)))

    def post(self, transfers: list[Transfer]) -> None:
        self.ledger.post(transfers)
        self.history.append(transfers)

    def job(self, number: int) -> Job | None:
        job = self.jobs[number % len(self.jobs)]
        return None if self.ended or job.proven else job

    def lease(self, job: Job, kind: LeaseKind, most: int, part: int, surplus: int) -> None:
        buy_price = most * part // 100
        self.leases += 1
        job.held[kind] = Lease(f"lease-{self.leases}", buy_price, max(0, buy_price - surplus))

    @rule(number=st.integers(0, 3), part=st.integers(0, 100), surplus=st.integers(0, 50))
    def sell(self, number: int, part: int, surplus: int) -> None:
        job = self.job(number)
        if job is not None and not job.held:
            self.lease(job, LeaseKind.FIRST, self.limit, part, surplus)

    @rule(number=st.integers(0, 3), part=st.integers(0, 100), surplus=st.integers(0, 50))
    def hedge(self, number: int, part: int, surplus: int) -> None:
        job = self.job(number)
        if job is None or set(job.held) != {LeaseKind.FIRST}:
            return
        first = job.held[LeaseKind.FIRST]
        most = hedge_price(self.limit, _running(first), HEDGING)
        if most > 0:
            self.lease(job, LeaseKind.HEDGE, most, part, surplus)

    @rule(number=st.integers(0, 3), kind=st.sampled_from(LeaseKind))
    def lose(self, number: int, kind: LeaseKind) -> None:
        """A lease ends without a proof; a hedge that is alone now is the first."""
        job = self.job(number)
        if job is None or job.held.pop(kind, None) is None:
            return
        if LeaseKind.HEDGE in job.held:
            job.held = {LeaseKind.FIRST: job.held[LeaseKind.HEDGE]}

    @rule(number=st.integers(0, 3), kind=st.sampled_from(LeaseKind), permille=shown)
    def prove(self, number: int, kind: LeaseKind, permille: int) -> None:
        job = self.job(number)
        if job is None or kind not in job.held:
            return
        winner = job.held.pop(kind)
        transfers = pay_for_proof(
            task_id=TASK,
            job_id=job.name,
            operator=OPERATORS[kind],
            units=job.units,
            buy_price=winner.buy_price,
            sell_price=winner.sell_price,
            lane="lane",
            round_number=1,
        )
        for loser_kind, loser in job.held.items():
            transfers += self._pay_loser(job, loser_kind, loser, winner, permille)
        job.held, job.proven = {}, True
        self.post(transfers)

    def _pay_loser(self, job: Job, kind: LeaseKind, loser: Lease, winner: Lease, permille: int) -> list[Transfer]:
        left = left_of_job(limit_price=self.limit, units=job.units, winner_buy_price=winner.buy_price)
        amount = loser_share(
            kind, shown_permille=permille, sell_price=loser.sell_price, units=job.units, left=left, policy=HEDGING
        )
        if kind is LeaseKind.HEDGE:
            promised = loser.sell_price * job.units * min(permille, 1_000) * HEDGING.hedge_share_permille // 10**6
            assert amount == promised, "a hedge was sold that its job's escrow cannot pay"
        return pay_for_lost_hedge(
            task_id=TASK,
            job_id=job.name,
            operator=OPERATORS[kind],
            units=job.units,
            limit_price=self.limit,
            winner_buy_price=winner.buy_price,
            amount=amount,
            lane="lane",
            round_number=2,
        )

    @rule(permille=shown)
    def cancel(self, permille: int) -> None:
        self._end([], permille)

    @rule(number=st.integers(0, 3), claims=st.integers(3, 5), price=st.integers(0, 2_000), permille=shown)
    def program_fault(self, number: int, claims: int, price: int, permille: int) -> None:
        """Operators agreed about one job; leases of other jobs are stopped with it, and paid as well."""
        job = self.job(number)
        if job is None:
            return
        claimed = [Lease(f"claim-{n}", min(price, self.limit), min(price, self.limit)) for n in range(claims)]
        self._end([(job, claimed)], permille)

    def _end(self, claimed: list[tuple[Job, list[Lease]]], permille: int) -> None:
        if self.ended:
            return
        stopped = [(job, list(job.held.values())) for job in self.jobs] if claimed else []
        works: dict[str, list[Lease]] = {}
        for job, leases in claimed + stopped:
            works.setdefault(job.name, []).extend(leases)
        transfers = [one for job in self.jobs for one in self._pay_fault(job, works.get(job.name, []), permille)]
        self.ended = True
        self.post(transfers)
        rest = self.ledger.balance(escrow_account(TASK))
        self.post(refund(task_id=TASK, client=CLIENT, remaining=rest))

    def _pay_fault(self, job: Job, leases: list[Lease], permille: int) -> list[Transfer]:
        works = [
            WastedWork(
                lease_id=lease.name,
                operator="0x03",
                units=job.units,
                sell_price=lease.sell_price,
                shown_permille=permille,
            )
            for lease in leases
        ]
        amounts = wasted_shares(works, left=0 if job.proven else self.limit * job.units, policy=FAULTS)
        shares = [
            WastedShare(
                lease_id=work.lease_id,
                operator=Address(work.operator),
                amount=amounts[work.lease_id],
                lane="lane",
                round_number=1,
            )
            for work in works
        ]
        return pay_for_wasted_work(
            task_id=TASK, job_id=job.name, units=job.units, limit_price=self.limit, shares=shares
        )

    @rule(data=st.data())
    def post_again(self, data: st.DataObject) -> None:
        """A crash after the commit: whoever goes on posts the same again."""
        before = dict(self.ledger.balances)
        assert self.ledger.post(data.draw(st.sampled_from(self.history))) == []
        assert self.ledger.balances == before

    @invariant()
    def no_job_costs_more_than_its_own_escrow(self) -> None:
        costs: Counter[str] = Counter()
        for transfer in self.ledger.transfers:
            if transfer.job_id is not None:
                costs[transfer.job_id] += transfer.amount
        assert all(costs[job.name] <= self.limit * job.units for job in self.jobs)

    @invariant()
    def every_proven_job_has_one_winner_and_at_most_one_paid_loser(self) -> None:
        paid = Counter((transfer.job_id, transfer.reason) for transfer in self.ledger.transfers if transfer.job_id)
        for job in self.jobs:
            assert paid[job.name, "proof"] == (1 if job.proven else 0)
            assert paid[job.name, "hedge"] <= (1 if job.proven else 0)
            assert not (job.proven and paid[job.name, "fault"])

    @invariant()
    def money_is_conserved(self) -> None:
        assert sum(self.ledger.balances.values()) == 0
        assert self.ledger.balance(MINT) == -DEPOSIT
        assert all(amount >= 0 for account, amount in self.ledger.balances.items() if account != MINT)

    @invariant()
    def an_ended_task_leaves_nothing_in_escrow(self) -> None:
        if self.ended:
            spent = sum(transfer.amount for transfer in self.ledger.transfers if transfer.job_id)
            assert self.ledger.balance(escrow_account(TASK)) == 0
            assert self.ledger.balance(client_account(CLIENT)) == DEPOSIT - spent


def _running(lease: Lease) -> RunningLease:
    return RunningLease(
        kind=LeaseKind.FIRST,
        state=LeaseState.RUNNING,
        operator=OPERATORS[LeaseKind.FIRST],
        buy_price=lease.buy_price,
        sell_price=lease.sell_price,
        started_ms=0,
        permille=0,
    )


TestHedgedTask = HedgedTask.TestCase
TestHedgedTask.settings = settings(deadline=None, derandomize=True, max_examples=150, stateful_step_count=30)
