"""What a network costs on a chain: gas of contracts, delivered proofs, the vault and slashes, in plain token transfers.

A local chain of our own with EigenLayer's core, so it needs what that needs (npm), and the engines of the proof
systems. Gas depends on no machine: contracts are compiled as tests compile them, and the same calls cost the same
again, but for some hundred gas of zeros in random proofs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import Result, Target, busy_percent, say, temporary_folder
from proofgrid.chain.accounts import Sender
from proofgrid.chain.devnet.anvil import running
from proofgrid.chain.devnet.network import TOKEN, ChainNetwork, deploy_network
from proofgrid.chain.web3 import AsyncContract
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.ids import Address
from proofgrid.proofs.bundles.contracts import contracts_of
from proofgrid.proofs.offers import Contract
from proofgrid.proofs.systems.ezkl.proving import contracts
from proofgrid.rules.ledger.payout_tree import PayoutTree
from tests.chain.conftest import NETWORK_KEY
from tests.chain.deploying import deploying
from tests.chain.test_claim_judge import CLAIM, LIE, shown
from tests.chain.test_life_of_a_stake import EVIDENCE, joined
from tests.chain.test_program_verifiers import ezkl, groth16, noir
from tests.chain.test_vault import Vault
from tests.makers import a_key
from tests.proofs.conftest import SYSTEM, build, prove_all
from tests.proofs.evm.running import compiled
from tests.proofs.systems.ezkl.models import save
from tests.proofs.systems.ezkl.test_visibility import FITTING, INPUTS, a_joining_model
from tests.reference_strings import reference_strings

NAME = "gas"
CODE_BYTES_MAX = 24_576  #: of a contract on Ethereum (EIP-170)
ACCOUNTS = 1_000  #: of a batch
TASK = bytes(31) + b"\x03"
KEYED = "ezkl, its key in the call"


def keyed(workdir: Path) -> tuple[Contract, str]:
    """As ezkl, as if the contract had too much code with the key inside."""
    most, contracts.SOURCE_BYTES_MAX = contracts.SOURCE_BYTES_MAX, 0
    try:
        return ezkl(workdir)
    finally:
        contracts.SOURCE_BYTES_MAX = most


def sliced(workdir: Path) -> tuple[list[Contract], str]:
    """Return the contracts of a model in two slices, last the one that holds them together, and the call of that."""
    settings = FITTING | {"slices": 2}
    model, srs = save(a_joining_model(), workdir / "model"), reference_strings(_made(workdir / "srs"), 12, 13)
    files = build(model, settings, srs=srs, workdir=workdir)
    proven = prove_all(files, INPUTS[:1], cache=workdir / "cache", workdir=workdir)
    calls = SYSTEM.contract_calls(files, proven.request.statement, proven.parts, workdir=workdir)
    return contracts_of(files, workdir=workdir), SYSTEM.call_of_slices(calls).calldata


def alone(prove: Callable[[Path], tuple[Contract, str]], workdir: Path) -> tuple[list[Contract], str]:
    """Return the one contract of a program, and its call."""
    contract, call = prove(workdir)
    return [contract], call


#: Contracts of a program and the call of the last, and whether that answers.
SYSTEMS: dict[str, tuple[Callable[[Path], tuple[list[Contract], str]], bool]] = {
    "groth16": (partial(alone, groth16), False),
    "noir": (partial(alone, noir), True),
    "ezkl": (partial(alone, ezkl), True),
    KEYED: (partial(alone, keyed), True),
    "ezkl, of two slices": (sliced, True),
}


@dataclass(slots=True)
class Told:
    """Rows, and what they are held against."""

    network: ChainNetwork
    transfer: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    async def sent(self, what: str, by: Sender, contract: AsyncContract, name: str, *arguments: object) -> None:
        """Call a contract, and tell what it took."""
        receipt = await by.call(contract, name, *arguments)
        self.tell(what, receipt["gasUsed"])

    def tell(self, what: str, gas: int, **more: int) -> None:
        """Add a row."""
        self.transfer = self.transfer or gas
        self.rows.append({"what": what, "gas": gas, "transfers": round(gas / self.transfer, 1), **more})

    def gas_of(self, what: str) -> int:
        """Return what a row says."""
        return next(int(row["gas"]) for row in self.rows if row["what"] == what)


def run(*, repetitions: int) -> Result:
    """Measure each once, as it is the same every time; `repetitions` is not heeded."""
    del repetitions
    busy = busy_percent()
    with temporary_folder() as folder:
        say("contracts and proofs of three systems; a minute or two")
        proven = {name: prove(_made(folder / name)) for name, (prove, _) in SYSTEMS.items()}
        deployed = {name: [compiled(one) for one in made] for name, (made, _) in proven.items()}
        calls = {name: bytes.fromhex(call[2:]) for name, (_, call) in proven.items()}
        told = run_async(_played(folder, deployed, calls))
    ezkl_gas = told.gas_of("deliver a proof of ezkl")
    fits = all(row.get("code_bytes", 0) <= CODE_BYTES_MAX for row in told.rows)
    return Result(
        name=NAME,
        measured=f"a proof of EZKL, delivered, {ezkl_gas} gas",
        against=f"a transfer of the token, {told.transfer} gas",
        ratio=round(ezkl_gas / told.transfer, 3),
        targets=(Target(text=f"no contract has more than the {CODE_BYTES_MAX} bytes that a chain takes", met=fits),),
        table=tuple(told.rows),
        busy_before_percent=busy,
    )


async def _played(folder: Path, deployed: dict[str, list[str]], calls: dict[str, bytes]) -> Told:
    async with running(folder / "anvil.log") as chain:
        told = Told(await deploy_network(chain, str(NETWORK_KEY.address)))
        await _transferred(told)
        for number, name in enumerate(SYSTEMS, start=1):
            await _delivered(told, name, bytes(31) + bytes([number]), deployed[name], calls[name])
        await _paid(told)
        await _slashed(told)
        return told


async def _transferred(told: Told) -> None:
    """A transfer between two who have tokens before and after."""
    network = told.network
    giver, taker = network.chain.person(4), network.chain.person(5)
    for one in (giver, taker):
        await giver.call(network.staked.token, "mint", one.address, 10 * TOKEN)
    await told.sent("transfer a token (ERC-20)", giver, network.staked.token, "transfer", taker.address, TOKEN)


async def _delivered(told: Told, name: str, program: bytes, bytecodes: list[str], call: bytes) -> None:
    """Deploy a program's contracts, name the last one, which knows the others, and bring a proof to it."""
    network = told.network
    number = 0
    async for verifier in deploying(network.owner, bytecodes):
        number += 1
        code = len(await network.chain.web3.eth.get_code(verifier.address))
        block = await network.chain.web3.eth.get_block("latest")
        joins = 1 < number == len(bytecodes)
        what = "deploy what holds them together" if joins else f"deploy a contract of {name}"
        told.tell(what, int(block["gasUsed"]), code_bytes=code)
    named = (verifier.address, call[:4], SYSTEMS[name][1], 0)
    await network.owner.call(network.verifiers, "add", program, named)
    client = network.chain.person(9)
    await told.sent(f"deliver a proof of {name}", client, network.verifiers, "deliver", TASK, program, call)
    told.rows[-1]["call_bytes"] = len(call)


async def _paid(told: Told) -> None:
    """Money in, a batch of many accounts, and money out."""
    network, vault = told.network, Vault(told.network)
    payer, anybody = network.chain.person(5), network.chain.person(18)
    await vault.deposit(4, 2 * ACCOUNTS * TOKEN)  # the first one pays for what later ones find
    await payer.call(network.staked.token, "mint", payer.address, TOKEN)
    await payer.call(network.staked.token, "approve", network.vault.address, TOKEN)
    await told.sent("deposit into the vault", payer, network.vault, "deposit", payer.address, TOKEN)
    accounts = [Address(str(a_key(number).address)) for number in range(20, 20 + ACCOUNTS)]
    for number in (1, 2):
        payouts = dict.fromkeys(accounts, number * TOKEN)
        post = "post the first batch" if number == 1 else "post a batch"
        await told.sent(post, network.slasher, network.vault, "post", vault.batch(payouts, {}, 2))
        await network.chain.mine(network.terms.vault_delay)
        claim = f"claim, {'for the first time' if number == 1 else 'once more'}, one of {ACCOUNTS}"
        proof = PayoutTree(payouts).proof(accounts[0])
        await told.sent(claim, anybody, network.vault, "claim", accounts[0], number * TOKEN, proof)


async def _slashed(told: Told) -> None:
    """A slash on the network's word, and one by the judge."""
    network, key = told.network, a_key(2)
    operator = await joined(network, 2)
    anybody = network.chain.person(15)
    await told.sent("propose a slash", network.slasher, network.avs, "propose", operator.address, 10 * TOKEN, EVIDENCE)
    await network.chain.mine(network.terms.veto_blocks)
    await told.sent("execute a slash", anybody, network.avs, "execute", 0)
    first, second = shown(CLAIM, key), shown(LIE, key)
    await told.sent("convict by the judge", anybody, network.judge, "judge", first, second)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
