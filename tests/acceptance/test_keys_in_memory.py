"""Whoever reads the memory of a gateway or a prover, its helpers among them, finds no key: a process that signs has it.

That process cannot be read by others of its user; this test reads as root, who reads everything.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from proofgrid.primitives.certificates import Authority
from proofgrid.primitives.notes import NoteKey
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.audit.checkpoint import audit_key
from tests.acceptance.tasks import register_toy
from tests.networks import Network, Process, said

EXIT_TRY_AGAIN = 75
PIECE_BYTES = 1 << 24

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root reads what hides its memory, and Linux shows it"
)


def all_but_signing(process: Process) -> list[int]:
    holders = {one.pid for one in process.signing()}
    return [process.pid, *(child.pid for child in process.children() if child.pid not in holders)]


def found_in(pid: int, secrets: Iterable[bytes]) -> set[bytes]:
    """Return which of the secrets are in what a process may write to its memory."""
    found: set[bytes] = set()
    secrets = list(secrets)
    longest = max(map(len, secrets))
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            region = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if region is None:
                continue
            start, end = (int(one, 16) for one in region.groups())
            for place in range(start, end, PIECE_BYTES):
                try:
                    memory.seek(place)
                    piece = memory.read(min(PIECE_BYTES + longest, end - place))
                except (OSError, ValueError, OverflowError):  # a page that is not there
                    break
                found.update(secret for secret in secrets if secret in piece)
    return found


def spellings(key: SigningKey, network: SigningKey) -> dict[bytes, str]:
    """Return how the secret of a key, and those that follow from it, may lie in memory."""
    authority = Authority.derived(key.secret, network=network.address, signer=key.address)
    number = authority.key.private_numbers().private_value
    note: NoteKey = audit_key(key, name=network.address)
    derived = {"checkpoints": note.seed, "certificates": number.to_bytes(32, "big")}
    named = {"key": key.secret, **derived}
    return {
        spelled: f"{name}, {how}"
        for name, secret in named.items()
        for how, spelled in {
            "as it is": secret,
            "backwards": secret[::-1],
            "in hex": secret.hex().encode(),
        }.items()
    }


async def test_no_key_is_in_the_memory_of_what_speaks_to_the_network(network: Network, tmp_path: Path) -> None:
    prover = await network.start_prover("prover-1", "alice", ask=700)
    gateway = network.gateway
    assert gateway is not None
    async with network.client() as client:
        program = await register_toy(client, tmp_path)
        await client.prove(program.digest, ["hello"], limit_price=2_000, path=tmp_path / "a.bundle")
    root = network.admin_key
    for process, key in ((gateway, root), (prover, network.keys["alice"])):
        looked_for = spellings(key, root)
        for pid in all_but_signing(process):
            found = await asyncio.to_thread(found_in, pid, looked_for)
            assert not found, (process.name, pid, [looked_for[one] for one in found])
        (holder,) = process.signing()
        assert key.secret in await asyncio.to_thread(found_in, holder.pid, looked_for)

    # Who holds the keys dies: nothing can be signed any more, and both say so and end.
    for process in (prover, gateway):
        process.signing()[0].kill()
        assert await process.process.wait() == EXIT_TRY_AGAIN
        await said(process.log, "PG-525")
    await network.start_gateway()
