"""What a task's timeline says of its proof's way to a contract; a part of the catalogue in events.py."""

from __future__ import annotations

from proofgrid.primitives.money import format_amount
from proofgrid.rules.jobs.event_kinds import OWNER, Event, Names, Tone, Weight, event


@event("delivered", seen_by=OWNER, tone=Tone.GOOD, weight=Weight.NEWS)
class Delivered(Event):
    """A contract verified its proof, in a block that is final: the receipt."""

    contract: str
    chain_id: int
    transaction: str  #: its hash
    block: int
    gas: int
    submitter: str
    price: int  #: base units, that the client paid

    def sentence(self, names: Names) -> str:
        return (
            f"{self.contract} verified the proof in block {self.block} of chain {self.chain_id}, for {self.gas} gas:"
            f" transaction {self.transaction}; paid {format_amount(self.price)}"
        )


@event("not_delivered", seen_by=OWNER, tone=Tone.TROUBLE, weight=Weight.NEWS)
class NotDeliveredTo(Event):
    """Its proof was not brought to a contract, or reverted there."""

    contract: str
    detail: str
    price: int  #: base units, that the client paid all the same: the transaction was sent

    def sentence(self, names: Names) -> str:
        paid = f"; paid {format_amount(self.price)}, as it was sent" if self.price else ""
        return f"the proof was not brought to {self.contract}: {self.detail}{paid}"
