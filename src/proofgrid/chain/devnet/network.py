"""Our contracts on a local chain, open for operators: what `proofgrid chain devnet` shows and tests begin with."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.chain import artifacts
from proofgrid.chain.accounts import Sender
from proofgrid.chain.devnet.anvil import Anvil
from proofgrid.chain.devnet.core import SHORT, Staked, deploy_core
from proofgrid.chain.devnet.downloads import Compiled
from proofgrid.chain.eigenlayer import Delays
from proofgrid.chain.stake import Service, Staker
from proofgrid.chain.web3 import AsyncContract

NOBODY = "0x0000000000000000000000000000000000000000"
TOKEN = 10**18  #: base units
LEDGER_UNIT = 10**9  #: base units of the token that are one of the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What our contracts are deployed with; blocks and base units."""

    veto_blocks: int = 5
    period_blocks: int = 1_000
    cap_per_period: int = 1_000 * TOKEN
    conviction: int = 20 * TOKEN
    redistribution: str = NOBODY
    vault_delay: int = 3
    vault_silence: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainNetwork:
    """A network's contracts and the people who may call them."""

    chain: Anvil
    staked: Staked
    service: Service
    terms: Terms
    owner: Sender  #: may veto, and strikes batches
    slasher: Sender  #: proposes slashes, and posts batches
    avs: AsyncContract
    judge: AsyncContract
    verifiers: AsyncContract
    vault: AsyncContract

    async def funded(self, number: int, tokens: int = 1_000) -> Staker:
        """Return one of the chain's people with so many tokens of the strategy."""
        sender = self.chain.person(number)
        await sender.call(self.staked.token, "mint", sender.address, tokens * TOKEN)
        return Staker(sender, self.service)


async def deploy_network(
    chain: Anvil,
    network: str,
    *,
    terms: Terms | None = None,
    delays: Delays | None = None,
    core: dict[str, Compiled] | None = None,
) -> ChainNetwork:
    """Deploy core and contracts for the network whose key has this address. Raises NotFetched, TransactionReverted."""
    terms, delays = terms or Terms(), delays or SHORT
    owner, slasher = chain.person(0), chain.person(1)
    staked = await deploy_core(owner, delays, core)
    avs = await _deploy(
        owner,
        "ProofgridAvs",
        owner.address,
        slasher.address,
        (
            staked.core.allocations,
            staked.strategy,
            terms.veto_blocks,
            terms.period_blocks,
            terms.cap_per_period,
            terms.conviction,
            terms.redistribution,
        ),
    )
    judge = await _deploy(owner, "ClaimJudge", avs.address, network)
    await owner.call(avs, "open", "", judge.address)
    vault = await _deploy(
        owner,
        "ProofgridVault",
        *(owner.address, slasher.address, owner.address, staked.token.address, LEDGER_UNIT),
        *(terms.vault_delay, terms.vault_silence),
    )
    return ChainNetwork(
        chain=chain,
        staked=staked,
        service=Service(
            core=staked.core, avs=str(avs.address), strategy=staked.strategy, token=str(staked.token.address)
        ),
        terms=terms,
        owner=owner,
        slasher=slasher,
        avs=avs,
        judge=judge,
        verifiers=await _deploy(owner, "ProgramVerifiers", owner.address),
        vault=vault,
    )


async def _deploy(owner: Sender, name: str, *arguments: object) -> AsyncContract:
    return await owner.deploy(artifacts.abi(name), artifacts.bytecode(name), *arguments)
