"""Whatever a client calls, a gateway that is dead costs it a moment, and it stays at the one that lives."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import proofgrid.sdk
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.sealing_errors import CannotSeal
from proofgrid.proofs.bundles import evidence as evidence_files
from proofgrid.rules.access.subnetworks import SubnetworkChange
from proofgrid.rules.audit.checkpoint import Checkpoint, audit_key, origin_of, verifier_statement
from proofgrid.rules.audit.merkle import leaf_hash
from proofgrid.rules.identity.key_list import Purpose, first_list, sign_list, with_key
from proofgrid.sdk import client as client_module
from proofgrid.sdk.admin import Admin
from proofgrid.sdk.api_keys import ApiKeys
from proofgrid.sdk.audit import Audit
from proofgrid.sdk.bonds import Bonds
from proofgrid.sdk.client import Client
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.deliveries import Deliveries
from proofgrid.sdk.engines import Engines
from proofgrid.sdk.network_keys import KeyLists
from proofgrid.sdk.ownership import Ownership
from proofgrid.sdk.sealing import Sealing
from proofgrid.sdk.sync import SyncClient
from proofgrid.sdk.vaults import Vaults
from proofgrid.sdk.webhooks import Webhooks
from proofgrid.wire.v1 import audit_pb2, common_pb2, delivery_pb2, keys_pb2, stake_pb2, statements_pb2
from proofgrid.wire.v1 import client_pb2 as messages
from tests.answering_gateway import answering_gateway, dead_gateway
from tests.makers import a_key

CONTENT = b"what was asked for"
DIGEST = digest_of(CONTENT)
NETWORK = a_key(2).address
CONTRACT = a_key(4).address

KEYS = sign_list(with_key(first_list(NETWORK), a_key(3).address, Purpose, now_ms=1), a_key(2))
#: An audit log of one entry.
ENTRY = b"{}"
LOG = Checkpoint(origin_of(NETWORK), 1, leaf_hash(ENTRY))
HEAD = audit_pb2.AuditHead(
    note=audit_key(a_key(2)).sign(LOG.text),
    verifier=audit_key(a_key(2)).verifier,
    statement=a_key(2).sign(verifier_statement(NETWORK, audit_key(a_key(2)).verifier)),
)

#: What the gateway says where an empty message is not enough to go on.
ANSWERS = {
    "GetNetwork": messages.Network(address=NETWORK),
    "RegisterProgram": messages.RegisterProgramEvent(program=messages.Program(digest=DIGEST)),
    "WatchTask": messages.TaskEvent(cursor=1, kind="done", data_json="{}"),
    "GetTask": messages.Task(state="done"),
    "FetchResult": messages.Result(bundle=common_pb2.ArtifactRef(digest=DIGEST)),
    "Upload": common_pb2.ArtifactRef(digest=DIGEST),
    "Download": messages.DownloadResponse(chunk=CONTENT),
    "GetStatement": statements_pb2.StatementPart(closing=statements_pb2.StatementClosing()),
    "GetAuditHead": HEAD,
    "GetKeys": keys_pb2.NetworkKeys(network=NETWORK, keys=KEYS.text),
    "PublishKeys": keys_pb2.NetworkKeys(network=NETWORK, keys=KEYS.text),
    "GetAuditConsistency": audit_pb2.AuditConsistency(head=HEAD),
    "GetAuditEntry": audit_pb2.ShownAuditEntry(entry=audit_pb2.AuditEntry(spelled=ENTRY), head=HEAD),
    "GetDeliveryTerms": delivery_pb2.DeliveryTerms(contracts=[CONTRACT]),
    "GetProofDelivery": delivery_pb2.ProofDelivery(state="delivered"),
    "GetEvidence": stake_pb2.SealedEvidence(record_json=b"{}"),
}

#: How each method of Client and SyncClient is called; `path` is a file that is there.
OF_CLIENTS: dict[str, Callable[[Any, Path], Any]] = {
    "register_program": lambda client, path: client.register_program({"model": path}),
    "submit": lambda client, _: client.submit(DIGEST, [[1]], limit_price=5),
    "quote": lambda client, _: client.quote(DIGEST, [[1]]),
    "buy_quote": lambda client, _: client.buy_quote(DIGEST, [[1]], hold_ms=60_000),
    "quotes": lambda client, _: client.quotes(),
    "prove": lambda client, path: client.prove(DIGEST, [[1]], path.with_suffix(".bundle"), limit_price=5),
    "watch": lambda client, _: client.watch("t"),
    "wait": lambda client, _: client.wait("t"),
    "task": lambda client, _: client.task("t"),
    "tasks": lambda client, _: client.tasks(),
    "cancel": lambda client, _: client.cancel("t"),
    "cancel_tasks": lambda client, _: client.cancel_tasks(tag="nightly"),
    "replay_tasks": lambda client, _: client.replay_tasks(dry_run=True),
    "fetch_result": lambda client, path: client.fetch_result("t", path.with_suffix(".result")),
    "program": lambda client, _: client.program(DIGEST),
    "programs": lambda client, _: client.programs(),
    "account": lambda client, _: client.account(),
    "set_low_balance": lambda client, _: client.set_low_balance(5),
    "quota": lambda client, _: client.quota(),
    "statement": lambda client, _: client.statement(),
    "rounds": lambda client, _: client.rounds(),
    "sizes": lambda client, _: client.sizes(),
    "status": lambda client, _: client.status(),
    "subnetworks": lambda client, _: client.subnetworks(),
    "operators": lambda client, _: client.operators(),
    "facts": lambda client, _: client.facts(),
}

#: The same for its parts, which are for operators and administrators.
OF_PARTS: dict[type, dict[str, Callable[[Any], Any]]] = {
    ApiKeys: {
        "make": lambda keys: keys.make("a server"),
        "known": lambda keys: keys.known(),
        "set_spend": lambda keys: keys.set_spend("0" * 16, 5),
        "revoke": lambda keys: keys.revoke("0" * 16),
    },
    Webhooks: {
        "make": lambda webhooks: webhooks.make("https://server.example/"),
        "known": lambda webhooks: webhooks.known(),
        "deliveries": lambda webhooks: webhooks.deliveries("w"),
        "replay": lambda webhooks: webhooks.replay("w"),
        "test": lambda webhooks: webhooks.test("w"),
        "remove": lambda webhooks: webhooks.remove("w"),
    },
    Ownership: {
        "share": lambda ownership: ownership.share(DIGEST, ["*"]),
        "unshare": lambda ownership: ownership.unshare(DIGEST),
        "delete": lambda ownership: ownership.delete(DIGEST),
    },
    Deliveries: {
        "terms": lambda deliveries: deliveries.terms(),
        "check": lambda deliveries: deliveries.check(f"chain:{CONTRACT}"),
        "deliver": lambda deliveries: deliveries.deliver("t", f"chain:{CONTRACT}"),
        "show": lambda deliveries: deliveries.show("t"),
        "wait": lambda deliveries: deliveries.wait("t"),
    },
    Bonds: {
        "show": lambda bonds: bonds.show(),
        "deposit": lambda bonds: bonds.deposit(5),
        "unbond": lambda bonds: bonds.unbond(5),
        "withdraw": lambda bonds: bonds.withdraw(),
        "evidence": lambda bonds: bonds.evidence(),
        "one_evidence": lambda bonds: bonds.one_evidence("e"),
        "appeal": lambda bonds: bonds.appeal("e", "why"),
    },
    Vaults: {
        "show": lambda vaults: vaults.show(),
        "request_payout": lambda vaults: vaults.request_payout(5),
        "proof": lambda vaults: vaults.proof(),
        "batch": lambda vaults: vaults.batch(),
    },
    Audit: {
        "head": lambda audit: audit.head(NETWORK),
        "check_grown": lambda audit: audit.check_grown(LOG, NETWORK),
        "tile": lambda audit: audit.tile("tile/0/000"),
        "entry_tile": lambda audit: audit.entry_tile("tile/entries/000"),
        "entries": lambda audit: audit.entries(),
        "entry": lambda audit: audit.entry(0, NETWORK),
    },
    KeyLists: {
        "get": lambda keys: keys.get(),
        "publish": lambda keys: keys.publish(KEYS),
    },
    Admin: {
        "grant": lambda admin: admin.grant(NETWORK, "client"),
        "revoke": lambda admin: admin.revoke(NETWORK, "client"),
        "identities": lambda admin: admin.identities(),
        "deposit": lambda admin: admin.deposit(NETWORK, 5),
        "deposit_stake": lambda admin: admin.deposit_stake(NETWORK, 5),
        "check_ledger": lambda admin: admin.check_ledger(),
        "treasury": lambda admin: admin.treasury(),
        "fund_treasury": lambda admin: admin.fund_treasury(5),
        "take_out": lambda admin: admin.take_out(5, burn=True),
        "dead_letters": lambda admin: admin.dead_letters(),
        "dead_letter": lambda admin: admin.dead_letter("t"),
        "replay_dead_letter": lambda admin: admin.replay_dead_letter("t"),
        "incidents": lambda admin: admin.incidents(),
        "incident": lambda admin: admin.incident(1),
        "post_mortem": lambda admin: admin.post_mortem(1),
        "close_incident": lambda admin: admin.close_incident(1),
        "resolve_appeal": lambda admin: admin.resolve_appeal("e", overturn=True, answer="so be it"),
        "add_canary": lambda admin: admin.add_canary(DIGEST, ["x"], limit_price=5),
        "canaries": lambda admin: admin.canaries(),
        "subnetwork": lambda admin: admin.subnetwork("lab"),
        "create_subnetwork": lambda admin: admin.create_subnetwork("lab", SubnetworkChange(is_open=True)),
        "set_subnetwork": lambda admin: admin.set_subnetwork("lab", SubnetworkChange(proof_systems=frozenset())),
        "remove_subnetwork": lambda admin: admin.remove_subnetwork("lab"),
        "allow_member": lambda admin: admin.allow_member("lab", NETWORK, "client"),
        "deny_member": lambda admin: admin.deny_member("lab", NETWORK, "client"),
    },
    Sealing: {
        "recipients": lambda sealing: recipients_of(sealing),
        "submit": lambda sealing: refused(sealing.submit(DIGEST, [[1]])),
    },
    Engines: {
        "known": lambda engines: engines.known(),
        "stop": lambda engines: engines.stop("toy@1.0", "unsound"),
        "resume": lambda engines: engines.resume("toy@1.0"),
        "accepted": lambda engines: engines.accepted("toy@1.0"),
    },
}


async def recipients_of(sealing: Sealing) -> None:
    with pytest.raises(CannotSeal, match="no connected prover"):
        await sealing.recipients(DIGEST)


async def refused(submitting: Any) -> None:
    """The gateway's empty program is nobody's: no more is asked of it."""
    with pytest.raises(InvalidField):
        await submitting


#: The same for the functions of the SDK that take a connection.
OF_CONNECTIONS: dict[str, Callable[[Callable[..., Any], Connection, Path], Any]] = {
    "upload_file": lambda function, connection, path: function(connection, path),
    "download_file": lambda function, connection, path: function(connection, DIGEST, path.with_suffix(".download")),
    "export_rounds": lambda function, connection, path: function(connection, "lane", path.with_suffix(".rounds")),
    "open_order": lambda function, connection, _: function(connection, "lane", 1, "task"),
    "export_evidence": lambda function, connection, path: function(connection, "e", path.with_suffix(".evidence")),
}


class Gateways(NamedTuple):
    dead: str
    live: str
    heard: list[str]  #: by the live one


@pytest.fixture
async def gateways() -> AsyncIterator[Gateways]:
    heard: list[str] = []
    with dead_gateway() as dead:
        async with answering_gateway(ANSWERS, heard) as live:
            yield Gateways(dead, live, heard)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # What arrives is nobody's proof: verifying it has its own tests.
    monkeypatch.setattr(client_module, "verify_bundle", lambda *_, **__: None)
    monkeypatch.setattr(evidence_files, "program_of_record", lambda *_: None)
    monkeypatch.setattr(evidence_files, "write_evidence", lambda *_, **__: None)
    (tmp_path / "content").write_bytes(CONTENT)
    return tmp_path / "content"


def public_methods_of(kind: type) -> set[str]:
    known = {name: value for one in kind.__mro__ for name, value in vars(one).items()}
    return {name for name, value in known.items() if not name.startswith("_") and inspect.isfunction(value)}


def parts_of(client: Client) -> dict[type, Any]:
    """What hangs on a client and makes calls of its own."""
    hanging = [*vars(client).values(), *vars(client.admin).values()]
    parts = [value for value in hanging if type(value).__module__.startswith("proofgrid.sdk")]
    return {type(part): part for part in parts if not isinstance(part, Connection)}


def functions_on_a_connection() -> dict[str, Callable[..., Any]]:
    modules = [
        importlib.import_module(f"proofgrid.sdk.{found.name}") for found in pkgutil.iter_modules(proofgrid.sdk.__path__)
    ]
    return {
        name: function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and next(iter(inspect.signature(function).parameters), "") == "connection"
    }


async def finished(result: Any) -> None:
    if hasattr(result, "__aiter__"):
        assert [one async for one in result]
    else:
        await result


def assert_at_the_live_one(connection: Connection, gateways: Gateways) -> None:
    assert connection.target.address == gateways.live
    assert gateways.heard


async def test_no_method_is_forgotten_here() -> None:
    async with Client("127.0.0.1:1", a_key()) as client:
        assert {part: public_methods_of(part) for part in parts_of(client)} == {
            part: set(calls) for part, calls in OF_PARTS.items()
        }
    assert public_methods_of(Client) == set(OF_CLIENTS)
    assert public_methods_of(SyncClient) - {"close"} <= set(OF_CLIENTS)
    assert set(functions_on_a_connection()) == set(OF_CONNECTIONS)


@pytest.mark.parametrize("network", [None, NETWORK], ids=["asks who the network is", "knows the network"])
@pytest.mark.parametrize("name", OF_CLIENTS)
async def test_a_client_leaves_a_dead_gateway(name: str, network: str | None, gateways: Gateways, path: Path) -> None:
    addresses = [gateways.dead, gateways.live]
    async with Client(addresses, a_key(), network=network, patience_seconds=30) as client, asyncio.timeout(60):
        await finished(OF_CLIENTS[name](client, path))
        assert_at_the_live_one(client.connection, gateways)


@pytest.mark.parametrize(("part", "name"), [(part, name) for part, calls in OF_PARTS.items() for name in calls])
async def test_a_part_of_a_client_leaves_a_dead_gateway(part: type, name: str, gateways: Gateways) -> None:
    addresses = [gateways.dead, gateways.live]
    async with Client(addresses, a_key(), network=NETWORK, patience_seconds=30) as client, asyncio.timeout(60):
        await OF_PARTS[part][name](parts_of(client)[part])
        assert_at_the_live_one(client.connection, gateways)


@pytest.mark.parametrize("name", sorted(public_methods_of(SyncClient) - {"close"}))
async def test_a_client_that_blocks_leaves_a_dead_gateway(name: str, gateways: Gateways, path: Path) -> None:
    def call() -> None:
        with SyncClient([gateways.dead, gateways.live], a_key(), network=NETWORK, patience_seconds=30) as client:
            result = OF_CLIENTS[name](client, path)
            if inspect.isgenerator(result):
                assert list(result)

    async with asyncio.timeout(60):
        await asyncio.to_thread(call)
    assert gateways.heard


@pytest.mark.parametrize("network", [None, NETWORK], ids=["asks who the network is", "knows the network"])
@pytest.mark.parametrize("name", OF_CONNECTIONS)
async def test_what_takes_a_connection_leaves_a_dead_gateway(
    name: str, network: str | None, gateways: Gateways, path: Path
) -> None:
    function = functions_on_a_connection()[name]
    addresses = [gateways.dead, gateways.live]
    async with Connection(addresses, a_key(), network=network, patience_seconds=30) as connection, asyncio.timeout(60):
        await finished(OF_CONNECTIONS[name](function, connection, path))
        assert_at_the_live_one(connection, gateways)
