"""Sets of states that queries speak of, taken out of the life cycles: `state IN (@leases_in_flight)` in a `.sql` file.

They are spelled into the text, not given as parameters, because PostgreSQL uses a partial index only where it reads the
states of the index in the query itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from proofgrid.rules.chain.outbox import OPEN
from proofgrid.rules.jobs.lifecycle import JOB_OPEN, LEASE_HELD, TASK_ENDED, JobState, LeaseState, TaskState
from proofgrid.rules.market.firm_quote import QUOTE_OPEN
from proofgrid.rules.staking.chain_slashes import WAITING


def _spelled(states: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


_IN_FLIGHT = [state for state in LEASE_HELD if state is not LeaseState.REPORTED]

#: name of a set -> its states as SQL literals
STATE_SETS: Mapping[str, str] = {
    "tasks_open": _spelled(state for state in TaskState if state not in TASK_ENDED),  # not over yet
    "tasks_ended": _spelled(TASK_ENDED),
    "jobs_open": _spelled(JOB_OPEN),  # whose proofs are still wanted
    "jobs_idle": _spelled(state for state in JOB_OPEN if state is not JobState.LEASED),  # that nobody proves yet
    "leases_held": _spelled(LEASE_HELD),
    "leases_in_flight": _spelled(_IN_FLIGHT),  # that take up a slot: one whose result was reported takes none
    "leases_known": _spelled(state for state in LEASE_HELD if state is not LeaseState.GRANTED),  # to their provers
    "leases_told": _spelled(state for state in _IN_FLIGHT if state is not LeaseState.GRANTED),  # their provers know
    "debts_waiting": _spelled(WAITING),  # that a chain is still asked for
    "outbox_open": _spelled(OPEN),  # transactions that something is still to be done for
    "quotes_open": _spelled(QUOTE_OPEN),  # firm ones that money is set aside for
}
