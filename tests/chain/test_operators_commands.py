"""What an operator types: each step is said before it is signed, what is done is left out, and the chain agrees."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from proofgrid.chain.devnet.network import TOKEN, ChainNetwork
from proofgrid.cli.main import whole_command_line
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.keys import write_key
from tests.chain.test_life_of_a_stake import joined, propose
from tests.makers import a_key

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Operator:
    """Somebody at a terminal, with a cold key on the chain and a hot one for the provers."""

    def __init__(self, network: ChainNetwork, folder: Path) -> None:
        self.network = network
        self.person = network.chain.person(4)
        self.cold, self.hot = folder / "cold.json", folder / "hot.json"
        write_key(SigningKey(bytes(self.person.account.key)), self.cold)
        write_key(a_key(4), self.hot)

    async def types(self, *words: str, says: str | None = None) -> Result:
        """Run a command; `says`: what is answered when asked."""
        chain = ["--rpc", self.network.chain.url, "--avs", self.network.service.avs, "--stake-key", str(self.cold)]
        return await asyncio.to_thread(CliRunner().invoke, whole_command_line(), ["chain", *words, *chain], input=says)

    async def sees(self) -> dict[str, object]:
        """Return the stake as programs read it."""
        answer = await self.types("status", "--json")
        found: dict[str, object] = json.loads(answer.stdout)
        return found


async def test_an_operator_joins_changes_and_leaves(network: ChainNetwork, tmp_path: Path) -> None:
    me = Operator(network, tmp_path)
    await network.funded(4)
    hot = ["--hot-key", str(me.hot)]
    no = await me.types("join", *hot, "--deposit", "12.5", says="n\n")
    assert no.exit_code == 1
    assert "1. register as an operator" in no.stdout
    assert "2. deposit 12.5 tokens" in no.stdout
    assert not (await me.sees())["is_operator"]
    assert (await me.types("join", *hot, "--deposit", "12.5", says="y\n")).exit_code == 0
    await network.chain.mine(network.staked.delays.configuration + 1)
    joined_now = await me.types("join", *hot, "--yes")
    assert "1. allocate 1000/1000" in joined_now.stdout, joined_now.output
    assert "2. join with the hot key" in joined_now.stdout
    await network.chain.mine(5)
    seen = await me.sees()
    assert (seen["is_member"], seen["signer"]) == (True, str(a_key(4).address))
    assert (seen["slashable"], seen["stands_for"]) == (125 * TOKEN // 10, 12_500_000_000)
    assert "nothing to do" in (await me.types("join", *hot, "--yes")).stdout

    taken_back = await me.types("allocate", "200", "--yes")
    assert f"{network.staked.delays.deallocation} blocks" in taken_back.stdout
    write_key(a_key(5), tmp_path / "new.json")
    assert (await me.types("rotate", "--hot-key", str(tmp_path / "new.json"), "--yes")).exit_code == 0
    left = await me.types("leave", "--yes", "--json")
    assert json.loads(left.stdout)["stake"]["is_member"] is False
    assert (await me.sees())["stands_for"] == 0
    assert isinstance((await me.types("rotate", *hot, "--yes")).exception, InvalidField)


async def test_a_slash_that_waits_is_seen(network: ChainNetwork, tmp_path: Path) -> None:
    operator = await joined(network, 2)
    await propose(network, operator.address, 3 * TOKEN)
    shown = await Operator(network, tmp_path).types("status", operator.address)
    assert "slash 0 waits" in shown.stdout
    assert "3 tokens, executable in" in shown.stdout


async def test_what_is_no_network_is_said(network: ChainNetwork, tmp_path: Path) -> None:
    me = Operator(network, tmp_path)
    nowhere = ["chain", "status", me.person.address, "--rpc", network.chain.url, "--avs"]
    for avs, said in ((me.person.address, "no contract"), (network.service.token, "no ProofgridAvs")):
        answer = await asyncio.to_thread(CliRunner().invoke, whole_command_line(), [*nowhere, avs])
        assert said in str(answer.exception), answer.output
    dead = ["chain", "status", me.person.address, "--rpc", "http://127.0.0.1:1", "--avs", network.service.avs]
    assert "does not answer" in str((await asyncio.to_thread(CliRunner().invoke, whole_command_line(), dead)).exception)


async def test_the_owner_forbids_a_slash_once(network: ChainNetwork, tmp_path: Path) -> None:
    operator = await joined(network, 2)
    await propose(network, operator.address, 3 * TOKEN)
    me = Operator(network, tmp_path)
    owner = tmp_path / "owner.json"
    write_key(SigningKey(bytes(network.owner.account.key)), owner)

    spelled = json.loads((await me.types("veto", "0", "--call")).stdout)
    assert spelled["to"] == network.service.avs
    assert spelled["data"] == network.avs.encode_abi("veto", args=[0])
    assert f"3 tokens of {operator.address}" in spelled["does"]
    nobody = await me.types("veto", "0", "--yes")
    assert "whose decision" in str(nobody.exception)
    stranger = await me.types("veto", "0", "--owner-key", str(me.cold), "--yes")
    assert "OwnableUnauthorizedAccount" in str(stranger.exception)
    no = await me.types("veto", "0", "--owner-key", str(owner), says="n\n")
    assert no.exit_code == 1
    assert "executable in" in no.stdout
    assert (await me.types("veto", "0", "--owner-key", str(owner), "--yes")).exit_code == 0
    again = await me.types("veto", "0", "--owner-key", str(owner), "--yes")
    assert "vetoed or carried out already" in str(again.exception)
    assert "no slash 7" in str((await me.types("veto", "7", "--call")).exception)


async def test_a_veto_that_comes_too_late_is_refused(network: ChainNetwork, tmp_path: Path) -> None:
    operator = await joined(network, 2)
    await propose(network, operator.address, 3 * TOKEN)
    owner = tmp_path / "owner.json"
    write_key(SigningKey(bytes(network.owner.account.key)), owner)
    await network.chain.mine(network.terms.veto_blocks + 1)
    late = await Operator(network, tmp_path).types("veto", "0", "--owner-key", str(owner), "--yes")
    assert "TooLate" in str(late.exception)


async def test_another_key_proposes_from_now_on(network: ChainNetwork, tmp_path: Path) -> None:
    me = Operator(network, tmp_path)
    owner = tmp_path / "owner.json"
    write_key(SigningKey(bytes(network.owner.account.key)), owner)
    new = network.chain.person(6)
    done = await me.types("slasher", new.address, "--owner-key", str(owner), "--yes", "--json")
    assert json.loads(done.stdout)["block"] > 0, done.output
    assert await network.avs.functions.slasher().call() == new.address


async def test_pages_are_told_where_to_read(network: ChainNetwork, tmp_path: Path) -> None:
    me = Operator(network, tmp_path)
    operator = await network.funded(4)
    await operator.register()
    url = "https://operator.example/eigenlayer.json"
    assert (await me.types("describe", url, "--yes")).exit_code == 0
    owner = tmp_path / "owner.json"
    write_key(SigningKey(bytes(network.owner.account.key)), owner)
    assert (await me.types("describe", url, "--network", "--owner-key", str(owner), "--yes")).exit_code == 0
    assert isinstance((await me.types("describe", "http://plain.example/x.json", "--yes")).exception, InvalidField)
