"""Puts an anchor together: a database, nodes of a chain, and the key that may propose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import SigningKey, parse_address
from proofgrid.rules.chain.delivering import DeliveryTerms
from proofgrid.rules.staking.chain_slashes import AskingTerms
from proofgrid.rules.staking.onchain import StakeTerms, horizon
from proofgrid.sdk.keys import read_key
from proofgrid.settings.anchor import AnchorSettings
from proofgrid.store.chain import StakeMode
from proofgrid.store.database import Database
from proofgrid.store.embedded import start_embedded
from proofgrid.telemetry.logs import configure_logs

if TYPE_CHECKING:
    from proofgrid.chain.vault import VaultContract
    from proofgrid.roles.anchor.anchor import Acting, Anchor

_CONNECTIONS = 3

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorFacts:
    """What an anchor says of itself once it is there."""

    avs: str
    mode: StakeMode
    horizon: int  #: blocks
    slasher: str  #: its address; empty: it only reads
    vault: str  #: empty: no money goes over the chain


@asynccontextmanager
async def open_anchor(settings: AnchorSettings) -> AsyncIterator[tuple[Anchor, AnchorFacts]]:
    """Yield an anchor that can run. Raises InvalidField, NoNode, Unavailable."""
    from proofgrid.chain.members import Members
    from proofgrid.chain.nodes import Nodes
    from proofgrid.chain.reading import StakeReader, find_service
    from proofgrid.roles.anchor.anchor import Anchor, Watching
    from proofgrid.roles.anchor.crediting import Crediting
    from proofgrid.roles.anchor.watching import Watcher, WatchTerms

    configure_logs(json_lines=settings.log_json, level=settings.log_level)
    if not settings.avs:
        raise InvalidField("which network's contract?", field="avs", hint="--avs ADDRESS")
    mode, key = _mode(settings.stake_mode), _slasher_key(settings)
    nodes = Nodes.named([url.strip() for url in settings.rpc.split(",") if url.strip()])
    async with _database(settings) as database:
        try:
            node = await nodes.choose()
            service = await find_service(node.web3, str(parse_address(settings.avs, field="avs")))
            reader = StakeReader(node.web3, service)
            blocks = horizon(
                lease=settings.lease_blocks,
                finality=max(0, node.newest.number - node.final.number),
                veto=await reader.veto_blocks(),
                deallocation=(await reader.delays()).deallocation,
            )
            terms = WatchTerms(
                mode=mode,
                stake=StakeTerms(value_permille=settings.stake_value),
                horizon=blocks,
                fresh_ms=settings.fresh_seconds * 1_000,
            )
            watcher = Watcher(database, Members(service), terms)
            vault = _vault(settings)
            acting = None if key is None else _acting(settings, database, service.avs, vault, key)
            crediting = None if vault is None else Crediting(database, vault)
            watching = Watching(watcher=watcher, crediting=crediting)
            anchor = Anchor(database, nodes, watching, acting, poll_seconds=settings.poll_ms / 1_000)
            facts = AnchorFacts(
                avs=service.avs,
                mode=mode,
                horizon=blocks,
                slasher="" if key is None else key.address,
                vault="" if vault is None else vault.address,
            )
            try:
                yield anchor, facts
            finally:
                await anchor.close()
        finally:
            await nodes.close()


def _vault(settings: AnchorSettings) -> VaultContract | None:
    from proofgrid.chain.vault import VaultContract

    return VaultContract(str(parse_address(settings.vault, field="vault"))) if settings.vault else None


def _acting(
    settings: AnchorSettings, database: Database, avs: str, vault: VaultContract | None, key: SigningKey
) -> Acting:
    from proofgrid.chain.signing import ChainSigner
    from proofgrid.chain.slashes import SlashContract
    from proofgrid.roles.anchor.anchor import Acting
    from proofgrid.roles.anchor.batching import Batching, BatchTerms
    from proofgrid.roles.anchor.delivering import Deliverer
    from proofgrid.roles.anchor.sending import Outbox
    from proofgrid.roles.anchor.slashing import Slasher, SlashTerms

    signer = ChainSigner.with_secret(key.secret)
    asking = AskingTerms(least=settings.slash_least, patience_ms=settings.slash_patience_seconds * 1_000)
    terms = BatchTerms(every_ms=settings.batch_seconds * 1_000, folder=settings.batch_folder)
    return Acting(
        batching=None if vault is None else Batching(database, vault, terms, signer),
        slasher=Slasher(database, SlashContract(avs), SlashTerms(asking=asking)),
        outbox=Outbox(database, signer, fee_cap=settings.fee_cap),
        deliverer=Deliverer(database, signer, _delivery_terms(settings)),
    )


def _delivery_terms(settings: AnchorSettings) -> DeliveryTerms:
    named = [text.strip() for text in settings.deliver_to.split(",") if text.strip()]
    return DeliveryTerms(
        contracts=tuple(str(parse_address(text, field="deliver_to")) for text in named),
        price=settings.deliver_price,
        gas_most=settings.deliver_gas,
    )


def _mode(text: str) -> StakeMode:
    try:
        return StakeMode(text)
    except ValueError:
        raise InvalidField(f"no mode {text!r}", field="stake_mode", hint=", ".join(StakeMode)) from None


def _slasher_key(settings: AnchorSettings) -> SigningKey | None:
    if settings.slasher_key is None:
        return None
    return read_key(settings.slasher_key, password=settings.slasher_key_password or None)


@asynccontextmanager
async def _database(settings: AnchorSettings) -> AsyncIterator[Database]:
    server = None
    dsn = settings.dsn
    if not dsn:
        if settings.data_dir is None:
            raise InvalidField("which network's database?", field="dsn", hint="PROOFGRID_DSN, or --data-dir")
        server = await asyncio.to_thread(start_embedded, settings.data_dir / "db")
        dsn = server.dsn
    try:
        database = await Database.connect(dsn, size=_CONNECTIONS)
        try:
            yield database
        finally:
            await database.close()
    finally:
        if server is not None:
            await asyncio.to_thread(server.stop)
