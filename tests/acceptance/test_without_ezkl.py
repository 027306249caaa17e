"""Where ezkl has no wheel everything else works, and what needs it says so and what helps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.tasks import events_of, register_toy
from tests.cli.commands import proofgrid
from tests.networks import Network, running_network
from tests.packages import python_without

SENTENCE = "ezkl is not installed here: Python finds no ezkl and no onnx"
WAY_OUT = "pip install 'proofgrid[ezkl]'"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment without ezkl, and without onnx, which only ezkl needs."""
    return python_without(tmp_path_factory.mktemp("without") / "venv", "ezkl", "onnx", "ml_dtypes")


@pytest.fixture
async def network(tmp_path: Path, database_dsn: str, toy_system_on_path: Path, python: str) -> AsyncIterator[Network]:
    async with running_network(tmp_path, database_dsn, python=python) as network:
        yield network


async def test_a_network_of_other_proof_systems_works_and_says_what_it_lacks(network: Network, tmp_path: Path) -> None:
    prover = await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)
        task = await client.submit(program.digest, ["hello"], limit_price=1_500)
        assert (await events_of(client, task.task_id))[-1].kind == "done"
        offered = {one.name for one in (await client.facts()).proof_systems}
        [connected] = (await client.status()).provers
    # Whether others are there as well depends on whether their engines were built on this machine.
    engines = {"groth16", "plonk", "noir", "miden", "sp1"}
    assert offered - engines == {"graph", "toy"}
    assert {one.partition("@")[0] for one in connected.proof_systems} - engines == {"toy"}
    assert network.gateway is not None
    for process in (network.gateway, prover):
        assert SENTENCE in process.log.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("program", "build", "model.onnx", "--srs", "."),
        ("prover", "--self-check", "--key", "none"),
        ("prover", "--proof-systems", "ezkl", "--key", "none"),
        ("demo",),
    ],
    ids=" ".join,
)
def test_what_needs_ezkl_says_so_and_what_helps(arguments: tuple[str, ...], python: str, tmp_path: Path) -> None:
    ended = proofgrid(*arguments, home=tmp_path, python=python)
    assert ended.returncode == 1
    assert SENTENCE in ended.stderr
    assert WAY_OUT in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_does_not_need_it_works(python: str, tmp_path: Path) -> None:
    assert "Usage: proofgrid" in proofgrid("--help", home=tmp_path, python=python).stdout
    assert "--listen" in proofgrid("gateway", "--help", home=tmp_path, python=python).stdout
    made = proofgrid("srs", "make", "--logrows", "4", "--out", str(tmp_path / "new.srs"), home=tmp_path, python=python)
    assert made.returncode == 0, made.stderr


def test_it_is_listed_as_not_installed(python: str, tmp_path: Path) -> None:
    listed = json.loads(proofgrid("program", "settings", "--json", home=tmp_path, python=python).stdout)
    [ezkl] = [one for one in listed if one["system"] == "ezkl"]
    assert ezkl["not_installed"]["detail"] == SENTENCE
    assert WAY_OUT in ezkl["not_installed"]["hint"]
    assert SENTENCE in proofgrid("program", "settings", home=tmp_path, python=python).stdout
