"""A gateway that was given no SRS makes the size that a program needs; others get it and build the same."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proofgrid.sdk.keys import write_key
from tests.networks import Network, running_network
from tests.proofs.systems.ezkl.models import an_mlp, save


def proofgrid(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a client would, with no settings but its flags."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROOFGRID_")}
    return subprocess.run(
        [sys.executable, "-m", "proofgrid.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
        env={**environment, "HOME": str(home)},
    )


async def get_srs(network: Network, folder: Path) -> str:
    """Get the network's SRS; return what was said."""
    key = folder.parent / "client.key"
    if not key.exists():
        write_key(network.keys["client"], key)
    ended = await asyncio.to_thread(
        proofgrid,
        *("srs", "get", "--out", str(folder), "--gateway", network.address, "--key", str(key)),
        home=folder.parent,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.thorough
async def test_a_program_makes_the_size_that_it_needs_and_a_client_builds_the_same(
    tmp_path: Path, database_dsn: str
) -> None:
    model, folder = save(an_mlp(4, 4, 2), tmp_path / "model"), tmp_path / "network-srs"
    async with running_network(tmp_path, database_dsn) as network:
        before = await get_srs(network, folder)
        async with network.client() as client:
            program = await client.register_program({"model": model})
            after = await get_srs(network, folder)

    assert "sizes are made when programs need them" in before
    assert "kzg12.srs" in after
    assert sorted(path.name for path in folder.iterdir()) == ["kzg12.srs", "srs.json"]
    built = await asyncio.to_thread(
        proofgrid, "program", "build", str(model), "--srs", str(folder), "--json", home=tmp_path
    )
    assert json.loads(built.stdout)["digest"] == program.digest
