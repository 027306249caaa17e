"""Which request is which call of which service: the one table that the door answers by and its document is made of.

What stands in braces in a path is a field of the call's message; the other fields are the body's, or the query's where
a request has no body. A new call of a service needs one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.descriptor import Descriptor, MethodDescriptor

from proofgrid.wire.v1 import (
    accounts_pb2,
    api_keys_pb2,
    audit_pb2,
    canary_pb2,
    client_pb2,
    delivery_pb2,
    engines_pb2,
    incidents_pb2,
    keys_pb2,
    market_pb2,
    programs_pb2,
    quotes_pb2,
    reputation_pb2,
    sealing_pb2,
    stake_pb2,
    statements_pb2,
    subnetworks_pb2,
    treasury_pb2,
    vault_pb2,
    webhooks_pb2,
)

_FILES = (
    accounts_pb2,
    api_keys_pb2,
    audit_pb2,
    canary_pb2,
    client_pb2,
    delivery_pb2,
    engines_pb2,
    incidents_pb2,
    keys_pb2,
    market_pb2,
    programs_pb2,
    quotes_pb2,
    reputation_pb2,
    sealing_pb2,
    stake_pb2,
    statements_pb2,
    subnetworks_pb2,
    treasury_pb2,
    vault_pb2,
    webhooks_pb2,
)
_SERVICES = {name: one for file in _FILES for name, one in file.DESCRIPTOR.services_by_name.items()}


DOCUMENT = "/v1/openapi.json"
BUNDLE = "/v1/tasks/{task_id}/bundle"
BUNDLE_FILE = "/v1/tasks/{task_id}/bundle/{name:path}"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One request, and the call that answers it."""

    verb: str
    path: str
    call: str  #: service and method, as in the protos
    says: str  #: a sentence
    about: str  #: the heading that it stands under
    key: str = ""  #: the field that the header Idempotency-Key fills
    is_open: bool = False  #: to anybody, without a token

    @cached_property
    def service(self) -> str:
        """The name of the service."""
        return self.call.partition(".")[0]

    @cached_property
    def method(self) -> MethodDescriptor:
        """The call as the protos describe it."""
        found: MethodDescriptor = _SERVICES[self.service].methods_by_name[self.call.partition(".")[2]]
        return found

    @cached_property
    def asked(self) -> Descriptor:
        """The message that asks."""
        return self.method.input_type

    @cached_property
    def answer(self) -> Descriptor:
        """The message that answers."""
        return self.method.output_type

    @cached_property
    def in_path(self) -> Sequence[str]:
        """The fields that stand in the path."""
        return [part.strip("{}").partition(":")[0] for part in self.path.split("/") if part.startswith("{")]

    @cached_property
    def has_body(self) -> bool:
        """Is there a body with fields?"""
        rest = [one for one in self.asked.fields if one.name not in self.in_path]
        return self.verb in ("POST", "PATCH") and bool(rest) and not self.method.client_streaming


def _of(about: str, *rows: tuple[str, str, str, str], key: str = "") -> list[Route]:
    return [Route(verb=verb, path=path, call=call, says=says, about=about, key=key) for verb, path, call, says in rows]


_NETWORK = [
    Route(
        verb="GET",
        path="/v1/network",
        call="ClientService.GetNetwork",
        says="What this network is: the address of its key, its proof systems and its limits.",
        about="Network",
        is_open=True,
    ),
    *_of(
        "Network",
        ("GET", "/v1/status", "ClientService.GetStatus", "Who is connected, and how much there is to do."),
        ("GET", "/v1/operators", "ReputationService.ListOperators", "How operators and their provers stand, and why."),
        ("GET", "/v1/network/keys", "KeyService.GetKeys", "Which keys speak for the network, as its root key says."),
        ("GET", "/v1/engines", "EngineService.ListEngines", "The engines of proof systems, and which are stopped."),
        ("POST", "/v1/recipients", "SealingService.ListRecipients", "Whom inputs of a program can be sealed for."),
        ("GET", "/v1/subnetworks", "SubnetworkService.ListSubnetworks", "The subnetworks that you may use."),
        ("GET", "/v1/sizes", "MarketService.ListSizes", "What jobs are said to need, and what verified ones took."),
    ),
]

_PROGRAMS = _of(
    "Programs",
    ("POST", "/v1/artifacts", "ArtifactService.Upload", "Upload a file: the body, as it is."),
    ("GET", "/v1/artifacts/{digest}", "ArtifactService.Download", "A file that you may read."),
    (
        "POST",
        "/v1/programs",
        "ClientService.RegisterProgram",
        "Make a program of uploaded files. With `Accept: text/event-stream` its progress is told.",
    ),
    ("GET", "/v1/programs", "ClientService.ListPrograms", "Your programs, and those that are shared with you."),
    ("GET", "/v1/programs/{digest}", "ClientService.GetProgram", "One program."),
    ("DELETE", "/v1/programs/{digest}", "ProgramService.DeleteProgram", "Own it no more."),
    ("POST", "/v1/programs/{digest}/share", "ProgramService.ShareProgram", "Let others have it proven."),
    ("POST", "/v1/programs/{digest}/unshare", "ProgramService.UnshareProgram", "Take that back."),
)

_TASKS = [
    *_of(
        "Tasks",
        ("POST", "/v1/tasks", "ClientService.Submit", "Submit a request for a proof."),
        # Before what stands in their place is taken for a task's id.
        (
            "POST",
            "/v1/tasks/cancel",
            "ClientService.CancelTasks",
            "End all open tasks that a filter finds, so many at most; with `dry_run` only count them.",
        ),
        (
            "POST",
            "/v1/tasks/replay",
            "ClientService.ReplayTasks",
            "Make new tasks of those that failed or were cancelled, with the same inputs.",
        ),
        key="idempotency_key",
    ),
    *_of(
        "Tasks",
        ("GET", "/v1/tasks", "ClientService.ListTasks", "Your tasks, newest first, by state, program, tag or time."),
        (
            "GET",
            "/v1/tasks/{task_id}",
            "ClientService.GetTask",
            "A task, its jobs, and why those wait that nobody proves.",
        ),
        ("POST", "/v1/tasks/{task_id}/cancel", "ClientService.CancelTask", "End a task, if it has not ended yet."),
        (
            "GET",
            "/v1/tasks/{task_id}/events",
            "ClientService.WatchTask",
            "Every event of a task as it happens, until it has ended: server-sent events.",
        ),
        (
            "GET",
            "/v1/delivery",
            "DeliveryService.GetDeliveryTerms",
            "To which contracts of a chain the network brings proofs, and for how much.",
        ),
        (
            "POST",
            "/v1/tasks/{task_id}/delivery",
            "DeliveryService.DeliverProof",
            "Have a contract verify its proof as soon as it is there.",
        ),
        (
            "GET",
            "/v1/tasks/{task_id}/delivery",
            "DeliveryService.GetProofDelivery",
            "What became of that: the receipt.",
        ),
        ("GET", "/v1/tasks/{task_id}/result", "ClientService.FetchResult", "Where the bundle of a finished task is."),
        ("GET", BUNDLE, "ClientService.FetchResult", "The bundle itself, or a range of it."),
        (
            "GET",
            BUNDLE_FILE,
            "ClientService.FetchResult",
            "One file of the bundle: `manifest.json`, `signature.json`, or `files/DIGEST`, such as a single proof.",
        ),
    ),
]

_QUOTES = [
    *_of(
        "Quotes",
        ("POST", "/v1/quotes", "QuoteService.GetQuote", "What a request would cost and take; nothing is stored."),
        ("GET", "/v1/quotes", "QuoteService.ListQuotes", "Your firm quotes, newest first."),
    ),
    *_of(
        "Quotes",
        ("POST", "/v1/quotes/firm", "QuoteService.BuyQuote", "Buy a promise of cost and time."),
        key="idempotency_key",
    ),
]

_MONEY = [
    *_of(
        "Money",
        ("GET", "/v1/account", "ClientService.GetAccount", "What an address owns and has earned."),
        (
            "POST",
            "/v1/account/low-balance",
            "AccountService.SetLowBalance",
            "Have your webhooks told when the balance falls below an amount.",
        ),
        ("GET", "/v1/quota", "AccountService.GetQuota", "Every limit of yours, and how much of it is used."),
        (
            "GET",
            "/v1/statement",
            "StatementService.GetStatement",
            "Every movement of money: JSON, or `Accept: text/csv`.",
        ),
        ("GET", "/v1/stake", "StakeService.GetStake", "An operator's bond."),
        (
            "POST",
            "/v1/stake/withdraw",
            "StakeService.WithdrawStake",
            "What was unbonded long enough ago, to your earnings.",
        ),
        ("GET", "/v1/evidence", "StakeService.ListEvidence", "What was taken of your bond, newest first."),
        ("GET", "/v1/evidence/{evidence_id}", "StakeService.GetEvidence", "One of them, with what verifies it."),
        ("POST", "/v1/evidence/{evidence_id}/appeal", "StakeService.Appeal", "Say why a slash was wrong."),
    ),
    *_of(
        "Money",
        ("GET", "/v1/vault", "VaultService.GetVault", "The vault on a chain, and what of yours waits for it."),
        ("GET", "/v1/vault/proof", "VaultService.GetVaultProof", "What an account claims by, on the chain."),
    ),
    *_of("Money", ("POST", "/v1/vault/payouts", "VaultService.RequestPayout", "Be paid out."), key="payout_id"),
    Route(
        verb="GET",
        path="/v1/vault/batches/{number}",
        call="VaultService.GetVaultBatch",
        says="The public file of a batch; -1: the newest that is in force.",
        about="Money",
        is_open=True,
    ),
    *_of("Money", ("POST", "/v1/stake/deposit", "StakeService.DepositStake", "Into your bond."), key="deposit_id"),
    *_of("Money", ("POST", "/v1/stake/unbond", "StakeService.Unbond", "Begin to take a part out."), key="unbonding_id"),
]

_MARKET = _of(
    "Market",
    ("GET", "/v1/rounds", "ClientService.ListRounds", "Rounds of a lane, newest first."),
    (
        "GET",
        "/v1/rounds/record",
        "MarketService.ExportRounds",
        "Rounds as the lines of a file that `proofgrid market replay` reads, the last one signed.",
    ),
    ("POST", "/v1/rounds/open-order", "MarketService.OpenOrder", "What proves that an order of a round was yours."),
)

_AUDIT = _of(
    "Audit",
    ("GET", "/v1/audit/head", "AuditService.GetAuditHead", "The signed checkpoint of the audit log."),
    ("GET", "/v1/audit/consistency", "AuditService.GetAuditConsistency", "That an older log is the beginning of it."),
    ("GET", "/v1/audit/tile", "AuditService.GetAuditTile", "Hashes of the log."),
    ("GET", "/v1/audit/entries", "AuditService.ListAuditEntries", "Entries, newest first. For administrators."),
    (
        "GET",
        "/v1/audit/entries/{position}",
        "AuditService.GetAuditEntry",
        "An entry with its proof. For administrators.",
    ),
    ("GET", "/v1/audit/entry-tile", "AuditService.GetAuditEntryTile", "Entries of a tile. For administrators."),
)

_API_KEYS = _of(
    "API keys",
    ("POST", "/v1/api-keys", "ApiKeyService.MakeApiKey", "Make an API key; the answer shows its secret, once."),
    ("GET", "/v1/api-keys", "ApiKeyService.ListApiKeys", "Your API keys, newest first."),
    ("PATCH", "/v1/api-keys/{key_id}", "ApiKeyService.SetApiKey", "Say anew what one may spend a day."),
    ("DELETE", "/v1/api-keys/{key_id}", "ApiKeyService.RevokeApiKey", "End one at once, with what it has open."),
)

_WEBHOOKS = _of(
    "Webhooks",
    ("POST", "/v1/webhooks", "WebhookService.MakeWebhook", "Be told of your tasks; the answer shows the secret, once."),
    ("GET", "/v1/webhooks", "WebhookService.ListWebhooks", "Your webhooks, newest first."),
    (
        "GET",
        "/v1/webhooks/{endpoint_id}/deliveries",
        "WebhookService.ListDeliveries",
        "What was sent, and the answers.",
    ),
    ("POST", "/v1/webhooks/{endpoint_id}/replay", "WebhookService.ReplayWebhook", "Send again, and enable it."),
    ("POST", "/v1/webhooks/{endpoint_id}/test", "WebhookService.TestWebhook", "Send a test now; what came back."),
    ("DELETE", "/v1/webhooks/{endpoint_id}", "WebhookService.RemoveWebhook", "Send nothing more there."),
)

_ADMIN = [
    *_of(
        "Administration",
        ("GET", "/v1/admin/identities", "AdminService.ListIdentities", "Every key that has an access role."),
        ("POST", "/v1/admin/identities/grant", "AdminService.Grant", "Give a key an access role."),
        ("POST", "/v1/admin/identities/revoke", "AdminService.Revoke", "Take one."),
        ("GET", "/v1/admin/ledger", "AdminService.CheckLedger", "Whether the ledger adds up."),
        ("GET", "/v1/admin/dead-letters", "AdminService.ListDeadLetters", "Tasks that nobody could prove."),
        ("GET", "/v1/admin/dead-letters/{task_id}", "AdminService.GetDeadLetter", "One of them, with every try."),
        ("POST", "/v1/admin/dead-letters/{task_id}/replay", "AdminService.ReplayDeadLetter", "Make a new task of it."),
        ("GET", "/v1/admin/incidents", "IncidentService.ListIncidents", "What was noticed, newest first."),
        ("GET", "/v1/admin/incidents/{incident_id}", "IncidentService.GetIncident", "One of them."),
        (
            "GET",
            "/v1/admin/incidents/{incident_id}/post-mortem",
            "IncidentService.GetPostMortem",
            "What happened when, and a draft in Markdown.",
        ),
        ("POST", "/v1/admin/incidents/{incident_id}/close", "IncidentService.CloseIncident", "It was looked at."),
        ("GET", "/v1/admin/canaries", "CanaryService.ListCanaries", "The network's own jobs."),
        ("POST", "/v1/admin/canaries", "CanaryService.AddCanary", "Send an input of a program as a canary."),
        ("POST", "/v1/admin/engines/{engine}/stop", "EngineService.StopEngine", "Nothing more is done by an engine."),
        ("POST", "/v1/admin/engines/{engine}/resume", "EngineService.ResumeEngine", "It is, again."),
        (
            "GET",
            "/v1/admin/engines/{engine}/accepted",
            "EngineService.ListAccepted",
            "Proofs by it that were paid for.",
        ),
        ("POST", "/v1/admin/evidence/{evidence_id}/resolve", "StakeService.ResolveAppeal", "A slash stands, or not."),
        ("POST", "/v1/admin/subnetworks", "SubnetworkService.CreateSubnetwork", "Make a subnetwork."),
        ("GET", "/v1/admin/subnetworks/{name}", "SubnetworkService.GetSubnetwork", "One, with its members."),
        ("PATCH", "/v1/admin/subnetworks/{name}", "SubnetworkService.SetSubnetwork", "Change it."),
        ("DELETE", "/v1/admin/subnetworks/{name}", "SubnetworkService.RemoveSubnetwork", "Remove it."),
        ("POST", "/v1/admin/subnetworks/{subnetwork}/allow", "SubnetworkService.AllowMember", "Let a key in."),
        ("POST", "/v1/admin/subnetworks/{subnetwork}/deny", "SubnetworkService.DenyMember", "Keep it out."),
    ),
    *_of(
        "Administration",
        ("POST", "/v1/admin/deposits", "AdminService.Deposit", "Money from outside."),
        key="deposit_id",
    ),
    *_of(
        "Administration", ("POST", "/v1/admin/treasury/fund", "CanaryService.FundTreasury", "Put in."), key="deposit_id"
    ),
    *_of("Administration", ("POST", "/v1/admin/treasury/take", "TreasuryService.TakeOut", "Take out."), key="take_id"),
]

ROUTES: Sequence[Route] = [
    *_NETWORK,
    *_PROGRAMS,
    *_TASKS,
    *_QUOTES,
    *_MONEY,
    *_MARKET,
    *_AUDIT,
    *_API_KEYS,
    *_WEBHOOKS,
    *_ADMIN,
]
