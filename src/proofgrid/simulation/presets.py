"""The worlds that have a name."""

from __future__ import annotations

from proofgrid.primitives.errors import InvalidField
from proofgrid.simulation.scenario import Arrivals, Scenario, Sizes, Strategy

PRESETS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="market-day",
            summary="An honest market from one night to the next: demand swings like day and night.",
            arrivals=Arrivals.WAVE,
        ),
        Scenario(
            name="quiet",
            summary="Few jobs for many provers: what competition does to prices.",
            load_permille=250,
            jobs=10_000,
        ),
        Scenario(
            name="scarce",
            summary="A third more work than anybody can do: who is served, and at what price.",
            load_permille=1_350,
        ),
        Scenario(
            name="bursts",
            summary="Half of all jobs come in four bursts, with heavy-tailed sizes.",
            arrivals=Arrivals.BURST,
            sizes=Sizes.HEAVY,
            load_permille=600,
        ),
        Scenario(
            name="liars",
            summary="One prover in three lies, in seven ways; compare what each kind earns.",
            strategies={
                Strategy.SHADING: 50,
                Strategy.UNDER_ASKING: 50,
                Strategy.OVER_REPORTING: 50,
                Strategy.LAZY: 40,
                Strategy.WITHHOLDING: 50,
                Strategy.SPLITTING: 50,
                Strategy.COLLUDING: 50,
            },
            shading_clients_permille=200,
        ),
        Scenario(
            name="griefing",
            summary="A buyer bids at the top price for all she may, every round, with a decoy seller beside her.",
            griefing=True,
        ),
        Scenario(
            name="flood",
            summary="One client sends half of all jobs; how long do the others wait?",
            flood_permille=500,
            load_permille=900,
        ),
        Scenario(
            name="storm",
            summary="Machines fail, run late, join and leave all the time.",
            failure_permille=80,
            late_permille=100,
            churn_permille=300,
            load_permille=600,
        ),
    )
}


def preset(name: str) -> Scenario:
    """Return the scenario of this name; raise InvalidField when there is none."""
    try:
        return PRESETS[name]
    except KeyError:
        hint = f"there are {', '.join(PRESETS)}; see proofgrid simulate --list"
        raise InvalidField(f"no scenario {name!r}", field="scenario", hint=hint) from None
