"""What administrators ask of a network: who may do what, money from outside, incidents, canaries, subnetworks, appeals.

async with Client("grpcs://gateway.example:7400", network_key) as client:
    await client.admin.grant("0x…", "client", label="carol")
    await client.admin.deposit("0x…", 1_500_000_000)
"""

from __future__ import annotations

from collections.abc import Sequence

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.pages import Page
from proofgrid.rules.access.subnetworks import SubnetworkChange
from proofgrid.sdk.answers.administration import Canaries, Canary, DeadLetter, Identity, Incident, PostMortem
from proofgrid.sdk.answers.money import Account, LedgerCheck, StatementClosing, Treasury
from proofgrid.sdk.answers.network import Subnetwork
from proofgrid.sdk.answers.operators import Evidence, Stake
from proofgrid.sdk.answers.reading import read, read_all, read_page
from proofgrid.sdk.audit import Audit
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.inputs import inputs_json
from proofgrid.sdk.network_keys import KeyLists
from proofgrid.sdk.services import Method
from proofgrid.wire.v1 import (
    canary_pb2,
    client_pb2,
    incidents_pb2,
    stake_pb2,
    statements_pb2,
    subnetworks_pb2,
    treasury_pb2,
)


class Admin:
    """The calls of administrators; amounts are base units. Each may safely be made twice, and is while none answers.

    What moves money takes the key of the movement, an `…_id`: the same one moves it once, and without one a fresh one
    is made. Everything raises NotAllowed for those who are no administrators.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.audit = Audit(connection)
        self.keys = KeyLists(connection)

    # --- who may do what ---

    async def grant(self, address: str, role: str, *, label: str = "") -> Identity:
        """Let a key use the network as client, operator or admin."""
        request = client_pb2.GrantRequest(address=address, role=role, label=label)
        return read(Identity, await self._connection.ask(lambda services: services.admin.Grant, request))

    async def revoke(self, address: str, role: str) -> Identity:
        """Take a role away from a key."""
        request = client_pb2.RevokeRequest(address=address, role=role)
        return read(Identity, await self._connection.ask(lambda services: services.admin.Revoke, request))

    async def identities(self) -> list[Identity]:
        """Return the keys that may use the network."""
        request = client_pb2.ListIdentitiesRequest()
        answer = await self._connection.ask(lambda services: services.admin.ListIdentities, request)
        return read_all(Identity, answer.identities)

    # --- money ---

    async def deposit(self, address: str, amount: int, *, deposit_id: str = "") -> Account:
        """Put money from outside on a client's account."""
        request = client_pb2.DepositRequest(address=address, amount=amount, deposit_id=deposit_id or _fresh_id())
        return read(Account, await self._connection.ask(lambda services: services.admin.Deposit, request))

    async def deposit_stake(self, operator: str, amount: int, *, deposit_id: str = "") -> Stake:
        """Put money from outside into an operator's bond."""
        request = stake_pb2.DepositStakeRequest(
            operator=operator, amount=amount, deposit_id=deposit_id or _fresh_id(), from_outside=True
        )
        return read(Stake, await self._connection.ask(lambda services: services.stake.DepositStake, request))

    async def check_ledger(self) -> LedgerCheck:
        """Add up every account."""
        request = client_pb2.CheckLedgerRequest()
        return read(LedgerCheck, await self._connection.ask(lambda services: services.admin.CheckLedger, request))

    async def treasury(self) -> StatementClosing:
        """Return what the treasury holds, and what came in and went out, by reason."""
        request = statements_pb2.StatementRequest(owner="treasury")
        closing = statements_pb2.StatementClosing()
        async for part in self._connection.read(lambda services: services.statements.GetStatement, request):
            closing = part.closing
        return read(StatementClosing, closing)

    async def fund_treasury(self, amount: int, *, deposit_id: str = "") -> Treasury:
        """Put money from outside into the treasury."""
        request = canary_pb2.FundTreasuryRequest(amount=amount, deposit_id=deposit_id or _fresh_id())
        return read(Treasury, await self._connection.ask(lambda services: services.canaries.FundTreasury, request))

    async def take_out(self, amount: int, *, burn: bool = False, take_id: str = "") -> Treasury:
        """Pay money of the treasury out, or destroy it."""
        request = treasury_pb2.TakeOutRequest(amount=amount, take_id=take_id or _fresh_id(), burn=burn)
        return read(Treasury, await self._connection.ask(lambda services: services.treasury.TakeOut, request))

    # --- what went wrong ---

    async def dead_letters(self, *, limit: int = 100, replayed: bool = False, cursor: str = "") -> Page[DeadLetter]:
        """Return the tasks that nobody could prove, newest first; those replayed already only when `replayed`."""
        request = client_pb2.ListDeadLettersRequest(limit=limit, replayed=replayed, cursor=cursor)
        answer = await self._connection.ask(lambda services: services.admin.ListDeadLetters, request)
        return read_page(DeadLetter, answer.letters, answer.next_cursor)

    async def dead_letter(self, task_id: str) -> DeadLetter:
        """Return one of them with everybody who tried."""
        request = client_pb2.GetDeadLetterRequest(task_id=task_id)
        return read(DeadLetter, await self._connection.ask(lambda services: services.admin.GetDeadLetter, request))

    async def replay_dead_letter(self, task_id: str) -> DeadLetter:
        """Make a new task of a dead one, with a new escrow of the same client; twice is one new task."""
        request = client_pb2.ReplayDeadLetterRequest(task_id=task_id)
        return read(DeadLetter, await self._connection.ask(lambda services: services.admin.ReplayDeadLetter, request))

    async def incidents(self, *, limit: int = 100, closed: bool = False) -> list[Incident]:
        """Return what stops settlement, newest first; what is closed only when `closed`."""
        request = incidents_pb2.ListIncidentsRequest(limit=limit, closed=closed)
        answer = await self._connection.ask(lambda services: services.incidents.ListIncidents, request)
        return read_all(Incident, answer.incidents)

    async def incident(self, incident_id: int) -> Incident:
        """Return one incident."""
        request = incidents_pb2.GetIncidentRequest(incident_id=incident_id)
        return read(Incident, await self._connection.ask(lambda services: services.incidents.GetIncident, request))

    async def post_mortem(self, incident_id: int) -> PostMortem:
        """Return an incident's timeline, and the draft of a post-mortem in Markdown."""
        request = incidents_pb2.GetIncidentRequest(incident_id=incident_id)
        return read(PostMortem, await self._connection.ask(lambda services: services.incidents.GetPostMortem, request))

    async def close_incident(self, incident_id: int, *, why: str = "") -> Incident:
        """Say that an incident was looked at and repaired; when none is open, settlement goes on.

        `why`: in words, for its timeline.
        """
        request = incidents_pb2.CloseIncidentRequest(incident_id=incident_id, why=why)
        return read(Incident, await self._connection.ask(lambda services: services.incidents.CloseIncident, request))

    async def resolve_appeal(self, evidence_id: str, *, overturn: bool, answer: str) -> Evidence:
        """Answer an operator's appeal: give back what can be given back, or let the slash stand."""
        request = stake_pb2.ResolveAppealRequest(evidence_id=evidence_id, overturn=overturn, answer=answer)
        return read(Evidence, await self._connection.ask(lambda services: services.stake.ResolveAppeal, request))

    # --- canaries ---

    async def add_canary(self, program_digest: str, inputs: Sequence[object], *, limit_price: int) -> Canary:
        """Register a program's input as a canary; it is proven once, for at most `limit_price` per PU, before."""
        request = canary_pb2.AddCanaryRequest(
            program_digest=program_digest,
            inputs_json=inputs_json(inputs),
            limit_price=limit_price,
        )
        return read(Canary, await self._connection.ask(lambda services: services.canaries.AddCanary, request))

    async def canaries(self) -> Canaries:
        """Return the canaries and what the treasury holds."""
        request = canary_pb2.ListCanariesRequest()
        return read(Canaries, await self._connection.ask(lambda services: services.canaries.ListCanaries, request))

    # --- subnetworks ---

    async def subnetwork(self, name: str) -> Subnetwork:
        """Return a subnetwork with its members."""
        request = subnetworks_pb2.GetSubnetworkRequest(name=name)
        return read(
            Subnetwork, await self._connection.ask(lambda services: services.subnetworks.GetSubnetwork, request)
        )

    async def create_subnetwork(self, name: str, wanted: SubnetworkChange) -> Subnetwork:
        """Make a subnetwork; the same again changes nothing."""
        return await self._write_subnetwork(lambda services: services.subnetworks.CreateSubnetwork, name, wanted)

    async def set_subnetwork(self, name: str, wanted: SubnetworkChange) -> Subnetwork:
        """Change what is named of a subnetwork."""
        return await self._write_subnetwork(lambda services: services.subnetworks.SetSubnetwork, name, wanted)

    async def remove_subnetwork(self, name: str) -> None:
        """Remove a subnetwork; raise InUse while tasks of it are open, UnknownSubnetwork when it is gone."""
        request = subnetworks_pb2.RemoveSubnetworkRequest(name=name)
        await self._connection.ask(lambda services: services.subnetworks.RemoveSubnetwork, request)

    async def allow_member(self, subnetwork: str, address: str, role: str) -> Subnetwork:
        """Let a key submit to a subnetwork (client) or prove for it (operator)."""
        request = subnetworks_pb2.MemberRequest(subnetwork=subnetwork, address=address, role=role)
        return read(Subnetwork, await self._connection.ask(lambda services: services.subnetworks.AllowMember, request))

    async def deny_member(self, subnetwork: str, address: str, role: str) -> Subnetwork:
        """Take a key off a subnetwork's list."""
        request = subnetworks_pb2.MemberRequest(subnetwork=subnetwork, address=address, role=role)
        return read(Subnetwork, await self._connection.ask(lambda services: services.subnetworks.DenyMember, request))

    async def _write_subnetwork(
        self,
        method: Method[subnetworks_pb2.SubnetworkChange, subnetworks_pb2.Subnetwork],
        name: str,
        wanted: SubnetworkChange,
    ) -> Subnetwork:
        systems = wanted.proof_systems
        request = subnetworks_pb2.SubnetworkChange(
            name=name,
            open=wanted.is_open,
            proof_systems=None if systems is None else subnetworks_pb2.ProofSystemNames(names=sorted(systems)),
            reference_price=wanted.reference_price,
            overflow_after_ms=wanted.overflow_after_ms,
        )
        return read(Subnetwork, await self._connection.ask(method, request))


def _fresh_id() -> str:
    return fresh_bytes(16).hex()
