"""Somebody else on the machine reads a data directory: what services write is closed to all but their own user.

The folders of a whole network are looked at in tests/acceptance/test_happy_path.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proofgrid.primitives.private_files import private_folder
from tests.networks import open_to_others

WRITES = """
import asyncio, sys
from pathlib import Path
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.private_files import keep_files_private, private_folder
from proofgrid.sdk.keys import new_key, write_key
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache

async def write(root):
    store = ArtifactStore.open(str(root / "artifacts"))
    digest = await store.put_bytes(b"a model")
    async def chunks():
        yield b"a larger one"
    await store.put_stream(chunks(), limit_bytes=100)
    await LocalCache(root / "cache", 1 << 20).get(digest, lambda path: store.fetch_to(digest, path))
    write_key(new_key(), root / "keys" / "some.key")
    (root / "plain").mkdir()
    (root / "plain" / "file").write_text("secret")

keep_files_private()
asyncio.run(write(private_folder(Path(sys.argv[1]))))
"""


def test_what_a_service_writes_is_its_users_alone_whatever_umask_it_was_started_with(tmp_path: Path) -> None:
    root = tmp_path / "data"
    subprocess.run([sys.executable, "-c", WRITES, str(root)], check=True, umask=0)

    assert len(list(root.rglob("*"))) > 8
    assert open_to_others(root) == []


def test_a_data_directory_of_an_earlier_release_is_closed(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    root.chmod(0o2755)
    (root / "old").write_text("secret")

    assert private_folder(root) == root
    assert root.stat().st_mode & 0o7777 == 0o2700
    assert (root / "old").read_text() == "secret"
