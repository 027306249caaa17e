"""What each strategy does. Honest is: ask what a unit really costs, offer the slots you have, do the work you sold.

strategy        asks           slots offered     work      what it hopes for
honest          cost           all               does it   -
shading         cost +25%      all               does it   a higher price
under-asking    cost -25%      all               does it   more sales
over-reporting  cost           twice as many     half      selling what it does not have
lazy            cost           all               none      being paid all the same
withholding     cost           half              does it   scarcity
splitting       cost, +50%     half each order   does it   one order sets the price for the other
colluding       pair: +50%     all               does it   one machine sets the price for the other
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.simulation.scenario import WHOLE_PERMILLE, Strategy

CLIENT_SHADING_PERMILLE = 850


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """A strategy in numbers."""

    ask_permille: int = WHOLE_PERMILLE  #: of its real cost per paid unit
    slots_permille: int = WHOLE_PERMILLE  #: offered, of those it has
    works: bool = True
    second_ask_permille: int = 0  #: of the second order, or of the pair's second machine; 0: there is none
    is_pair: bool = False


CONDUCT: dict[Strategy, Conduct] = {
    Strategy.HONEST: Conduct(),
    Strategy.SHADING: Conduct(ask_permille=1_250),
    Strategy.UNDER_ASKING: Conduct(ask_permille=750),
    Strategy.OVER_REPORTING: Conduct(slots_permille=2_000),
    Strategy.LAZY: Conduct(works=False),
    Strategy.WITHHOLDING: Conduct(slots_permille=500),
    Strategy.SPLITTING: Conduct(slots_permille=500, second_ask_permille=1_500),
    Strategy.COLLUDING: Conduct(second_ask_permille=1_500, is_pair=True),
}
