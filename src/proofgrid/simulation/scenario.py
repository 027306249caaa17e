"""What a simulated world is made of: one frozen value, so a report can name all of it and anybody can run it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType

from proofgrid.primitives.errors import InvalidField

WHOLE_PERMILLE = 1_000
SEED_MAX = 2**63 - 1


class Arrivals(StrEnum):
    """When jobs come."""

    POISSON = "poisson"  #: at any time alike
    WAVE = "wave"  #: swinging as day and night, twice in a run, between a fifth and nine fifths of the mean
    BURST = "burst"  #: half of all jobs within twentieths of the run, at four moments


class Sizes(StrEnum):
    """How large the jobs of a class are."""

    UNIFORM = "uniform"
    HEAVY = "heavy"  #: Pareto: most are small, a few as large as the class allows


class Strategy(StrEnum):
    """What an operator does with a machine. `strategies.py` says how."""

    HONEST = "honest"
    SHADING = "shading"
    UNDER_ASKING = "under-asking"
    OVER_REPORTING = "over-reporting"
    LAZY = "lazy"
    WITHHOLDING = "withholding"
    SPLITTING = "splitting"
    COLLUDING = "colluding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The settings of one world. Shares are in thousandths."""

    name: str
    summary: str  #: one sentence for --list
    provers: int = 200
    clients: int = 50
    jobs: int = 20_000
    seed: int = 1
    load_permille: int = 750  #: units that clients want, as a share of what all provers can do in the time
    arrivals: Arrivals = Arrivals.POISSON
    sizes: Sizes = Sizes.UNIFORM
    reference_price: int = 1_000  #: of a lane before its first round, as a network sets it
    round_ms: int = 5_000
    deadline_ms: int = 900_000  #: the mean; each job has half to one and a half of it
    strategies: Mapping[Strategy, int] = field(default_factory=dict)  #: share of the provers, the rest are honest
    shading_clients_permille: int = 0  #: clients who bid 15% below what a proof is worth to them
    flood_permille: int = 0  #: of all jobs come from one client
    griefing: bool = False  #: a buyer bids for all that a bid may cover, in each round, with a decoy seller beside her
    failure_permille: int = 15  #: mean over provers of leases that crash; one prover in ten has five times as many
    late_permille: int = 20  #: leases that take two to five times as long as they should
    churn_permille: int = 100  #: provers that join late, and as many that leave early
    slash_permille: int = 250  #: of a lease's price, taken from the bond of a prover that fails it
    attempts_max: int = 5

    def __post_init__(self) -> None:
        for name, least, most in _WHOLE:
            _check_whole(getattr(self, name), least, most, name=name)
        object.__setattr__(self, "strategies", MappingProxyType(dict(self.strategies)))
        for share in self.strategies.values():
            _check_whole(share, 0, WHOLE_PERMILLE, name="strategies")
        if sum(self.strategies.values()) > WHOLE_PERMILLE:
            raise InvalidField("the shares of all strategies are at most 1000 thousandths", field="strategies")

    def as_json(self) -> dict[str, object]:
        """Everything that the outcome depends on."""
        values: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**values, "strategies": {str(name): share for name, share in sorted(self.strategies.items())}}


_WHOLE = (
    ("provers", 1, 1_000_000),
    ("clients", 1, 1_000_000),
    ("jobs", 1, 100_000_000),
    ("seed", 0, SEED_MAX),
    ("load_permille", 1, 100_000),
    ("reference_price", 1, 10**9),
    ("round_ms", 100, 3_600_000),
    ("deadline_ms", 1_000, 10**9),
    ("shading_clients_permille", 0, WHOLE_PERMILLE),
    ("flood_permille", 0, WHOLE_PERMILLE),
    ("failure_permille", 0, 150),
    ("late_permille", 0, WHOLE_PERMILLE),
    ("churn_permille", 0, WHOLE_PERMILLE // 2),
    ("slash_permille", 0, WHOLE_PERMILLE),
    ("attempts_max", 1, 100),
)


def _check_whole(value: int, least: int, most: int, *, name: str) -> None:
    if type(value) is not int or not least <= value <= most:
        raise InvalidField(f"a whole number from {least} to {most} is needed", field=name)
