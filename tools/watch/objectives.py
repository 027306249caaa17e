"""What the network promises, its error budgets, and the rules that measure how fast a budget burns."""

from __future__ import annotations

from dataclasses import dataclass

DAYS = 30  #: over which a budget is counted
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")


@dataclass(frozen=True, slots=True)
class Objective:
    """`good` and `all`: counters of events, to be rated over a window that stands for `WINDOW`."""

    name: str
    says: str
    target: float  #: the share of events that are to be good
    good: str
    all: str

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.target, 6)

    def errors_in(self, window: str) -> str:
        """Return the name of the recorded share of bad events in a window."""
        return f"proofgrid:{self.name}:errors_ratio_rate{window}"

    def record(self, window: str) -> str:
        """Return the expression that is recorded under that name; nothing where nothing happened."""
        good, everything = (text.replace("WINDOW", window) for text in (self.good, self.all))
        return f"1 - {good} / ({everything} > 0)"


def _of_histogram(name: str, bound: str) -> tuple[str, str]:
    return (
        f'sum(rate({name}_bucket{{le="{bound}"}}[WINDOW]))',
        f"sum(rate({name}_count[WINDOW]))",
    )


OBJECTIVES = (
    Objective(
        "submit",
        "99.9 % of submitted requests are durable tasks within half a second.",
        0.999,
        *_of_histogram("proofgrid_submit_seconds", "0.5"),
    ),
    Objective(
        "submit_to_lease",
        "95 % of jobs have a prover within five seconds of their task's acceptance.",
        0.95,
        *_of_histogram("proofgrid_queue_wait_seconds", "5.0"),
    ),
    Objective(
        "queue_wait",
        "99.9 % of jobs have a prover within five minutes of their task's acceptance.",
        0.999,
        *_of_histogram("proofgrid_queue_wait_seconds", "300.0"),
    ),
    Objective(
        "proof_success",
        "99 % of tasks that are not cancelled end with a bundle.",
        0.99,
        'sum(rate(proofgrid_tasks_ended_total{end="done"}[WINDOW]))',
        'sum(rate(proofgrid_tasks_ended_total{end=~"done|failed"}[WINDOW]))',
    ),
)


@dataclass(frozen=True, slots=True)
class Burn:
    """A budget that burns so many times too fast, in both windows: the short one says that it still does."""

    factor: float
    long: str
    short: str
    severity: str

    @property
    def said(self) -> str:
        """How much of the budget is gone by the time it is told."""
        return f"{self.factor:g} times as fast as the budget allows, over {self.long} and {self.short}"

    def expression(self, objective: Objective) -> str:
        """Return the expression that holds while it burns."""
        bound = f"({self.factor:g} * {objective.budget:g})"
        return f"{objective.errors_in(self.long)} > {bound} and {objective.errors_in(self.short)} > {bound}"


#: The four of Google's "Site Reliability Workbook", chapter 5: 2 % of the budget in an hour, 5 % in six, 10 % in a day
#: and in three.
BURNS = (
    Burn(14.4, "1h", "5m", "page"),
    Burn(6, "6h", "30m", "page"),
    Burn(3, "1d", "2h", "ticket"),
    Burn(1, "3d", "6h", "ticket"),
)
