"""Whatever happens in whatever order, and however often: money is conserved and no account is overdrawn."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.accounts import MINT, Ledger, Transfer, escrow_account
from proofgrid.rules.ledger.settlement import deposit, escrow, pay_for_proof, refund, withdraw

clients = st.sampled_from([Address("0xc1"), Address("0xc2")])
operators = st.sampled_from([Address("0x01"), Address("0x02")])
tasks = st.sampled_from(["t1", "t2", "t3"])


class LedgerMachine(RuleBasedStateMachine):
    """Posts anything at any time, beside a plain count of what came in and went out."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.history: list[list[Transfer]] = []
        self.deposited = 0
        self.withdrawn = 0

    def post(self, transfers: list[Transfer]) -> list[Transfer]:
        before = dict(self.ledger.balances)
        try:
            fresh = self.ledger.post(transfers)
        except (InsufficientFunds, IdempotencyConflict):
            assert self.ledger.balances == before
            return []
        self.history.append(transfers)
        return fresh

    @rule(number=st.integers(0, 5), client=clients, amount=st.integers(1, 500))
    def deposit(self, number: int, client: Address, amount: int) -> None:
        fresh = self.post(deposit(deposit_id=str(number), client=client, amount=amount))
        self.deposited += sum(transfer.amount for transfer in fresh)

    @rule(task=tasks, client=clients, limit_price=st.integers(0, 9), units=st.integers(1, 60))
    def escrow(self, task: str, client: Address, limit_price: int, units: int) -> None:
        self.post(escrow(task_id=task, client=client, limit_price=limit_price, units=units))

    @rule(task=tasks, job=st.integers(0, 3), operator=operators, sell=st.integers(0, 5), extra=st.integers(0, 2))
    def pay(self, task: str, job: int, operator: Address, sell: int, extra: int) -> None:
        self.post(
            pay_for_proof(
                task_id=task,
                job_id=f"{task}/{job}",
                operator=operator,
                units=7,
                buy_price=sell + extra,
                sell_price=sell,
                lane="lane",
                round_number=1,
            )
        )

    @rule(task=tasks, client=clients)
    def refund(self, task: str, client: Address) -> None:
        remaining = self.ledger.balance(escrow_account(task))
        self.post(refund(task_id=task, client=client, remaining=remaining))

    @rule(number=st.integers(0, 5), data=st.data(), amount=st.integers(1, 200))
    def withdraw(self, number: int, data: st.DataObject, amount: int) -> None:
        accounts = sorted(account for account in self.ledger.balances if account != MINT)
        if accounts:
            account = data.draw(st.sampled_from(accounts))
            fresh = self.post(withdraw(withdrawal_id=str(number), account=account, amount=amount))
            self.withdrawn += sum(transfer.amount for transfer in fresh)

    @rule(data=st.data())
    def post_again(self, data: st.DataObject) -> None:
        if self.history:
            before = dict(self.ledger.balances)
            assert self.ledger.post(data.draw(st.sampled_from(self.history))) == []
            assert self.ledger.balances == before

    @invariant()
    def money_is_conserved(self) -> None:
        assert sum(self.ledger.balances.values()) == 0
        assert -self.ledger.balance(MINT) == self.deposited - self.withdrawn

    @invariant()
    def nobody_is_overdrawn(self) -> None:
        assert all(amount >= 0 for account, amount in self.ledger.balances.items() if account != MINT)

    @invariant()
    def every_job_is_paid_at_most_once(self) -> None:
        paid = [transfer.job_id for transfer in self.ledger.transfers if transfer.reason == "proof"]
        assert len(paid) == len(set(paid))

    def teardown(self) -> None:
        """The transfers alone rebuild the ledger."""
        again = Ledger()
        again.post(self.ledger.transfers)
        assert again.balances == self.ledger.balances


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(deadline=None, derandomize=True, max_examples=60, stateful_step_count=40)
