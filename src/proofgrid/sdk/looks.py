"""What everybody of a network may look at: its rounds, lanes, subnetworks, operators, sizes and facts."""

from __future__ import annotations

from proofgrid.primitives.pages import Page
from proofgrid.sdk.answers.network import Network, NetworkStatus, Round, Size, Subnetwork
from proofgrid.sdk.answers.operators import Standings
from proofgrid.sdk.answers.reading import read, read_all, read_page
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import reputation_pb2, subnetworks_pb2
from proofgrid.wire.v1.market_pb2 import ListSizesRequest


class Looks:
    """A part of `Client`."""

    connection: Connection

    async def rounds(self, *, lane: str = "", limit: int = 50, cursor: str = "") -> Page[Round]:
        """Return a page of rounds, newest first."""
        request = messages.ListRoundsRequest(lane=lane, limit=limit, cursor=cursor)
        answer = await self.connection.ask(lambda services: services.client.ListRounds, request)
        return read_page(Round, answer.rounds, answer.next_cursor)

    async def status(self) -> NetworkStatus:
        """Return what the network is doing."""
        request = messages.GetStatusRequest()
        return read(NetworkStatus, await self.connection.ask(lambda services: services.client.GetStatus, request))

    async def subnetworks(self) -> list[Subnetwork]:
        """Return the subnetworks that you may use, with what they have and do."""
        request = subnetworks_pb2.ListSubnetworksRequest()
        answer = await self.connection.ask(lambda services: services.subnetworks.ListSubnetworks, request)
        return read_all(Subnetwork, answer.subnetworks)

    async def operators(self, address: str = "", *, limit: int = 0, cursor: str = "") -> Standings:
        """Return how an operator and its provers stand, or all of them, and why: with a `limit`, page by page."""
        request = reputation_pb2.ListOperatorsRequest(address=address, limit=limit, cursor=cursor)
        return read(Standings, await self.connection.ask(lambda services: services.reputation.ListOperators, request))

    async def facts(self) -> Network:
        """Return what the gateway says of the network."""
        return read(Network, await self.connection.ask(lambda to: to.client.GetNetwork, messages.GetNetworkRequest()))

    async def sizes(self) -> list[Size]:
        """Return what verified jobs took, of what their proof systems say."""
        return read_all(Size, (await self.connection.ask(lambda to: to.market.ListSizes, ListSizesRequest())).sizes)
