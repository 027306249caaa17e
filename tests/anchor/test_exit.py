"""At a terminal: money is paid in and claimed, and everybody gets out when nothing of the network is left."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from proofgrid.chain.devnet.network import LEDGER_UNIT, TOKEN
from proofgrid.cli.main import whole_command_line
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.ledger.payout_tree import is_in
from proofgrid.sdk.keys import write_key
from tests.anchor.life import FINAL_AFTER, ChainLife
from tests.anchor.money import CLIENT, OPERATOR, Money

LATE = 7  #: somebody who pays in when nobody looks any more


@pytest.fixture
async def money(life: ChainLife) -> Money:
    money = Money(life)
    await money.backed()
    return money


class Person:
    """Somebody at a terminal, with a key and a node, and no gateway."""

    def __init__(self, money: Money, folder: Path, number: int) -> None:
        self.money, self.number = money, number
        self.key = folder / f"{number}.json"
        write_key(SigningKey(bytes(money.life.chain.chain.person(number).account.key)), self.key)

    async def types(self, *words: str, says: str | None = None) -> Result:
        chain = self.money.life.chain
        where = ["--rpc", chain.chain.url, "--vault", str(chain.vault.address), "--chain-key", str(self.key)]
        return await asyncio.to_thread(CliRunner().invoke, whole_command_line(), ["vault", *words, *where], input=says)


@pytest.mark.thorough
async def test_everybody_gets_out_with_nothing_but_a_node_and_the_file(money: Money, tmp_path: Path) -> None:
    client, operator, late = (Person(money, tmp_path, number) for number in (CLIENT, OPERATOR, LATE))
    chain = money.life.chain
    await chain.chain.person(CLIENT).call(chain.staked.token, "mint", money.who(CLIENT), 100 * TOKEN)
    refused = await client.types("deposit", "2.5", says="n\n")
    assert refused.exit_code == 1
    assert f"= {5 * TOKEN // 2} base units" in refused.stdout
    assert "credited when it is final" in refused.stdout
    assert (await client.types("deposit", "2.5", "--yes")).exit_code == 0
    await money.life.settle()
    units = 5 * TOKEN // 2 // LEDGER_UNIT
    assert await money.balance("client", CLIENT) == units
    await money.earn(CLIENT, OPERATOR, 500)
    await money.ask_out(OPERATOR, 300, kind="operator")
    await money.in_force()

    file = tmp_path / "batch.json"
    file.write_text((await money.batch()).text)
    await money.life.close()
    await money.life.database.close()  # gateways, anchors and their database are gone

    by = ["--file", str(file)]
    said = json.loads((await asyncio.to_thread(CliRunner().invoke, whole_command_line(), _proof(money, file))).stdout)
    proof = [bytes.fromhex(one[2:]) for one in said["payout_proof"]]
    assert is_in(bytes.fromhex(said["payout_root"][2:]), money.who(OPERATOR), int(said["payout"]), proof)
    assert (await operator.types("claim", *by, "--yes")).exit_code == 0
    assert await money.held(OPERATOR) == 300
    assert "nothing to do" in (await operator.types("claim", *by, "--yes")).stdout

    await money.pay_in(LATE, 7)
    early = await client.types("exit", *by, "--yes")
    assert early.exit_code != 0
    assert "not silent" in str(early.exception)
    await chain.chain.mine(chain.terms.vault_silence + FINAL_AFTER)
    out = await client.types("exit", *by, says="y\n")
    assert "1. freeze the vault: for good" in out.stdout, out.output
    before = 100 * TOKEN // LEDGER_UNIT - units
    assert await money.held(CLIENT) == before + units - 500
    for person in (operator, late):
        assert (await person.types("exit", *by, "--yes")).exit_code == 0
        assert "nothing to do" in (await person.types("exit", *by, "--yes")).stdout
    assert (await money.held(OPERATOR), await money.held(LATE)) == (500, 7)


def _proof(money: Money, file: Path) -> list[str]:
    return ["vault", "proof", money.who(OPERATOR), "--file", str(file), "--json"]
