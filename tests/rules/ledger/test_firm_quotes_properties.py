"""Whatever is bought, redeemed, missed, given up, sold to oneself or bought from oneself, in whatever order:

money is conserved, the treasury pays nothing, a bond pays only for seats that its own operator did not deliver, who
bought from others is whole, and one owner of both sides ends with less than before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.accounts import (
    TREASURY,
    Ledger,
    client_account,
    escrow_account,
    operator_account,
    quote_account,
    stake_account,
)
from proofgrid.rules.ledger.firm_quotes import (
    pay_premium,
    redeem_quote,
    return_escrow,
    sell_quote,
    settle_quote,
    share_out,
    share_premium,
)
from proofgrid.rules.ledger.settlement import deposit, pay_for_proof
from proofgrid.rules.ledger.stakes import bond
from proofgrid.rules.market.firm_quote import FirmPolicy, FirmTerms, QuoteEvent, firm_terms, operators_of
from proofgrid.rules.market.reserves import Reserve, ReservedJob, Seat, sell_ahead

#: One owner has a client and two operators; the others are strangers to it and to each other.
EVE, EVE_SELLS, EVE_SELLS_MORE = Address("eve"), Address("eve-1"), Address("eve-2")
ALICE, BOB, CAROL = Address("alice"), Address("bob"), Address("carol")
CLIENTS, OPERATORS = [EVE, ALICE], [EVE_SELLS, EVE_SELLS_MORE, BOB, CAROL]
HERS = [
    client_account(EVE),
    *(f(one) for one in (EVE_SELLS, EVE_SELLS_MORE) for f in (operator_account, stake_account)),
]
POLICY = FirmPolicy()
FUNDS = 10**7


@dataclass
class Quote:
    quote_id: str
    client: Address
    terms: FirmTerms
    seats: tuple[Seat, ...]
    task_id: str = ""
    paid: dict[int, Address] = field(default_factory=dict)  #: position -> who was paid for a proof of the job
    ended: bool = False

    @property
    def operators(self) -> list[Address]:
        return [Address(one) for one in operators_of(seat.operator for seat in self.seats)]

    def units_of(self, positions: set[int]) -> dict[Address, int]:
        units: dict[Address, int] = {}
        for seat in self.seats:
            if seat.position in positions:
                operator = Address(seat.operator)
                units[operator] = units.get(operator, 0) + seat.units
        return units


class Trade(RuleBasedStateMachine):
    """Everybody's moves, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.quotes: list[Quote] = []
        self.owed: dict[Address, int] = dict.fromkeys(OPERATORS, 0)  #: what the table lets bonds pay
        self.worked: int = 0  #: what strangers paid Eve for proofs, slots kept free, and misses of their own

    @initialize()
    def begin(self) -> None:
        for client in CLIENTS:
            self.ledger.post(deposit(deposit_id=client, client=client, amount=FUNDS))
        for operator in OPERATORS:
            self.ledger.post(bond(deposit_id=operator, operator=operator, amount=FUNDS, from_outside=True))

    def open_quotes(self, *, redeemed: bool) -> list[Quote]:
        return [one for one in self.quotes if not one.ended and bool(one.task_id) == redeemed]

    @rule(
        client=st.sampled_from(CLIENTS),
        units=st.lists(st.integers(1, 9), min_size=1, max_size=4),
        offers=st.lists(
            st.tuples(st.sampled_from(OPERATORS), st.integers(500, 1_500), st.integers(1, 4)), min_size=1, max_size=5
        ),
        beacon=st.binary(min_size=4, max_size=4),
    )
    def buy(self, client: Address, units: list[int], offers: list[tuple[Address, int, int]], beacon: bytes) -> None:
        jobs = [ReservedJob(lane="default/toy/small", units=one, memory_bytes=1) for one in units]
        reserves = [
            Reserve(
                prover_id=f"{operator}/{place}",
                operator=operator,
                price=price,
                slots=slots,
                memory_bytes=1 << 30,
                units_min=0,
                units_max=10**6,
                reputation_bucket=0,
                speeds={},
            )
            for place, (operator, price, slots) in enumerate(offers)
        ]
        sold = sell_ahead(jobs, reserves, reference=1_000, beacon=beacon)
        if sold is None:
            return
        terms = firm_terms(sold, POLICY, hold_ms=60_000)
        quote = Quote(f"q{len(self.quotes)}", client, terms, sold.seats)
        if self.ledger.balance(client_account(client)) < terms.cost + terms.premium:
            return
        if any(self.ledger.balance(stake_account(one)) < terms.pledge for one in quote.operators):
            return
        self.ledger.post(sell_quote(quote_id=quote.quote_id, client=client, terms=terms, operators=quote.operators))
        self.quotes.append(quote)

    @precondition(lambda self: self.open_quotes(redeemed=False))
    @rule(data=st.data(), redeems=st.sampled_from([True, True, True, False]))
    def redeem_or_let_expire(self, data: st.DataObject, redeems: bool) -> None:
        quote = data.draw(st.sampled_from(self.open_quotes(redeemed=False)))
        there = data.draw(st.sets(st.sampled_from([seat.position for seat in quote.seats])))
        earned = share_premium(quote.terms.premium, units=quote.terms.units, there=quote.units_of(there))
        quote_id, client = quote.quote_id, quote.client
        if redeems:
            quote.task_id = f"t-{quote_id}"
            self.ledger.post(redeem_quote(quote_id=quote_id, task_id=quote.task_id, cost=quote.terms.cost))
        else:
            self.end(quote, QuoteEvent.EXPIRED, set())
        self.ledger.post(pay_premium(quote_id=quote_id, client=client, premium=quote.terms.premium, earned=earned))
        if client != EVE:
            self.worked += sum(amount for one, amount in earned.items() if one in (EVE_SELLS, EVE_SELLS_MORE))

    @precondition(lambda self: self.open_quotes(redeemed=True))
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        """A job is proven by whose seat it is, or by anybody else in the live market at no higher price."""
        quote = data.draw(st.sampled_from(self.open_quotes(redeemed=True)))
        left = [seat for seat in quote.seats if seat.position not in quote.paid]
        if not left:
            return
        seat = data.draw(st.sampled_from(left))
        prover = data.draw(st.sampled_from([Address(seat.operator), *OPERATORS]))
        buy_price = quote.terms.buy_price
        if prover != seat.operator:
            buy_price = data.draw(st.integers(0, quote.terms.buy_price))
        sell_price = data.draw(st.integers(0, buy_price))
        self.ledger.post(
            pay_for_proof(
                task_id=quote.task_id,
                job_id=f"{quote.task_id}/{seat.position}",
                operator=prover,
                units=seat.units,
                buy_price=buy_price,
                sell_price=sell_price,
                lane=seat.lane,
                round_number=0,
            )
        )
        quote.paid[seat.position] = prover
        if quote.client != EVE and prover in (EVE_SELLS, EVE_SELLS_MORE):
            self.worked += sell_price * seat.units

    @precondition(lambda self: self.open_quotes(redeemed=True))
    @rule(data=st.data(), event=st.sampled_from([QuoteEvent.MISSED, QuoteEvent.GIVEN_UP]))
    def end_task(self, data: st.DataObject, event: QuoteEvent) -> None:
        quote = data.draw(st.sampled_from(self.open_quotes(redeemed=True)))
        undelivered = {seat.position for seat in quote.seats if quote.paid.get(seat.position) != seat.operator}
        if len(quote.paid) == len(quote.seats):
            event = QuoteEvent.KEPT
        owing = data.draw(st.sets(st.sampled_from(sorted(undelivered)))) if undelivered else set()
        self.end(quote, event, owing)

    def end(self, quote: Quote, event: QuoteEvent, owing: set[int]) -> None:
        owed = quote.units_of(owing)
        before = {one: self.ledger.balance(stake_account(one)) for one in quote.operators}
        had = self.ledger.balance(client_account(quote.client))
        treasury = self.ledger.balance(TREASURY)
        rest = quote.terms.cost
        task_id = None
        if quote.task_id:
            task_id = quote.task_id
            rest = self.ledger.balance(escrow_account(task_id))
            self.ledger.post(return_escrow(quote_id=quote.quote_id, task_id=task_id, rest=rest))
        shares = share_out(event, terms=quote.terms, rest=rest, operators=quote.operators, owed=owed)
        self.ledger.post(settle_quote(shares, quote_id=quote.quote_id, task_id=task_id, client=quote.client))
        quote.ended = True

        terms, answers = quote.terms, event is QuoteEvent.MISSED and bool(owed)
        kept = {one: terms.pledge - (self.ledger.balance(stake_account(one)) - before[one]) for one in before}
        assert self.ledger.balance(TREASURY) == treasury
        assert all(amount == 0 for one, amount in kept.items() if not answers or one not in owed)
        assert sum(kept.values()) == ((terms.cost - rest) + 2 * terms.penalty if answers else 0)
        gained = self.ledger.balance(client_account(quote.client)) - had
        assert gained == (terms.cost + terms.penalty if answers else rest)
        for one, amount in kept.items():
            self.owed[one] += amount
        if quote.client != EVE:
            self.worked -= sum(kept.get(one, 0) for one in (EVE_SELLS, EVE_SELLS_MORE))
        else:
            # What strangers pay her for misses of their own is the table's, and a part of it is burnt.
            self.worked += sum(kept.get(one, 0) for one in (BOB, CAROL))

    @invariant()
    def money_is_conserved_and_the_treasury_pays_nothing(self) -> None:
        assert sum(self.ledger.balances.values()) == 0
        assert all(balance >= 0 for account, balance in self.ledger.balances.items() if account != "mint")
        treasury = [one for one in self.ledger.transfers if TREASURY in (one.debit, one.credit)]
        assert all(one.credit == TREASURY and one.reason == "surplus" for one in treasury)

    @invariant()
    def a_bond_pays_for_its_own_misses_only(self) -> None:
        if not self.ledger.balances:
            return
        for operator in OPERATORS:
            pledged = sum(one.terms.pledge for one in self.quotes if not one.ended and operator in one.operators)
            assert self.ledger.balance(stake_account(operator)) + pledged == FUNDS - self.owed[operator]

    @invariant()
    def one_owner_of_both_sides_gains_only_what_strangers_paid_for_work_or_for_misses(self) -> None:
        if not self.ledger.balances:
            return
        open_ones = [one for one in self.quotes if not one.ended]
        hers = sum(self.ledger.balance(account) for account in HERS)
        hers += sum(
            one.terms.pledge for one in open_ones for seller in (EVE_SELLS, EVE_SELLS_MORE) if seller in one.operators
        )
        hers += sum(
            self.ledger.balance(escrow_account(one.task_id)) if one.task_id else one.terms.cost + one.terms.premium
            for one in open_ones
            if one.client == EVE
        )
        assert hers <= 3 * FUNDS + self.worked

    @invariant()
    def what_has_ended_holds_nothing(self) -> None:
        for one in self.quotes:
            if one.ended:
                assert self.ledger.balance(quote_account(one.quote_id)) == 0
                assert not one.task_id or self.ledger.balance(escrow_account(one.task_id)) == 0


TestTrade = Trade.TestCase
TestTrade.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_who_misses_a_quote_that_he_bought_of_himself_loses_the_penalty_and_the_surplus() -> None:
    trade = Trade()
    trade.begin()
    reserves = [
        Reserve(
            prover_id=f"{EVE_SELLS}/{place}",
            operator=EVE_SELLS,
            price=900 + 100 * place,
            slots=1,
            memory_bytes=1,
            units_min=0,
            units_max=9,
            reputation_bucket=0,
            speeds={},
        )
        for place in range(2)
    ]
    sold = sell_ahead([ReservedJob(lane="l", units=9, memory_bytes=1)], reserves, reference=1_000, beacon=b"b")
    assert sold is not None
    quote = Quote("q", EVE, firm_terms(sold, POLICY, hold_ms=60_000), sold.seats, "t")
    before = sum(trade.ledger.balance(account) for account in HERS)
    trade.ledger.post(sell_quote(quote_id="q", client=EVE, terms=quote.terms, operators=[EVE_SELLS]))
    trade.ledger.post(redeem_quote(quote_id="q", task_id="t", cost=quote.terms.cost))
    trade.ledger.post(
        pay_premium(quote_id="q", client=EVE, premium=quote.terms.premium, earned={EVE_SELLS: quote.terms.premium})
    )
    trade.end(quote, QuoteEvent.MISSED, {0})
    assert sum(trade.ledger.balance(account) for account in HERS) == before - quote.terms.penalty
