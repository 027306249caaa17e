"""anvil as a process: a chain with a block per transaction, which ends with whoever started it."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proofgrid.chain.accounts import Sender
from proofgrid.chain.devnet import downloads
from proofgrid.chain.web3 import Account, AsyncWeb3, RPCEndpoint, connect
from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.parent import ending_with_us

#: Everybody knows the accounts of these words; anvil gives each 10,000 ether.
MNEMONIC = "test test test test test test test test test test test junk"
PEOPLE = 20
SLOTS_IN_EPOCH = 2  #: safe is so many blocks behind the newest, final twice as many
_LOOK_SECONDS = 0.02
_START_SECONDS = 30.0
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")


class ChainNotStarted(Unavailable):
    """anvil ended, or does not say where it listens."""

    code = "PG-325"


@dataclass(slots=True)
class Anvil:
    """A running chain."""

    url: str
    web3: AsyncWeb3

    def person(self, number: int) -> Sender:
        """Return one of the people whom the chain gave money, 0 to 19."""
        Account.enable_unaudited_hdwallet_features()
        return Sender(self.web3, Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}"))

    async def mine(self, blocks: int = 1) -> None:
        """Make empty blocks."""
        await self._ask("anvil_mine", hex(blocks))

    async def snapshot(self) -> str:
        """Keep the state of now; a state is good for one return to it."""
        return str(await self._ask("evm_snapshot"))

    async def go_back(self, snapshot: str) -> None:
        """Return to a state that was kept."""
        await self._ask("evm_revert", snapshot)

    async def _ask(self, method: str, *arguments: object) -> object:
        said = await self.web3.provider.make_request(RPCEndpoint(method), list(arguments))
        if "error" in said:
            raise ChainNotStarted(f"{method}: {said['error']}")
        return said.get("result")


@asynccontextmanager
async def running(log: Path, *, port: int = 0, state: Path | None = None) -> AsyncIterator[Anvil]:
    """Run a chain until the end of the block; `log`: where it writes. Raises ChainNotStarted, NotFetched."""
    command = [str(await asyncio.to_thread(downloads.anvil)), "--port", str(port), "--mnemonic", MNEMONIC]
    command += ["--accounts", str(PEOPLE), "--slots-in-an-epoch", str(SLOTS_IN_EPOCH)]
    if state is not None:
        command += ["--state", str(state)]
    # Into a file: a pipe that nobody reads stops it.
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *ending_with_us(*command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        url = f"http://127.0.0.1:{await _port(process, log)}"
        web3 = connect(url)
        try:
            yield Anvil(url, web3)
        finally:
            await web3.provider.disconnect()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()


async def _port(process: asyncio.subprocess.Process, log: Path) -> int:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            said = await asyncio.to_thread(log.read_text, errors="replace")
            if found := _LISTENING.search(said):
                return int(found[1])
            if process.returncode is not None:
                raise ChainNotStarted(f"anvil ended with {process.returncode}: {said[-500:]}")
            await asyncio.sleep(_LOOK_SECONDS)
