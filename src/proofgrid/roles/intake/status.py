"""What the network is and what it is doing now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import proofgrid
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address
from proofgrid.proofs.base import SystemDescription
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.operator_limits import OperatorLimits
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.store.database import Database
from proofgrid.store.gateways import COUNT_STATES
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.status import LANE_STATUSES, LIST_PROVERS, ConnectedProver, LaneStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """What the gateway says of the network to anybody."""

    address: Address
    proof_systems: Sequence[SystemDescription]
    setup_files: Mapping[str, Digest]  #: file of a trust root, such as kzg15.srs -> artifact
    setup_for_development: bool
    upload_bytes_max: int
    operator_limits: OperatorLimits
    newcomer_slots: int  #: of an operator's new provers together, before their first verified job

    @property
    def version(self) -> str:
        return proofgrid.__version__


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStatus:
    """Who is connected, and how much there is to do."""

    provers: Sequence[ConnectedProver]
    tasks_by_state: Mapping[str, int]
    jobs_by_state: Mapping[str, int]
    lanes: Sequence[LaneStatus]


class Status:
    """`facts` are for everybody, even without a key."""

    def __init__(self, database: Database, facts: NetworkFacts, *, silent_ms: int) -> None:
        self._database = database
        self._silent_ms = silent_ms
        self.facts = facts

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def now(self) -> NetworkStatus:
        """Return who is connected, and how much there is to do."""
        async with self._database.connection() as connection:
            provers = await connection.fetch(
                LIST_PROVERS, gateway_silent_ms=GATEWAY_SILENT_MS, silent_ms=self._silent_ms
            )
            states = await connection.fetch(COUNT_STATES)
            lanes = await connection.fetch(LANE_STATUSES)
        return NetworkStatus(
            provers=provers,
            tasks_by_state={one.state: one.number for one in states if one.what == "task"},
            jobs_by_state={one.state: one.number for one in states if one.what == "job"},
            lanes=lanes,
        )
