"""A gateway, a prover and every command of clients work where nothing of a chain is installed."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
import proofgrid.bootstrap.gateway.running, proofgrid.bootstrap.prover, proofgrid.cli.main, proofgrid.sdk.client
print([name for name in sys.modules if name.split(".")[0] in ("web3", "eth_abi", "eth_account", "aiohttp")])
print([name for name in sys.modules if name.startswith(("proofgrid.chain.", "proofgrid.roles.anchor"))])
"""


def test_nothing_of_a_chain_is_loaded() -> None:
    said = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:2] == ["[]", "[]"]
