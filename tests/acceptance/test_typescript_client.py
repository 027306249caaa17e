"""The TypeScript client, packed as it is published, against a network of real processes."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.hpke import SealingKey
from proofgrid.rules.jobs.sealing import (
    SealContext,
    certificate_statement,
    key_id_of,
    open_seal,
    request_digest_of,
    unlock_input,
)
from tests.clients.packed import CLIENT, node_or_skip, packed
from tests.networks import WAIT_SECONDS, Network

#: The quick start's program is Miden's; any system does.
AS_TOY = {'"miden"': '"toy"', "{ cycles_max: 1024 }": "{}", "{ stack: [3, 4] }": '"seven"'}

pytestmark = pytest.mark.parametrize(
    "network", [{"HTTP": "127.0.0.1:0", "WEBHOOKS_ANYWHERE": "true"}], indirect=True, ids=["http"]
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def started(*command: object, folder: Path) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*map(str, command), cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe)


async def next_line(process: asyncio.subprocess.Process) -> str:
    """Return what a process says next."""
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        line = await process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError((await process.stderr.read()).decode()[-4_000:])
    return line.decode()


@pytest.mark.thorough
async def test_a_client_in_typescript_follows_its_task_through_the_death_of_its_gateway(
    network: Network, tmp_path: Path
) -> None:
    node = node_or_skip()
    application = await asyncio.to_thread(packed, _new(tmp_path / "npm"))
    network.settings["HTTP"] = network.http.removeprefix("http://")  # it comes back there
    hold = network.hold("p", "alice")
    await network.start_prover("p", "alice", ask=500)
    (application / "sum.masm").write_text("chain")
    sealing_key = SealingKey.fresh()
    port, key = free_port(), network.root / "client.key"
    asked = {
        "gateway": network.http,
        "dead": f"http://127.0.0.1:{free_port()}",
        "key": str(key),
        "source": str(application / "sum.masm"),
        "receiver": f"http://127.0.0.1:{port}/",
        "program": {"slices": 2},
        "recipient": _recipient(network, sealing_key),
    }
    client = await started(node, "against-a-gateway.mjs", json.dumps(asked), folder=application)
    registered = json.loads(await next_line(client))
    receiver = await started(node, "webhook-receiver.mjs", registered["hook"]["public_key"], port, folder=application)
    assert await next_line(receiver) == f"listening {port}\n"
    assert client.stdin is not None
    client.stdin.write(b"\n")

    accepted = json.loads(await next_line(client))
    assert accepted["task"] == accepted["again"]
    assert network.gateway is not None
    network.gateway.kill()
    await network.gateway.process.wait()
    await network.start_gateway()
    hold.let_go()

    done, over = json.loads(await next_line(client)), json.loads(await next_line(client))
    await client.wait()
    delivered = [json.loads(await next_line(receiver)) for _ in range(2)]
    receiver.terminate()
    await receiver.communicate()
    _check(registered, accepted["task"], done, over)
    assert {one["type"] for one in delivered} == {"task.accepted", "task.done"}
    assert {one["data"]["taskId"] for one in delivered} == {accepted["task"]}
    assert over["session"] == [network.keys["client"].address] * 2 + [401]
    _open(over, sealing_key, prover=f"{network.keys['alice'].address}/p")
    await _quick_start(network, application)


def _recipient(network: Network, key: SealingKey) -> dict[str, Any]:
    """Return what a gateway tells of a prover to seal for."""
    alice, until_ms = network.keys["alice"], SystemClock().now_ms() + 3_600_000
    prover = f"{alice.address}/p"
    statement = certificate_statement(
        network=network.admin_key.address, prover=prover, key=key.public, until_ms=until_ms
    )
    told = {"prover": prover, "until_ms": until_ms, "signature": alice.sign(statement)}
    return {**told, "key": base64.b64encode(key.public).decode()}


def _open(over: Any, key: SealingKey, *, prover: str) -> None:
    """Open what was sealed, as the prover would."""
    sealed, terms = over["sealed"], over["terms"]
    context = SealContext(
        network=terms["network"],
        client=terms["client"],
        request=request_digest_of(terms["idempotencyKey"]),
        program=terms["program"],
    )
    (seal,), (job,) = sealed["seals"], sealed["jobs"]
    assert (seal["prover"], seal["key_id"]) == (prover, key_id_of(key.public))
    secret = open_seal(base64.b64decode(seal["sealed"]), key, context, prover=prover, commitment=sealed["commitment"])
    locked = base64.b64decode(job["locked"])
    assert unlock_input(secret, locked, context, slice_index=0, input_index=0) == b"secret"
    assert (job["facts"], sealed["statement"], sealed["inputs"]) == ({"f": 2}, {"s": 1}, 1)
    assert over["recipients"] == [prover]


def _check(registered: Any, task: str, done: Any, over: Any) -> None:
    assert registered["uploaded"] == len("chain")
    assert [cursor for cursor, _ in done["events"]] == list(range(1, len(done["events"]) + 1))
    assert (done["events"][0][1], done["events"][-1][1], done["state"]) == ("accepted", "done", "done")
    assert done["digest"] == done["told"]
    assert done["units"] > 0
    assert done["part"] > 0
    assert done["checks"][-1] == "proofs: NOT verified here (proofgrid verify does)"
    assert over["other"] == "PG-410 network"
    assert len(set(over["balances"])) == 1
    assert over["csv"]
    assert (over["programs"], over["tasks"], over["reader"]) == ([registered["digest"]], [task], task)
    assert over["rounds"] > 0
    assert over["record"] > over["rounds"]
    assert (over["refusal"], over["missing"], over["keys"]) == ("PG-213", True, True)
    assert (over["deliveries"], over["tested"]) == (["accepted", "done"], True)


async def _quick_start(network: Network, application: Path) -> None:
    """Run the quick start of the client's README, and verify what it brought, by its example."""
    (text,) = re.findall(r"```js\n(.*?)```", (CLIENT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[:1]
    assert text == (CLIENT / "examples" / "prove.mjs").read_text(encoding="utf-8")
    for theirs, ours in {**AS_TOY, "http://127.0.0.1:7480": network.http}.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    (application / "prove.mjs").write_text(text, encoding="utf-8")
    (application / "me.key").write_bytes((network.root / "client.key").read_bytes())
    said = await asyncio.to_thread(_run, "prove.mjs", folder=application)
    assert said.returncode == 0, said.stderr
    assert "1 accepted\n" in said.stdout
    checked = await asyncio.to_thread(_run, "verify.mjs", "answer.bundle", folder=application)
    assert checked.returncode == 0
    assert f"signature: by {network.admin_key.address}" in checked.stdout
    bundle = application / "answer.bundle"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    refused = await asyncio.to_thread(_run, "verify.mjs", "answer.bundle", digest_of(b""), folder=application)
    assert refused.returncode == 1
    assert "NOT VALID: PG-410 [container]" in refused.stderr


def _run(script: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [node_or_skip(), script, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
