"""A network splits its key, rotates it while it works, and loses its root key; what came before still verifies."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import BadBundle
from proofgrid.primitives.signatures import parse_address
from proofgrid.proofs.bundles.bundle import read_bundle, verify_bundle
from proofgrid.sdk.network_keys import read_list_file
from proofgrid.sdk.records import check_records, export_rounds
from tests.acceptance.tasks import register_toy
from tests.networks import Network


async def _admin(network: Network, *words: str, key: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "proofgrid.cli.main", "admin", "keys", *words, "--json"]
    command += ["--gateway", network.address, "--data-dir", str(network.root / "gateway"), "--key", str(key)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROOFGRID_")}
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.thorough
async def test_a_network_splits_rotates_and_loses_its_root_key_while_it_works(network: Network, tmp_path: Path) -> None:
    await network.start_prover("prover-1", "alice", ask=700)
    network.add_key("second")
    await network.grant("second", "admin")
    second, root = network.root / "second.key", network.root / "gateway" / "network.key"
    sealed: dict[str, Path] = {}
    async with network.client() as client:
        program = await register_toy(client, tmp_path)

        async def prove(text: str) -> str:
            proven = await client.prove(program.digest, [text], limit_price=2_000, path=tmp_path / f"{text}.bundle")
            signer = read_bundle(proven.path).sealed.signer
            sealed[signer] = proven.path
            return signer

        by_root = await prove("one")
        await _admin(network, "rotate", key=root)
        by_first = await prove("two")
        await _admin(network, "rotate", "rounds", "bundles", key=root)
        by_second = await prove("three")
        stick = root.rename(tmp_path / "root.key")
        assert network.gateway is not None
        await network.gateway.stop()
        await network.start_gateway()
        assert await prove("four") == by_second
        lane = (await client.rounds())[0].lane
        await export_rounds(client.connection, lane, tmp_path / "rounds")
    assert len(sealed) == 3
    saved = tmp_path / "network.keys"
    listed = await _admin(network, "list", "--save", str(saved), key=second)
    assert set(listed["held"]) == {by_first, by_second}
    for signer, path in sealed.items():
        verify_bundle(path, expect_network=by_root, known=read_list_file(saved), workdir=tmp_path / signer)
    (report,) = check_records([tmp_path / "rounds"], network=parse_address(by_root), keys=read_list_file(saved))
    assert report.header.keys is not None

    dry = await _admin(network, "retire", by_second, "--stolen", "--dry-run", key=second)
    assert dry["list"] == 3
    await _admin(network, "retire", by_second, "--stolen", "--root", str(stick), key=second)
    await _admin(network, "list", "--save", str(saved), key=second)
    with pytest.raises(BadBundle, match="revoked the key"):
        verify_bundle(sealed[by_second], known=read_list_file(saved), workdir=tmp_path / "stolen")
    verify_bundle(sealed[by_first], known=read_list_file(saved), workdir=tmp_path / "still")
    stick.rename(root)
