"""The gateways of a network, and what they all share: the network's name, the database's clock, counts of states."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import Address
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many tasks or jobs are in a state."""

    what: str  #: `task` or `job`
    state: str
    number: int


NETWORK_OF_DATABASE = query("network_of_database", Address)
REGISTER_GATEWAY = query("register_gateway", None)
GATEWAY_ALIVE = query("gateway_alive", None)
GATEWAY_GONE = query("gateway_gone", None)
DRAIN_GATEWAY = query("drain_gateway", None)
DATABASE_TIME = query("database_time", int)
COUNT_STATES = query("count_states", StateCount)
