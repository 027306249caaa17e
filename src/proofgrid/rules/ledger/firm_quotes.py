"""Money of firm quotes: what is set aside when one is sold is enough for whatever follows (docs/decisions/0019).

client --premium--> treasury          client --cost--> quote:<id> <--reserve-- treasury
redeemed: quote:<id> --escrow--> escrow:<task id> --rest--> quote:<id>; ended: quote:<id> ----> client, treasury
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import check_amount
from proofgrid.rules.ledger.accounts import TREASURY, Transfer, client_account, escrow_account, quote_account
from proofgrid.rules.market.firm_quote import FirmTerms, QuoteEvent


def sell_quote(*, quote_id: str, client: Address, terms: FirmTerms) -> list[Transfer]:
    """Take the client's money, and set aside all that the network may have to pay."""
    payer = client_account(client)
    return _moved(
        _move("premium", quote_id, payer, TREASURY, terms.premium),
        _move("price", quote_id, payer, quote_account(quote_id), terms.cost),
        _move("reserve", quote_id, TREASURY, quote_account(quote_id), terms.reserve),
    )


def redeem_quote(*, quote_id: str, task_id: str, escrow: int) -> list[Transfer]:
    """Put the network's bid in escrow. A task's escrow is one transfer, whoever pays it."""
    return [
        Transfer(
            transfer_id=f"escrow:{task_id}",
            debit=quote_account(quote_id),
            credit=escrow_account(task_id),
            amount=check_amount(escrow, field="escrow"),
            reason="escrow",
            task_id=task_id,
        )
    ]


def return_escrow(*, quote_id: str, task_id: str, rest: int) -> list[Transfer]:
    """Bring back what a task did not spend."""
    return _moved(_move("rest", quote_id, escrow_account(task_id), quote_account(quote_id), rest, task_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Who gets what a quote's account holds when it ends, in base units."""

    refunded: int  #: of the cost, to the client
    penalty: int  #: to the client, on top
    charged: int  #: of the cost, for good
    to_treasury: int


def share_out(event: QuoteEvent, *, cost: int, penalty: int, escrow: int, spent: int) -> Shares:
    """Return the shares of cost, penalty and what was not `spent` of the escrow; nothing is left over."""
    refunded, paid = {
        QuoteEvent.KEPT: (0, 0),
        QuoteEvent.MISSED: (cost, penalty),
        QuoteEvent.GIVEN_UP: (cost - min(cost, spent), 0),
        QuoteEvent.EXPIRED: (cost, 0),
    }[event]
    return Shares(
        refunded=refunded,
        penalty=paid,
        charged=cost - refunded,
        to_treasury=cost + penalty + escrow - spent - refunded - paid,
    )


def settle_quote(shares: Shares, *, quote_id: str, task_id: str | None, client: Address) -> list[Transfer]:
    """Empty a quote's account."""
    account, payee = quote_account(quote_id), client_account(client)
    return _moved(
        _move("refund", quote_id, account, payee, shares.refunded, task_id),
        _move("penalty", quote_id, account, payee, shares.penalty, task_id),
        _move("back", quote_id, account, TREASURY, shares.to_treasury, task_id),
    )


def _move(
    what: str, quote_id: str, debit: AccountId, credit: AccountId, amount: int, task_id: str | None = None
) -> Transfer:
    return Transfer(
        transfer_id=f"quote_{what}:{quote_id}",
        debit=debit,
        credit=credit,
        amount=check_amount(amount, field=what),
        reason=f"quote_{what}",
        task_id=task_id,
    )


def _moved(*transfers: Transfer) -> list[Transfer]:
    return [transfer for transfer in transfers if transfer.amount]
