"""The signing process: what becomes of it and its parent when either dies, and what it lets nobody see."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from proofgrid.bootstrap.signing.frames import CONTENT_BYTES_MAX, HEAD, Ask
from proofgrid.bootstrap.signing.keeper import SigningProcess, signing_process
from proofgrid.bootstrap.signing.process import shut_in
from proofgrid.bootstrap.signing.signers import KeptKey, KeysToOpen, open_keys, read_again
from proofgrid.primitives.deaths import SignerLost
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.private_files import private_folder
from proofgrid.primitives.signatures import signer_of
from proofgrid.sdk.keys import write_key
from tests.attacks.code.conftest import needs_landlock
from tests.makers import a_key

KEY = a_key(2)
STATEMENT = f"proofgrid bundle 1 {digest_of(b'manifest')}".encode()
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shuts a process in")


@pytest.fixture
async def process() -> AsyncIterator[SigningProcess]:
    async with signing_process("gateway") as process:
        yield process


async def opened(process: SigningProcess, folder: Path) -> KeptKey:
    write_key(KEY, folder / "a.key")
    (key,) = await asyncio.to_thread(open_keys, process, KeysToOpen(key=folder / "a.key"))
    return key


async def signed(key: KeptKey) -> str:
    return await key.in_turn(lambda: key.sign(STATEMENT))


async def test_it_signs_for_threads_and_loops_at_once_and_ends_with_its_socket(tmp_path: Path) -> None:
    async with signing_process("gateway") as process:
        key = await opened(process, tmp_path)
        many = [signed(key) for _ in range(20)] + [asyncio.to_thread(key.sign, STATEMENT) for _ in range(20)]
        assert set(await asyncio.gather(*many)) == {KEY.sign(STATEMENT)}
        held = psutil.Process(process.pid)
    assert not held.is_running()
    with pytest.raises(SignerLost):
        key.sign(STATEMENT)


async def test_keys_that_come_later_are_read_there(process: SigningProcess, tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "keys")
    told = KeysToOpen(key=None, folder=folder, network=a_key(3).address)
    assert await asyncio.to_thread(open_keys, process, told) == []
    write_key(KEY, folder / f"{KEY.address}.key")
    (key,) = await asyncio.to_thread(read_again, process, [])
    assert await signed(key) == KEY.sign(STATEMENT)
    assert await asyncio.to_thread(read_again, process, [KEY.address]) == []


async def test_its_parent_is_told_when_it_is_killed(process: SigningProcess, tmp_path: Path) -> None:
    key = await opened(process, tmp_path)
    watching = asyncio.ensure_future(process.watch())
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(SignerLost, match="killed by SIGKILL"):
        await watching
    with pytest.raises(SignerLost, match="is gone"):
        await signed(key)


async def test_orders_to_stop_are_for_its_parent(process: SigningProcess, tmp_path: Path) -> None:
    key = await opened(process, tmp_path)
    for order in (signal.SIGTERM, signal.SIGINT):
        os.kill(process.pid, order)
    assert signer_of(STATEMENT, await signed(key)) == KEY.address


async def test_what_is_too_long_to_be_a_question_ends_it(process: SigningProcess) -> None:
    process._connection.sendall(HEAD.pack(1, Ask.SIGN, CONTENT_BYTES_MAX + 1))
    with pytest.raises(SignerLost, match="exit status 0"):
        await process.watch()


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@linux
async def test_it_has_no_privileges_and_few_calls_left(process: SigningProcess, tmp_path: Path) -> None:
    await opened(process, tmp_path)
    fields = status_of(process.pid)
    assert (fields["NoNewPrivs"], fields["Seccomp"], int(fields["CapEff"], 16)) == ("1", "2", 0)


SHUT_IN = f"""
import os, socket, sys
from pathlib import Path
from {shut_in.__module__} import shut_in
folder, outside = Path(sys.argv[1]), Path(sys.argv[2])
shut_in(folder, False)
got = [(folder / "a.key").read_text()]
for attempt in (
    lambda: outside.read_text(),
    lambda: (folder / "new").write_text("x"),
    lambda: socket.socket(),
    lambda: os.kill(os.getppid(), 0),
    lambda: Path(f"/proc/{{os.getppid()}}/mem").open("rb"),
):
    try:
        attempt()
    except PermissionError:
        got.append("refused")
print(got, "SECRET_TOKEN" in os.environ)
"""


@needs_landlock
def test_it_reads_its_folder_of_keys_and_reaches_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    for name in ("keys/a.key", "other.key"):
        (tmp_path / name).write_text(name)
    command = [sys.executable, "-c", SHUT_IN, str(tmp_path / "keys"), str(tmp_path / "other.key")]
    environment = {**os.environ, "SECRET_TOKEN": "x"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    refused = said.count("refused")
    assert said.startswith("['keys/a.key'") and said.endswith("False\n")
    assert refused >= 4, said  # signals to others are refused by newer kernels


PARENT = """
import asyncio, sys, tempfile
from pathlib import Path
from proofgrid.bootstrap.signing.keeper import signing_process
from proofgrid.bootstrap.signing.signers import KeysToOpen, open_keys
from proofgrid.proofs.confinement.kernel import give_up_privileges
from proofgrid.sdk.keys import new_key, write_key

give_up_privileges()  # root would see everything

async def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.key"
        write_key(new_key(), path)
        async with signing_process("prover") as process:
            open_keys(process, KeysToOpen(key=path))
            seen = []
            for name in ("mem", "environ", "maps", "auxv"):
                try:
                    Path(f"/proc/{process.pid}/{name}").open("rb").read(1)
                    seen.append(name)
                except PermissionError:
                    pass
            print(process.pid, *seen, flush=True)
            sys.stdin.read(1)

asyncio.run(main())
"""


def a_parent() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PROOFGRID_KEY_PASSWORD": "hunter2"},
    )


@linux
def test_not_even_its_parent_sees_its_memory_and_it_dies_with_it() -> None:
    with a_parent() as parent:
        assert parent.stdout is not None
        pid, *seen = parent.stdout.readline().split()
        held = psutil.Process(int(pid))
        assert not seen
        parent.kill()
    _, alive = psutil.wait_procs([held], timeout=60)
    assert not alive
