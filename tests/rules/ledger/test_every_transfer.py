"""Every movement of money spelled out: its id, accounts and reason stand in ledgers and statements for good."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.rules.ledger import deliveries, firm_quotes, payouts, settlement, stakes
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT, Transfer
from proofgrid.rules.ledger.deliveries import give_back_delivery, pay_delivery
from proofgrid.rules.ledger.firm_quotes import (
    Shares,
    pay_premium,
    redeem_quote,
    return_escrow,
    sell_quote,
    settle_quote,
)
from proofgrid.rules.ledger.payouts import note_claimed, request_payout
from proofgrid.rules.ledger.settlement import (
    SurplusTo,
    WastedShare,
    burn,
    deposit,
    escrow,
    fees_of,
    fund_treasury,
    pay_for_lost_hedge,
    pay_for_proof,
    pay_for_wasted_work,
    refund,
    withdraw,
)
from proofgrid.rules.ledger.stakes import (
    bond,
    compensate,
    compensate_from_treasury,
    overturn,
    reward_rescuer,
    take,
    take_back_unbonding,
    unbond,
    withdraw_unbonded,
)
from proofgrid.rules.market.firm_quote import FirmTerms
from proofgrid.rules.staking.slashing import Slash, SlashReason

CLIENT, OPERATOR = Address("C"), Address("O")
ACCOUNT = AccountId("operator:O")
SOLD = {"task_id": "T", "job_id": "J", "lane": "L", "round_number": 9}
TERMS = FirmTerms(units=10, cost=50, premium=4, penalty=6, buy_price=5, sell_price=4, hold_ms=1, within_ms=1)
SLASHED = Slash(reason=SlashReason.INVALID_PROOF, burnt=5, client=3, rescuer=2)


def a_proof(**changes: SurplusTo) -> list[Transfer]:
    prices = {"units": 10, "buy_price": 7, "sell_price": 5}
    return pay_for_proof(operator=OPERATOR, **SOLD, **prices, **changes)  # type: ignore[arg-type]


def a_share(amount: int, lease_id: str = "E") -> WastedShare:
    return WastedShare(lease_id=lease_id, operator=OPERATOR, amount=amount, lane="L", round_number=9)


def a_lost_hedge(amount: int) -> list[Transfer]:
    return pay_for_lost_hedge(
        task_id="T",
        job_id="J",
        operator=OPERATOR,
        units=10,
        limit_price=8,
        winner_buy_price=5,
        amount=amount,
        lane="L",
        round_number=9,
    )


def wasted(*shares: WastedShare) -> list[Transfer]:
    return pay_for_wasted_work(task_id="T", job_id="J", units=10, limit_price=3, shares=shares)


#: what happens -> id, from, to, amount, reason, and of which task, job, lane and round
TOLD: list[tuple[Callable[[], list[Transfer]], list[str]]] = [
    (lambda: deposit(deposit_id="D", client=CLIENT, amount=1), ["deposit:D mint>client:C 1 deposit"]),
    (lambda: deposit(deposit_id="D", client=NETWORK_CLIENT, amount=1), ["deposit:D mint>treasury 1 deposit"]),
    (lambda: fund_treasury(deposit_id="D", amount=1), ["fund:D mint>treasury 1 treasury_funding"]),
    (lambda: withdraw(withdrawal_id="W", account=ACCOUNT, amount=1), ["withdraw:W operator:O>mint 1 withdrawal"]),
    (lambda: burn(burn_id="B", account=ACCOUNT, amount=1), ["burn:B operator:O>mint 1 burn"]),
    (
        lambda: request_payout(payout_id="P", account=ACCOUNT, to=CLIENT, amount=1),
        ["payout:P operator:O>payable:C 1 payout"],
    ),
    (
        lambda: note_claimed(account=CLIENT, before=3, cumulative=8),
        ["claimed:C:8 payable:C>mint 5 payout claimed"],
    ),
    (lambda: escrow(task_id="T", client=CLIENT, limit_price=3, units=4), ["escrow:T client:C>escrow:T 12 escrow T"]),
    (
        lambda: escrow(task_id="T", client=NETWORK_CLIENT, limit_price=3, units=4),
        ["escrow:T treasury>escrow:T 12 canary T"],
    ),
    (
        lambda: a_proof(),
        ["pay:J escrow:T>operator:O 50 proof T J L 9", "surplus:J escrow:T>treasury 20 surplus T J L 9"],
    ),
    (
        lambda: a_proof(surplus_to=SurplusTo.BURN),
        ["pay:J escrow:T>operator:O 50 proof T J L 9", "surplus:J escrow:T>mint 20 surplus burnt T J L 9"],
    ),
    (lambda: fees_of(a_proof(), fee_permille=100), ["fee:pay:J operator:O>treasury 5 fee T J L 9"]),
    (lambda: fees_of(a_proof(), fee_permille=19), []),
    (lambda: a_lost_hedge(30), ["hedge:J escrow:T>operator:O 30 hedge T J L 9"]),
    (lambda: a_lost_hedge(1), ["hedge:J escrow:T>operator:O 1 hedge T J L 9"]),
    (lambda: a_lost_hedge(0), []),
    (
        lambda: wasted(a_share(29), a_share(0, "F"), a_share(1, "G")),
        ["fault:E escrow:T>operator:O 29 fault T J L 9", "fault:G escrow:T>operator:O 1 fault T J L 9"],
    ),
    (lambda: refund(task_id="T", client=CLIENT, remaining=1), ["refund:T escrow:T>client:C 1 refund T"]),
    (lambda: refund(task_id="T", client=NETWORK_CLIENT, remaining=1), ["refund:T escrow:T>treasury 1 canary_refund T"]),
    (lambda: refund(task_id="T", client=CLIENT, remaining=0), []),
    (lambda: bond(deposit_id="D", operator=OPERATOR, amount=1, from_outside=True), ["bond:D mint>stake:O 1 bond"]),
    (
        lambda: bond(deposit_id="D", operator=OPERATOR, amount=1, from_outside=False),
        ["bond:D operator:O>stake:O 1 bond"],
    ),
    (lambda: unbond(unbonding_id="U", operator=OPERATOR, amount=1), ["unbond:U stake:O>unbonding:O 1 unbond"]),
    (
        lambda: withdraw_unbonded(unbonding_id="U", operator=OPERATOR, amount=1),
        ["unbonded:U unbonding:O>operator:O 1 unbonded"],
    ),
    (lambda: withdraw_unbonded(unbonding_id="U", operator=OPERATOR, amount=0), []),
    (
        lambda: take_back_unbonding(case="slash:E", operator=OPERATOR, amount=1),
        ["slash:E:unbonding unbonding:O>stake:O 1 unbonding slashed"],
    ),
    (
        lambda: take(case="slash:E", operator=OPERATOR, client=CLIENT, task_id="T", job_id="J", slashed=SLASHED),
        [
            "slash:E:burnt stake:O>mint 5 slash burnt T J",
            "slash:E:client stake:O>client:C 3 slash client T J",
            "slash:E:rescuer stake:O>rescue:J 2 slash rescuer T J",
        ],
    ),
    (
        lambda: reward_rescuer(task_id="T", job_id="J", operator=OPERATOR, amount=1),
        ["rescue:J rescue:J>operator:O 1 rescue T J"],
    ),
    (
        lambda: compensate(task_id="T", job_id="J", client=CLIENT, amount=1),
        ["unrescued:J rescue:J>client:C 1 unrescued T J"],
    ),
    (
        lambda: compensate_from_treasury(evidence_id="E", client=CLIENT, taken=8, treasury=9),
        ["chain:E:client treasury>client:C 2 slash client"],
    ),
    (
        lambda: pay_delivery(task_id="T", client=CLIENT, price=5),
        ["deliver:T client:C>treasury 5 delivery T"],
    ),
    (
        lambda: give_back_delivery(task_id="T", client=CLIENT, price=5),
        ["undelivered:T treasury>client:C 5 delivery given back T"],
    ),
    (
        lambda: overturn(evidence_id="E", operator=OPERATOR, burnt=5, from_treasury=2),
        ["overturn:E:burnt mint>stake:O 5 slash overturned", "overturn:E:treasury treasury>stake:O 2 slash overturned"],
    ),
    (
        lambda: sell_quote(quote_id="Q", client=CLIENT, terms=TERMS, operators=[OPERATOR]),
        [
            "quote_premium:Q client:C>quote:Q 4 quote_premium",
            "quote_price:Q client:C>quote:Q 50 quote_price",
            "quote_pledge:Q:O stake:O>quote:Q 62 quote_pledge",
        ],
    ),
    (lambda: redeem_quote(quote_id="Q", task_id="T", cost=50), ["escrow:T quote:Q>escrow:T 50 escrow T"]),
    (
        lambda: pay_premium(quote_id="Q", client=CLIENT, premium=4, earned={OPERATOR: 3}, task_id="T"),
        [
            "quote_reserved:Q:O quote:Q>operator:O 3 quote_reserved T",
            "quote_unearned:Q quote:Q>client:C 1 quote_unearned T",
        ],
    ),
    (lambda: return_escrow(quote_id="Q", task_id="T", rest=1), ["quote_rest:Q escrow:T>quote:Q 1 quote_rest T"]),
    (lambda: return_escrow(quote_id="Q", task_id="T", rest=0), []),
    (
        lambda: settle_quote(
            Shares(refunded=1, penalty=2, charged=9, burnt=2, given_back={OPERATOR: 3}),
            quote_id="Q",
            task_id="T",
            client=CLIENT,
        ),
        [
            "quote_refund:Q quote:Q>client:C 1 quote_refund T",
            "quote_penalty:Q quote:Q>client:C 2 quote_penalty T",
            "quote_burnt:Q quote:Q>mint 2 quote_burnt T",
            "quote_back:Q:O quote:Q>stake:O 3 quote_back T",
        ],
    ),
]


def told(transfer: Transfer) -> str:
    parts = [transfer.transfer_id, f"{transfer.debit}>{transfer.credit}", transfer.amount, transfer.reason]
    parts += [transfer.task_id, transfer.job_id, transfer.lane, transfer.round_number]
    return " ".join(str(part) for part in parts if part is not None)


@pytest.mark.parametrize(
    ("move", "expected"), TOLD, ids=[expected[0] if expected else "nothing" for _, expected in TOLD]
)
def test_a_movement_is_what_it_always_was(move: Callable[[], list[Transfer]], expected: list[str]) -> None:
    transfers = move()
    assert [told(transfer) for transfer in transfers] == expected
    assert all(type(transfer.amount) is int for transfer in transfers)


def test_no_movement_is_forgotten_here() -> None:
    made = {
        name
        for module in (settlement, stakes, firm_quotes, payouts, deliveries)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if makes_transfers(module, function) and not name.startswith("_") and "__" not in name
    }
    assert made == {name for name in made if name in globals()}


def makes_transfers(module: ModuleType, function: Callable[..., object]) -> bool:
    return function.__module__ == module.__name__ and "Transfer" in str(inspect.signature(function).return_annotation)


@pytest.mark.parametrize(
    "move",
    [
        lambda amount: deposit(deposit_id="D", client=CLIENT, amount=amount),
        lambda amount: fund_treasury(deposit_id="D", amount=amount),
        lambda amount: withdraw(withdrawal_id="W", account=ACCOUNT, amount=amount),
        lambda amount: burn(burn_id="B", account=ACCOUNT, amount=amount),
        lambda amount: bond(deposit_id="D", operator=OPERATOR, amount=amount, from_outside=True),
        lambda amount: request_payout(payout_id="P", account=ACCOUNT, to=CLIENT, amount=amount),
        lambda amount: note_claimed(account=CLIENT, before=0, cumulative=amount),
        lambda amount: unbond(unbonding_id="U", operator=OPERATOR, amount=amount),
    ],
)
def test_what_people_move_is_at_least_one_base_unit(move: Callable[[int], list[Transfer]]) -> None:
    assert move(1)[0].amount == 1
    with pytest.raises(InvalidField) as caught:
        move(0)
    assert caught.value.field == "amount"


def test_a_job_pays_no_more_than_its_own_escrow_has_left() -> None:
    for too_much in (31, -1):
        with pytest.raises(InvalidField) as caught:
            a_lost_hedge(too_much)
        assert caught.value.field == "amount"
    assert sum(transfer.amount for transfer in wasted(a_share(30))) == 30
    with pytest.raises(InvalidField):
        wasted(a_share(30), a_share(1, "F"))
