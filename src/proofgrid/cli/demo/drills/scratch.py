"""A network of a drill's own: a gateway with its database, operators, a client with money; gone in the end."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from proofgrid.cli.demo.drills.drill_system import SYSTEM
from proofgrid.cli.demo.processes import Fleet, Ready
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.answers.administration import Incident
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import new_key, read_key, write_key
from proofgrid.settings.gateway import network_key_path
from proofgrid.store.database import Database
from proofgrid.store.embedded import dsn_of

WAIT_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.05
DEPOSIT = 10**9
PACKAGE = "proofgrid_drill-1.dist-info"
GATEWAY = "gateway"

Row = dict[str, object]


class Scratch:
    """Opened by `scratch_network`."""

    def __init__(self, folder: Path, fleet: Fleet, ready: Ready, database: Database) -> None:
        self.folder = folder
        self.data = folder / "net"
        self.fleet = fleet
        self.ready = ready
        self.database = database
        self.admin_key = read_key(network_key_path(self.data))
        self.provers: dict[str, SigningKey] = {}
        self.others: dict[str, Ready] = {}  #: more gateways, by name

    def client(self, key: SigningKey | None = None, gateway: Ready | None = None) -> Client:
        """Return somebody's client, the administrator's by default; it waits for nobody who is busy."""
        address = (gateway or self.ready).address
        key = key or self.admin_key
        return Client(address, key, network=self.ready.network, patience_seconds=10.0, busy_seconds=0.0)

    async def sql(self, statement: str, *values: object) -> list[Row]:
        """Write to the database past the gateways, as a drill may."""
        async with self.database.unhurried_connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

    async def until(self, statement: str, *values: object) -> None:
        """Wait until a query finds something."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not await self.sql(statement, *values):  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def start_gateway(self, name: str, *flags: str, python_path: Path | None = None) -> Ready:
        """Start one more on the same database and store; `python_path`: packages of its own."""
        ready = self.others[name] = await self.fleet.start_gateway(
            *("--data-dir", str(self.folder / name), "--listen", "127.0.0.1:0", "--dsn", dsn_of(self.data / "db")),
            *("--network-key", str(network_key_path(self.data)), "--artifacts", str(self.data / "artifacts")),
            *flags,
            name=name,
            python_path=python_path,
        )
        return ready

    async def a_client(self) -> SigningKey:
        """Let somebody in who has money."""
        key = new_key()
        async with self.client() as admin:
            await admin.admin.grant(key.address, "client", label="client of a drill")
            await admin.admin.deposit(key.address, DEPOSIT, deposit_id=key.address)
        return key

    async def start_provers(self, *names: str, flags: Sequence[str] = (), bond: int = 0) -> None:
        """Start a prover of an operator of its own for each name, and wait until all are connected.

        `flags`: more of theirs; `bond`: of each operator, in base units.
        """
        for name in names:
            key = self.provers[name] = new_key()
            write_key(key, self.folder / f"{name}.key")
            async with self.client() as admin:
                await admin.admin.grant(key.address, "operator", label=name)
                if bond:
                    await admin.admin.deposit_stake(key.address, bond, deposit_id=name)
            await self.fleet.start_prover(
                name,
                *("--gateway", self.ready.address, "--network", self.ready.network, "--name", name, "--ask", "500"),
                *("--key", str(self.folder / f"{name}.key"), "--data-dir", str(self.folder / name)),
                *("--cores", "1", "--proof-systems", "drill", *flags),
            )
        async with self.client() as admin, asyncio.timeout(WAIT_SECONDS):
            while len((await admin.status()).provers) < len(self.provers):  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def acted(self, kind: str) -> Incident:
        """Wait for an incident of a kind whose act is done."""
        async with self.client() as admin:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    while True:
                        found = [one for one in await admin.admin.incidents() if one.kind == kind]
                        if found and await self._acted_ms(found[0].incident_id):
                            return found[0]
                        await asyncio.sleep(LOOK_AGAIN_SECONDS)
            except TimeoutError:
                raise ProofgridError(f"no incident of kind {kind} was acted upon in {WAIT_SECONDS:g} s") from None

    async def _acted_ms(self, incident_id: int) -> int | None:
        async with self.database.unhurried_connection() as connection:
            found: int | None = await connection.fetchval(
                "SELECT acted_ms FROM incidents WHERE incident_id = $1", incident_id
            )
        return found

    async def times(self, incident_id: int) -> tuple[int, str]:
        """Return when an incident's act was done, and what it was."""
        async with self.database.unhurried_connection() as connection:
            row = await connection.fetchrow("SELECT acted_ms, acted FROM incidents WHERE incident_id = $1", incident_id)
        return row["acted_ms"], row["acted"]

    async def felt_ms(self, kind: str) -> int:
        """Return when a gateway felt something, as its log says."""
        found = re.search(rf"^(\S+) .* felt +kind={kind}$", (self.folder / f"{GATEWAY}.log").read_text(), re.MULTILINE)
        if found:
            return int(datetime.fromisoformat(found[1]).timestamp() * 1_000)
        raise ProofgridError(f"no gateway felt {kind}")

    async def end(self, incident_id: int) -> None:
        """End an incident by hand."""
        async with self.client() as admin:
            await admin.admin.close_incident(incident_id)

    async def now_ms(self) -> int:
        """Return what time it is by the database's clock."""
        async with self.database.unhurried_connection() as connection:
            moment: int = await connection.fetchval("SELECT now_ms()")
        return moment


@asynccontextmanager
async def scratch_network(*flags: str) -> AsyncIterator[Scratch]:
    """A network that is gone in the end. `flags`: more of its gateway's."""
    folder = _fresh_folder()
    fleet = Fleet(folder, folder / "net", python_path=folder / "site")
    try:
        ready = await fleet.start_gateway("--data-dir", str(folder / "net"), "--listen", "127.0.0.1:0", *flags)
        database = await Database.connect(dsn_of(folder / "net" / "db"), size=2)
        try:
            yield Scratch(folder, fleet, ready, database)
        finally:
            await database.close()
    finally:
        fleet.end_at_once()
        shutil.rmtree(folder, ignore_errors=True)


def _fresh_folder() -> Path:
    """Make the folder of a scratch network, with the drill's proof system as a package that only its processes see."""
    folder = Path(tempfile.mkdtemp(prefix="pg-drill-")).resolve()
    package_of(folder / "site", SYSTEM)
    (folder / "proofgrid.toml").write_text("[prover]\ncheck_at_start = false\n")
    return folder


def package_of(site: Path, system: str) -> Path:
    """Make a folder of packages with the drill's proof system; return it."""
    package = site / PACKAGE
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: proofgrid-drill\nVersion: 1\n")
    (package / "entry_points.txt").write_text(f"[proofgrid.proof_systems]\ndrill = {system}\n")
    return site
