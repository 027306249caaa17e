"""The world of a gateway: its database, its artifacts, its trust roots, its key and its scratch folder."""

from __future__ import annotations

import asyncio
import hmac
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import structlog

from proofgrid.bootstrap.crash_points import install_crash_hook
from proofgrid.bootstrap.gateway.keys import network_keys_of, read_key_list
from proofgrid.bootstrap.gateway.plain_text import warn_of_plain_text
from proofgrid.bootstrap.gateway.sibling import Sibling
from proofgrid.bootstrap.gateway.store_keys import STORE_KEYS, open_or_make_store_keys
from proofgrid.bootstrap.signing.keeper import SigningProcess, signing_process
from proofgrid.primitives.clock import Clock, SystemClock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.distant import DistantSigner
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.private_files import private_folder
from proofgrid.primitives.signatures import SigningKey
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.confinement.room import Room
from proofgrid.proofs.kit.engine_programs import places_of_engines
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.registry import installed_setups
from proofgrid.proofs.setup import FindsRoot, Setup, SetupChoice, TrustRoots
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.settings.gateway import DAY_MS, GatewaySettings
from proofgrid.store import mirror, retention
from proofgrid.store import sweep as sweeping
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.embedded import EmbeddedPostgres, start_embedded
from proofgrid.store.gateways import NETWORK_OF_DATABASE
from proofgrid.store.keeper import Keeper
from proofgrid.store.migrations import migrate
from proofgrid.store.mirror import DatabaseRepairList, MirroredStore, second_config
from proofgrid.store.retention import Retention, RetentionSettings
from proofgrid.store.store_keys import StoreKeys
from proofgrid.store.stored_artifacts import RECORD_ARTIFACTS, rows_of
from proofgrid.store.sweep import Sweep
from proofgrid.store.transactions import Transaction
from proofgrid.store.troubles import Troubles

GATEWAY_CACHE_BYTES = 10 << 30

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedRoots:
    """The trust roots that programs are built with."""

    paths: TrustRoots
    files: dict[str, Digest]  #: by the names under which clients fetch them; builds may add some
    for_development: bool  #: one of them at least: whoever made it could forge proofs


NO_ROOTS = OpenedRoots({}, {}, False)  #: of a gateway that nobody calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """The world that the roles of one gateway touch."""

    data_dir: Path
    scratch: Path  #: of this process
    keys: NetworkKeys  #: that speak for the network
    signing: SigningProcess  #: which holds them
    clock: Clock
    workers: ProofWorkers
    database: Database
    keeper: Keeper | None  #: of the embedded database
    artifacts: ArtifactStore
    store_keys: StoreKeys  #: under which both are locked
    troubles: Troubles  #: that callers were told of
    roots: OpenedRoots
    library: ProgramLibrary


@asynccontextmanager
async def open_adapters(settings: GatewaySettings, sibling: Sibling) -> AsyncIterator[Adapters]:
    """The world of the settings; what was opened is closed in the end. Raises InvalidField for what is not there."""
    data_dir = private_folder(settings.directory())
    scratch = fresh_scratch(data_dir / "scratch")
    async with (
        open_keys(settings, data_dir) as (signing, keys),
        open_workers(settings, room_of_workers(settings, sibling, scratch), scratch) as workers,
        embedded_database(settings, data_dir) as embedded,
        open_database(settings, embedded) as database,
    ):
        install_crash_hook(database)
        await read_key_list(keys, database)
        store_keys = await open_or_make_store_keys(
            settings, data_dir, database, partial(development_secret, keys, STORE_KEYS)
        )
        artifacts = open_artifacts(settings, data_dir, database)
        cache = LocalCache(sibling.cache_below(data_dir), GATEWAY_CACHE_BYTES // sibling.count)
        roots = NO_ROOTS
        if "api" in settings.role_names():
            roots = await open_trust_roots(settings, data_dir, workers, keys)
            await publish_roots(roots, artifacts, database)
        yield Adapters(
            data_dir=data_dir,
            scratch=scratch,
            keys=keys,
            signing=signing,
            clock=SystemClock(),
            workers=workers,
            database=database,
            keeper=keeper_of(embedded, patience_seconds=settings.database_patience_seconds),
            artifacts=artifacts,
            store_keys=store_keys,
            troubles=Troubles(SystemClock()),
            roots=roots,
            library=ProgramLibrary(database, artifacts, cache),
        )


@asynccontextmanager
async def open_keys(settings: GatewaySettings, data_dir: Path) -> AsyncIterator[tuple[SigningProcess, NetworkKeys]]:
    """The keys of a data directory, in a process that signs with them. Raises InvalidField for what is no key."""
    async with signing_process("gateway") as signing:
        yield signing, await asyncio.to_thread(network_keys_of, settings, data_dir, signing)


@asynccontextmanager
async def open_workers(settings: GatewaySettings, room: Room, scratch: Path) -> AsyncIterator[ProofWorkers]:
    """The processes that normalise, build and verify."""
    workers = ProofWorkers(settings.workers, memory_bytes=settings.worker_memory_bytes, room=room, scratch=scratch)
    try:
        yield workers
    finally:
        await workers.close()


def room_of_workers(settings: GatewaySettings, sibling: Sibling, scratch: Path) -> Room:
    """Return what all workers may reach: programs' files, trust roots, bundles that are about to be handed out.

    No key and no artifact. They fill a root for development, so they may write it.
    """
    data_dir = settings.directory()
    chosen = settings.setups()
    reads: list[Path] = [sibling.cache_below(data_dir), bundles_below(scratch), *places_of_engines()]
    writes: list[Path] = []
    for kind, setup in installed_setups().items():
        choice = chosen.get(kind, SetupChoice(name=kind))
        found = choice.file or (setup.find() if isinstance(setup, FindsRoot) else None)
        (reads if found else writes).append(found or development_root(data_dir, choice))
    for folder in (*reads[:2], *writes):
        folder.mkdir(parents=True, exist_ok=True)  # only what is there can be let in
    return Room(reads=tuple(reads), writes=tuple(writes))


def bundles_below(scratch: Path) -> Path:
    """Return where bundles lie that are too large for memory, until a worker has verified them."""
    return scratch / "bundles"


def development_root(data_dir: Path, choice: SetupChoice) -> Path:
    """Return where a trust root for development lies."""
    return data_dir / f"development-{choice.name}"


@asynccontextmanager
async def embedded_database(settings: GatewaySettings, data_dir: Path) -> AsyncIterator[EmbeddedPostgres | None]:
    """The server in the data directory, where the settings name no other; stopped in the end by its last user."""
    if settings.dsn:
        yield None
        return
    embedded = await asyncio.to_thread(start_embedded, data_dir / "db")
    try:
        yield embedded
    finally:
        await asyncio.to_thread(embedded.stop)


def keeper_of(embedded: EmbeddedPostgres | None, *, patience_seconds: float) -> Keeper | None:
    """Return who looks after the embedded server, if there is one."""
    return None if embedded is None else Keeper(embedded, SystemClock(), patience_seconds=patience_seconds)


@asynccontextmanager
async def open_database(settings: GatewaySettings, embedded: EmbeddedPostgres | None) -> AsyncIterator[Database]:
    """The database of the settings, migrated."""
    dsn = settings.dsn if embedded is None else embedded.dsn
    warn_of_plain_text(settings.dsn, os.environ)
    database = await Database.connect(dsn, size=settings.database_connections)
    try:
        async with database.unhurried_connection() as connection:
            await migrate(connection)
        yield database
    finally:
        await database.close()


async def check_network(connection: Connection, address: Address) -> None:
    """Refuse a key that is not the one of the database's network: its tokens and rounds would be nobody's."""
    known = await connection.value(NETWORK_OF_DATABASE, address=address)
    if known != address:
        raise InvalidField(
            f"the database belongs to network {known}, the key to {address}",
            field="network_key",
            hint="give all gateways of a database the same --network-key",
        )


def open_artifacts(settings: GatewaySettings, data_dir: Path, database: Database) -> ArtifactStore:
    """Return the network's artifact store: one, or two that mend each other."""
    primary = ArtifactStore.open(
        settings.artifacts or str(data_dir / "artifacts"), rows=rows_of(database), vault=database.vault
    )
    if not settings.artifacts_mirror:
        return primary
    second = ArtifactStore.open(settings.artifacts_mirror, config=second_config(os.environ), vault=database.vault)
    return MirroredStore(primary, second, DatabaseRepairList(database))


def tidying(
    settings: GatewaySettings, database: Database, artifacts: ArtifactStore
) -> dict[str, Callable[[], Coroutine[object, object, None]]]:
    """Return what keeps the store tidy, by name: repairs of the second copy, retention, the sweep."""
    sweep = every(sweeping.LOOK_SECONDS, Sweep(database, artifacts).sweep)
    loops = {
        "sweep": Loop(
            "sweep",
            sweep,
            first=sweeping.LOOK_SECONDS,
            retry_seconds=sweeping.LOOK_SECONDS,
            trouble="sweep_postponed",
        ).run
    }
    if isinstance(artifacts, MirroredStore):
        repair = every(mirror.REPAIR_SECONDS, artifacts.repair)
        loops["mirror"] = Loop("mirror", repair, retry_seconds=mirror.REPAIR_SECONDS, trouble="repair_postponed").run
    if settings.retention_days:
        keep = RetentionSettings(keep_ms=settings.retention_days * DAY_MS)
        tidy = every(retention.LOOK_SECONDS, Retention(database, artifacts, keep).tidy)
        loops["retention"] = Loop(
            "retention",
            tidy,
            first=retention.FIRST_LOOK_SECONDS,
            retry_seconds=retention.LOOK_SECONDS,
            trouble="retention_postponed",
        ).run
    return loops


async def open_trust_roots(
    settings: GatewaySettings, data_dir: Path, workers: ProofWorkers, keys: NetworkKeys
) -> OpenedRoots:
    """Every trust root that an installed proof system needs: what was given, or one for development."""
    paths: dict[str, Path] = {}
    made = False
    for kind, setup in installed_setups().items():
        choice = settings.setups().get(kind, SetupChoice(name=kind))
        if isinstance(setup, FindsRoot):
            if found := choice.file or setup.find():
                paths[kind] = found
            continue  # whoever builds what rests on a missing one is told what gets it
        paths[kind] = choice.file or await _made_for_development(setup, choice, data_dir, workers, keys)
        if not paths[kind].exists():
            raise InvalidField(f"there is no file or folder {choice.file}", field=f"{choice.name}_file")
        made |= choice.file is None
    return OpenedRoots(paths, {}, made)


async def publish_roots(roots: OpenedRoots, artifacts: ArtifactStore, database: Database) -> None:
    """Store the roots' files for provers and clients: at the start, and those that a build has made, after it."""
    setups = installed_setups()
    for kind, root in roots.paths.items():
        for name, file in (await asyncio.to_thread(setups[kind].files, root)).items():
            if name in roots.files:
                continue
            digest, size_bytes = await artifacts.put_file(file)
            await database.write(
                Transaction.RECORD_ARTIFACT, RECORD_ARTIFACTS, owners=[""], digests=[digest], sizes=[size_bytes]
            )
            roots.files[name] = digest


async def _made_for_development(
    setup: Setup, choice: SetupChoice, data_dir: Path, workers: ProofWorkers, keys: NetworkKeys
) -> Path:
    folder = development_root(data_dir, choice)
    log.warning(f"development_{choice.name}", logrows_max=choice.logrows)
    # Gateways that hold the root key make the same root, without asking one another.
    secret = await development_secret(keys, setup.kind)
    if secret is None:
        if folder.exists():
            return folder
        raise InvalidField(
            "a trust root for development is made of the root key's secret, which is not here",
            field=f"{choice.name}_file",
            hint=f"give one of a ceremony, or copy {folder.name} from the data directory of another gateway",
        )
    await workers.call(
        setup.make_for_development, folder, choice.logrows, secret, timeout_seconds=3_600, urgency=Urgency.BUILDING
    )
    return folder


async def development_secret(keys: NetworkKeys, kind: str) -> bytes | None:
    """Return what a trust root for development, or the first store key, is made of; None: the root key is not here."""
    root = keys.root
    if isinstance(root, SigningKey):
        return hmac.digest(root.secret, f"development {kind}".encode(), "sha512")
    if isinstance(root, DistantSigner) and root.has_secret:
        return await root.in_turn(partial(root.development_secret, kind))
    return None


def fresh_scratch(path: Path) -> Path:
    """Return an empty folder of this process below `path`."""
    # What a killed gateway left behind is nobody's; another gateway has its own folder beside it.
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        if old.name.isdigit() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    mine = path / str(os.getpid())
    mine.mkdir(exist_ok=True)
    return mine
