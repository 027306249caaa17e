"""Who may call what: every call of every service asks for one use case of the intake, whose access roles decide."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

import grpc
import pytest

from proofgrid.doors.grpc.services import add_prover_service, add_services
from proofgrid.doors.services.every import services_of
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.primitives.ids import Address
from proofgrid.roles.dispatcher.desk import Desk
from proofgrid.roles.intake import intake as all_of_it
from proofgrid.roles.intake.intake import Intake
from proofgrid.rules.access.rights import is_once, roles_needed
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.jobs.limits import Limits

ANYBODY = "admin client operator"
RIGHTS: Mapping[str, Mapping[str, str | None]] = {
    "ClientService": {
        "GetNetwork": None,  # everybody, even without a key
        "RegisterProgram": "admin client",
        "GetProgram": ANYBODY,
        "ListPrograms": ANYBODY,
        "Submit": "client",
        "GetTask": "admin client",
        "ListTasks": "client",
        "CancelTask": "admin client",
        "CancelTasks": "client",
        "ReplayTasks": "client",
        "WatchTask": "admin client",
        "FetchResult": "admin client",
        "GetAccount": ANYBODY,
        "ListRounds": ANYBODY,
        "GetStatus": ANYBODY,
    },
    "AccountService": {"GetQuota": ANYBODY, "SetLowBalance": "client"},
    "AdminService": dict.fromkeys(
        (
            "Grant",
            "Revoke",
            "ListIdentities",
            "Deposit",
            "CheckLedger",
            "ListDeadLetters",
            "GetDeadLetter",
            "ReplayDeadLetter",
        ),
        "admin",
    ),
    "ApiKeyService": {
        "MakeApiKey": "client",
        "ListApiKeys": "admin client",
        "SetApiKey": "client",
        "RevokeApiKey": "admin client",
    },
    "ArtifactService": {"Upload": ANYBODY, "Download": ANYBODY},
    "KeyService": {"GetKeys": ANYBODY, "PublishKeys": "admin", "CertifyProver": "operator"},
    "AuditService": {
        "GetAuditHead": ANYBODY,
        "GetAuditConsistency": ANYBODY,
        "GetAuditTile": ANYBODY,
        "ListAuditEntries": "admin",
        "GetAuditEntry": "admin",
        "GetAuditEntryTile": "admin",
    },
    "DeliveryService": {"GetDeliveryTerms": ANYBODY, "DeliverProof": "client", "GetProofDelivery": "admin client"},
    "EngineService": {
        "ListEngines": ANYBODY,
        "StopEngine": "admin",
        "ResumeEngine": "admin",
        "ListAccepted": "admin",
    },
    "ProgramService": dict.fromkeys(("ShareProgram", "UnshareProgram", "DeleteProgram"), "admin client"),
    "CanaryService": {"AddCanary": "admin", "ListCanaries": "admin", "FundTreasury": "admin"},
    "IncidentService": {
        "ListIncidents": "admin",
        "GetIncident": "admin",
        "GetPostMortem": "admin",
        "CloseIncident": "admin",
    },
    "MarketService": {"ExportRounds": ANYBODY, "OpenOrder": ANYBODY, "ListSizes": ANYBODY},
    "ProverService": {"Connect": "operator"},
    "QuoteService": {"GetQuote": "client", "BuyQuote": "client", "ListQuotes": "client"},
    "ReputationService": {"ListOperators": ANYBODY},
    "SealingService": {"ListRecipients": "client"},
    "StakeService": {
        "GetStake": "admin operator",
        "DepositStake": "admin operator",
        "Unbond": "operator",
        "WithdrawStake": "operator",
        "ListEvidence": "admin operator",
        "GetEvidence": "admin operator",
        "Appeal": "operator",
        "ResolveAppeal": "admin",
    },
    "StatementService": {"GetStatement": ANYBODY},
    "SubnetworkService": {
        "ListSubnetworks": ANYBODY,
        "GetSubnetwork": "admin",
        "CreateSubnetwork": "admin",
        "SetSubnetwork": "admin",
        "RemoveSubnetwork": "admin",
        "AllowMember": "admin",
        "DenyMember": "admin",
    },
    "WebhookService": dict.fromkeys(
        ("MakeWebhook", "ListWebhooks", "ListDeliveries", "TestWebhook", "ReplayWebhook", "RemoveWebhook"), "client"
    ),
    "TreasuryService": {"TakeOut": "admin"},
    "VaultService": {
        "GetVault": ANYBODY,
        "RequestPayout": "client operator",
        "GetVaultProof": ANYBODY,
        "GetVaultBatch": None,  # everybody, even without a key
    },
}


#: What uses its token up: money, rights and administration. A submission is once by its idempotency key, an upload by
#: its digest.
ONCE = {
    "WebhookService": {"MakeWebhook", "RemoveWebhook", "ReplayWebhook", "TestWebhook"},
    "AccountService": {"SetLowBalance"},
    "ClientService": {"RegisterProgram", "CancelTask", "CancelTasks", "ReplayTasks"},
    "AdminService": {"Grant", "Revoke", "Deposit", "ReplayDeadLetter"},
    "ApiKeyService": {"MakeApiKey", "SetApiKey", "RevokeApiKey"},
    "KeyService": {"CertifyProver", "PublishKeys"},
    "DeliveryService": {"DeliverProof"},
    "EngineService": {"StopEngine", "ResumeEngine"},
    "ProgramService": {"ShareProgram", "UnshareProgram", "DeleteProgram"},
    "CanaryService": {"AddCanary", "FundTreasury"},
    "IncidentService": {"CloseIncident"},
    "ProverService": {"Connect"},
    "QuoteService": {"BuyQuote"},
    "StakeService": {"DepositStake", "Unbond", "WithdrawStake", "Appeal", "ResolveAppeal"},
    "SubnetworkService": {"CreateSubnetwork", "SetSubnetwork", "RemoveSubnetwork", "AllowMember", "DenyMember"},
    "TreasuryService": {"TakeOut"},
    "VaultService": {"RequestPayout"},
}


#: What may be asked twice with one token, because it changes nothing, or names what it changes by the bytes it says.
READS = ("Get", "List", "Watch", "Fetch", "Export", "Open", "Check", "Download")
BY_ITS_BYTES = {"Submit", "Upload"}


class Asked(Exception):
    """The door was asked; nothing more is to happen."""


class ListeningDoor:
    """Notes what each call asks for, and admits nobody."""

    def __init__(self) -> None:
        self.roles: frozenset[str] | None = None
        self.once: dict[str, set[str]] = {}
        self.service = self.method = ""

    async def admit(self, _context: object, use_case: Callable[..., Any], *_: object) -> Caller:
        self.roles = roles_needed(use_case)
        if is_once(use_case):
            self.once.setdefault(self.service, set()).add(self.method)
        raise Asked


class CollectingServer:
    """Keeps what would serve: the methods of all services, by service and name."""

    def __init__(self) -> None:
        self.methods: dict[str, dict[str, Any]] = {}

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        pass

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self.methods[service.rpartition(".")[2]] = {
            name: one.unary_unary or one.unary_stream or one.stream_unary or one.stream_stream
            for name, one in handlers.items()
        }


def an_intake_without_a_database() -> Intake:
    """Every use case as it is, over nothing: only what it needs is asked for."""
    parts: dict[str, Any] = {}
    known = {"limits": Limits(), "here": ()}  # what is looked at while it is made
    for name, kind in inspect.get_annotations(Intake).items():
        cls = getattr(all_of_it, kind)
        made: dict[str, Any] = dict.fromkeys(inspect.signature(cls).parameters)
        parts[name] = Limits() if cls is Limits else cls(**made | {name: known[name] for name in made if name in known})
    return Intake(**parts)


async def roles_asked_for(method: Any, door: ListeningDoor) -> str | None:
    """Call a method with a request that it cannot read: whoever may not call is told so before that is found."""
    door.roles = None
    door.service, door.method = type(method.__self__).__name__, method.__name__
    answer = method.__wrapped__(method.__self__, None, None)
    try:
        await (anext(answer) if inspect.isasyncgen(answer) else answer)
    except (Asked, AttributeError):
        return None if door.roles is None else " ".join(sorted(door.roles))
    raise AssertionError(f"{method.__name__} answers a request that is none")


async def test_every_call_asks_first_and_for_these_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    door, server = ListeningDoor(), CollectingServer()
    monkeypatch.setattr(FrontDoor, "_admit", door.admit)
    intake = an_intake_without_a_database()
    add_services(cast(grpc.aio.Server, server), services_of(intake))
    desk = cast(Any, Desk.__new__(Desk))
    add_prover_service(cast(grpc.aio.Server, server), intake, desk, network=Address("0xn"), heartbeat_ms=1)

    asked = {
        service: {name: await roles_asked_for(method, door) for name, method in methods.items()}
        for service, methods in server.methods.items()
    }

    assert asked == RIGHTS
    assert door.once == ONCE


def test_what_changes_something_uses_its_token_up() -> None:
    changes = {
        service: {name for name in calls if not name.startswith(READS) and name not in BY_ITS_BYTES}
        for service, calls in RIGHTS.items()
    }
    assert {service: names for service, names in changes.items() if names} == ONCE
