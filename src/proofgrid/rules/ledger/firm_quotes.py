"""Money of firm quotes: what is set aside when one is sold is enough for whatever follows (docs/decisions/0019).

    client --cost + premium--> quote:<id> <--pledge of each operator with seats-- stake:<operator>

what happens   premium                      cost                             pledges
redeemed       by units to who is there,    to escrow:<task>                 stay
               of the absent to the client
expired        by units to all              to the client                    to their stakes
kept           -                            what is left of the escrow       to their stakes
                                            to the client
given up       -                            the same                         to their stakes
missed         -                            the same                         of those who owe: what was spent and the
                                                                             penalty to the client, as much as the
                                                                             penalty burnt; the rest to their stakes

Those who owe share what is owed by the units of the seats that they did not deliver. The treasury is in no row, so it
neither wins nor loses by any quote; what is burnt makes a miss of one's own quote a loss, as with slashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import check_amount
from proofgrid.rules.ledger.accounts import (
    MINT,
    Transfer,
    client_account,
    escrow_account,
    operator_account,
    quote_account,
    stake_account,
)
from proofgrid.rules.market.firm_quote import FirmTerms, QuoteEvent

Amounts = Mapping[Address, int]  #: operator -> base units


def sell_quote(*, quote_id: str, client: Address, terms: FirmTerms, operators: Sequence[Address]) -> list[Transfer]:
    """Take the client's money, and the pledges of the operators with seats."""
    payer, account = client_account(client), quote_account(quote_id)
    return _moved(
        _move("premium", quote_id, payer, account, terms.premium),
        _move("price", quote_id, payer, account, terms.cost),
        *(_move("pledge", quote_id, stake_account(one), account, terms.pledge, of=one) for one in operators),
    )


def redeem_quote(*, quote_id: str, task_id: str, cost: int) -> list[Transfer]:
    """Put the cost in escrow. A task's escrow is one transfer, whoever pays it."""
    return [
        Transfer(
            transfer_id=f"escrow:{task_id}",
            debit=quote_account(quote_id),
            credit=escrow_account(task_id),
            amount=check_amount(cost, field="cost"),
            reason="escrow",
            task_id=task_id,
        )
    ]


def share_premium(premium: int, *, units: int, there: Amounts) -> dict[Address, int]:
    """Return what each operator gets of a premium for the units of its seats that are there; the rest is the client's.

    `units`: of all seats, those of the absent included.
    """
    return {operator: premium * held // units for operator, held in sorted(there.items())}


def pay_premium(
    *, quote_id: str, client: Address, premium: int, earned: Amounts, task_id: str | None = None
) -> list[Transfer]:
    """Pay the operators whose slots were kept free, and give the client back what was not earned."""
    account = quote_account(quote_id)
    unearned = premium - sum(earned.values())
    return _moved(
        *(
            _move("reserved", quote_id, account, operator_account(one), amount, task_id, of=one)
            for one, amount in sorted(earned.items())
        ),
        _move("unearned", quote_id, account, client_account(client), unearned, task_id),
    )


def return_escrow(*, quote_id: str, task_id: str, rest: int) -> list[Transfer]:
    """Bring back what a task did not spend."""
    return _moved(_move("rest", quote_id, escrow_account(task_id), quote_account(quote_id), rest, task_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Who gets what a quote's account holds when it ends, in base units."""

    refunded: int  #: to the client: what was not spent, and what is made good
    penalty: int  #: to the client, on top
    charged: int  #: of the cost, for good
    burnt: int
    given_back: Amounts  #: of the pledges, to the operators' stakes


def share_out(event: QuoteEvent, *, terms: FirmTerms, rest: int, operators: Sequence[Address], owed: Amounts) -> Shares:
    """Return the shares of pledges and of the `rest` of the cost, base units; nothing is left over.

    `operators`: whose pledges there are; `owed`: the units of the seats that operators answer for, if it was missed.
    """
    answers = event is QuoteEvent.MISSED and any(owed.values())
    made_good = terms.cost - rest if answers else 0
    penalty = terms.penalty if answers else 0
    owes = _split(made_good + 2 * penalty, owed) if answers else {}
    return Shares(
        refunded=rest + made_good,
        penalty=penalty,
        charged=terms.cost - rest - made_good,
        burnt=penalty,
        given_back={operator: terms.pledge - owes.get(operator, 0) for operator in operators},
    )


def settle_quote(shares: Shares, *, quote_id: str, task_id: str | None, client: Address) -> list[Transfer]:
    """Empty a quote's account."""
    account, payee = quote_account(quote_id), client_account(client)
    return _moved(
        _move("refund", quote_id, account, payee, shares.refunded, task_id),
        _move("penalty", quote_id, account, payee, shares.penalty, task_id),
        _move("burnt", quote_id, account, MINT, shares.burnt, task_id),
        *(
            _move("back", quote_id, account, stake_account(one), amount, task_id, of=one)
            for one, amount in sorted(shares.given_back.items())
        ),
    )


def _split(amount: int, weights: Amounts) -> dict[Address, int]:
    """Split an amount to the last unit; what cannot be split is the first ones'."""
    whole = sum(weights.values())
    parts = {operator: amount * weight // whole for operator, weight in sorted(weights.items()) if weight}
    for operator in list(parts)[: amount - sum(parts.values())]:
        parts[operator] += 1
    return parts


def _move(
    what: str,
    quote_id: str,
    debit: AccountId,
    credit: AccountId,
    amount: int,
    task_id: str | None = None,
    *,
    of: Address | None = None,
) -> Transfer:
    return Transfer(
        transfer_id=f"quote_{what}:{quote_id}" + (f":{of}" if of else ""),
        debit=debit,
        credit=credit,
        amount=check_amount(amount, field=what),
        reason=f"quote_{what}",
        task_id=task_id,
    )


def _moved(*transfers: Transfer) -> list[Transfer]:
    return [transfer for transfer in transfers if transfer.amount]
