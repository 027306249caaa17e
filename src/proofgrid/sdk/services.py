"""The services of a gateway that clients call: the one place that makes their stubs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar, cast

import grpc

from proofgrid.sdk.signing import SigningChannel
from proofgrid.sdk.tokens import Sign
from proofgrid.wire.v1.accounts_pb2_grpc import AccountServiceStub
from proofgrid.wire.v1.api_keys_pb2_grpc import ApiKeyServiceStub
from proofgrid.wire.v1.audit_pb2_grpc import AuditServiceStub
from proofgrid.wire.v1.canary_pb2_grpc import CanaryServiceStub
from proofgrid.wire.v1.client_pb2_grpc import AdminServiceStub, ArtifactServiceStub, ClientServiceStub
from proofgrid.wire.v1.delivery_pb2_grpc import DeliveryServiceStub
from proofgrid.wire.v1.engines_pb2_grpc import EngineServiceStub
from proofgrid.wire.v1.incidents_pb2_grpc import IncidentServiceStub
from proofgrid.wire.v1.keys_pb2_grpc import KeyServiceStub
from proofgrid.wire.v1.market_pb2_grpc import MarketServiceStub
from proofgrid.wire.v1.programs_pb2_grpc import ProgramServiceStub
from proofgrid.wire.v1.quotes_pb2_grpc import QuoteServiceStub
from proofgrid.wire.v1.reputation_pb2_grpc import ReputationServiceStub
from proofgrid.wire.v1.sealing_pb2_grpc import SealingServiceStub
from proofgrid.wire.v1.stake_pb2_grpc import StakeServiceStub
from proofgrid.wire.v1.statements_pb2_grpc import StatementServiceStub
from proofgrid.wire.v1.subnetworks_pb2_grpc import SubnetworkServiceStub
from proofgrid.wire.v1.treasury_pb2_grpc import TreasuryServiceStub
from proofgrid.wire.v1.vault_pb2_grpc import VaultServiceStub
from proofgrid.wire.v1.webhooks_pb2_grpc import WebhookServiceStub

Request = TypeVar("Request")
Answer = TypeVar("Answer")

#: Which method to call, such as `lambda services: services.client.Submit`: asked anew at each try, so that a call that
#: is tried again goes to the gateway that its connection is at by then.
Method: TypeAlias = "Callable[[Services], grpc.aio.UnaryUnaryMultiCallable[Request, Answer]]"
StreamMethod: TypeAlias = "Callable[[Services], grpc.aio.UnaryStreamMultiCallable[Request, Answer]]"
UploadMethod: TypeAlias = "Callable[[Services], grpc.aio.StreamUnaryMultiCallable[Request, Answer]]"


class Services:
    """The stubs of all services over one channel; with `sign` their calls are signed."""

    def __init__(self, plain: grpc.aio.Channel, sign: Sign | None = None) -> None:
        channel = plain if sign is None else cast(grpc.aio.Channel, SigningChannel(plain, sign))
        self.client = ClientServiceStub(channel)
        self.accounts = AccountServiceStub(channel)
        self.admin = AdminServiceStub(channel)
        self.api_keys = ApiKeyServiceStub(channel)
        self.artifacts = ArtifactServiceStub(channel)
        self.audit = AuditServiceStub(channel)
        self.canaries = CanaryServiceStub(channel)
        self.deliveries = DeliveryServiceStub(channel)
        self.engines = EngineServiceStub(channel)
        self.incidents = IncidentServiceStub(channel)
        self.keys = KeyServiceStub(channel)
        self.market = MarketServiceStub(channel)
        self.programs = ProgramServiceStub(channel)
        self.quotes = QuoteServiceStub(channel)
        self.reputation = ReputationServiceStub(channel)
        self.sealing = SealingServiceStub(channel)
        self.stake = StakeServiceStub(channel)
        self.statements = StatementServiceStub(channel)
        self.subnetworks = SubnetworkServiceStub(channel)
        self.treasury = TreasuryServiceStub(channel)
        self.vaults = VaultServiceStub(channel)
        self.webhooks = WebhookServiceStub(channel)
