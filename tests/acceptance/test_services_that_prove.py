"""A program of SP1 on a whole network: services on sockets prove, one of them wrongly; a script plays the verifier."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from proofgrid.proofs import registry
from proofgrid.proofs.kit.engine import ENGINES_FOLDER
from proofgrid.proofs.kit.engine_programs import SP1
from tests.acceptance.tasks import check_paid_once, fetch_and_verify, wait_for
from tests.networks import running_network
from tests.proofs.systems.sp1.elves import program
from tests.proofs.systems.sp1.ere_server import EreServer, ere_server, hands_over, names_key, runs

KEY = bytes(range(32))
STDIN, SHOWN = b"a seed that nobody else knows", b"shown"
#: A proof is the hash of the key and the public values; what a service says has them behind it.
_VERIFIER = """#!{python}
import hashlib, json, pathlib, sys
asked = json.load(sys.stdin)
if sys.argv[1] == "take":
    said = pathlib.Path(asked["said"]).read_bytes()
    answer = {{"proof": "0x" + said[:32].hex(), "public_values": "0x" + said[32:].hex()}}
else:
    right = lambda one: hashlib.sha256(bytes.fromhex(asked["key"][2:] + one["public_values"][2:])).hexdigest()
    answer = {{"verdicts": ["" if one["proof"] == "0x" + right(one) else "no proof" for one in asked["claims"]]}}
print(json.dumps(answer))
"""


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of engines in which a script is the verifier of SP1."""
    monkeypatch.setenv(ENGINES_FOLDER, str(tmp_path / "engines"))
    place = SP1._cached()
    place.parent.mkdir(parents=True)
    place.write_text(_VERIFIER.format(python=sys.executable))
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    registry.look_again()
    yield tmp_path / "engines"
    registry.look_again()


@pytest.fixture
def services() -> Iterator[tuple[EreServer, EreServer]]:
    with ere_server() as wrong, ere_server() as right:
        for server, proof in ((wrong, bytes(32)), (right, sha256(KEY + SHOWN).digest())):
            server.answers = {
                "ProgramVk": names_key(KEY),
                "Execute": runs(SHOWN, 1_000),
                "Prove": hands_over(SHOWN, proof + SHOWN),
            }
        yield wrong, right


async def test_what_a_service_proves_is_sold_verified_and_paid_and_what_it_makes_up_is_not(
    tmp_path: Path, database_dsn: str, engines: Path, services: tuple[EreServer, EreServer]
) -> None:
    wrong, right = services
    source = {"elf": tmp_path / "program.elf", "key": tmp_path / "program.vk"}
    source["elf"].write_bytes(program())
    source["key"].write_bytes(KEY)
    run: dict[str, Any] = {"stdin": f"0x{STDIN.hex()}", "public_values": f"0x{SHOWN.hex()}"}
    here: dict[str, Any] = {"ENGINES": str(engines), "PROOF_SYSTEMS": "sp1"}
    async with running_network(tmp_path, database_dsn, ENGINES=str(engines)) as network:
        await network.start_prover("liar", "alice", ask=400, **here, SERVICES=f"sp1={wrong.address}")
        async with network.client() as client:
            made = await client.register_program(source, proof_system="sp1", settings={"cycles_max": 1_000})
            task = await client.submit(made.digest, [run], limit_price=2_000)
            await wait_for(client, task.task_id, "returned")
            assert set(wrong.stdins()) == {STDIN}
            await network.start_prover("honest", "bob", ask=600, **here, SERVICES=f"sp1={right.address}")
            done = await client.wait(task.task_id)
            assert [job.prover.rpartition("/")[2] for job in done.jobs] == ["honest"]
            report = await fetch_and_verify(client, network, done, tmp_path)
            result: Any = report.manifest.result
            assert result["outputs"] == [run["public_values"]]
            await check_paid_once(network)
        said = "".join(process.log.read_text() for process in network.processes)
    assert right.stdins() == [STDIN]
    assert STDIN.hex() not in said
