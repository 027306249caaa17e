"""What a chain says of a service and of an operator's stake in it, read in one go."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.chain import artifacts, eigenlayer
from proofgrid.chain.accounts import contract_at
from proofgrid.chain.eigenlayer import Core, Delays
from proofgrid.chain.stake import SET, Service
from proofgrid.chain.web3 import AsyncContract, AsyncWeb3, Web3Exception
from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.primitives.ids import Address
from proofgrid.rules.staking.onchain import StakeSample

_BLOCKS_MEASURED = 100
_PROPOSED = 1
_SLASHES_LOOKED_AT = 200  #: the newest


class ChainNotReached(Unavailable):
    """The node does not answer, or not as a node does."""

    code = "PG-326"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingSlash:
    """A proposal that was neither vetoed nor executed."""

    number: int
    amount: int  #: base units of the token
    executable_at: int  #: a block
    evidence: str  #: root, hex digits after 0x


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedSlash:
    """One that can still be vetoed, as the newest block has it."""

    operator: Address
    amount: int  #: base units of the token
    executable_at: int  #: a block
    block: int
    block_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeOnChain:
    """An operator and its stake, as the newest block has them. Amounts in base units of the token."""

    operator: Address
    block: int
    block_seconds: float  #: over the last hundred
    is_operator: bool
    is_member: bool
    signer: Address | None  #: the hot key
    deposited: int
    allocated: int  #: of WAD, to our set
    pending: int  #: what `allocated` changes by
    pending_at: int  #: a block; 0: nothing changes
    slashable: int  #: now, also of who is leaving
    samples: tuple[StakeSample, ...]  #: the final block and the newest
    waiting: tuple[WaitingSlash, ...]
    delays: Delays


async def find_service(web3: AsyncWeb3, avs: str) -> Service:
    """Return where everything is that a ProofgridAvs works with. Raises ChainNotReached, InvalidField."""
    ours = contract_at(web3, avs, artifacts.abi("ProofgridAvs"))
    try:
        if not await web3.eth.get_code(ours.address):
            raise InvalidField(
                "there is no contract at this address", field="avs", hint="is --rpc a node of the chain on which it is?"
            )
        allocations, strategy = await ours.functions.allocations().call(), await ours.functions.strategy().call()
        manager = contract_at(web3, allocations, eigenlayer.ALLOCATIONS)
        delegation = await manager.functions.delegation().call()
        strategies = await contract_at(web3, delegation, eigenlayer.DELEGATION).functions.strategyManager().call()
        token = await contract_at(web3, strategy, eigenlayer.STRATEGY).functions.underlyingToken().call()
    except Web3Exception as error:
        raise InvalidField(f"the contract there is no ProofgridAvs: {error}", field="avs") from error
    except (OSError, ValueError) as error:
        raise ChainNotReached(f"the node does not answer: {error}", hint="name one by --rpc") from error
    core = Core(allocations=allocations, delegation=delegation, strategies=strategies)
    return Service(core=core, avs=avs, strategy=strategy, token=token)


@dataclass(slots=True)
class StakeReader:
    """Reads a service's stakes."""

    web3: AsyncWeb3
    service: Service

    async def delays(self) -> Delays:
        """Return the core's."""
        allocations, delegation = self._allocations.functions, self._delegation.functions
        return Delays(
            deallocation=await allocations.DEALLOCATION_DELAY().call(),
            configuration=await allocations.ALLOCATION_CONFIGURATION_DELAY().call(),
            withdrawal=await delegation.minWithdrawalDelayBlocks().call(),
        )

    async def veto_blocks(self) -> int:
        """Return for how long the owner may veto a slash."""
        return int(await self._avs.functions.vetoBlocks().call())

    async def proposed(self, number: int) -> ProposedSlash:
        """Return a slash that waits; raise InvalidField where there is none of this number, or it is over."""
        functions = self._avs.functions
        if number >= await functions.slashes().call():
            raise InvalidField(f"there is no slash {number}", field="number", hint="proofgrid chain status OPERATOR")
        operator, state, executable_at, amount, _, _ = await functions.slashOf(number).call()
        if state != _PROPOSED:
            raise InvalidField(f"slash {number} was vetoed or carried out already", field="number")
        block = int(await self.web3.eth.block_number)
        return ProposedSlash(
            operator=Address(operator),
            amount=amount,
            executable_at=executable_at,
            block=block,
            block_seconds=await self._block_seconds(block),
        )

    async def look(self, operator: Address, *, horizon: int = 0) -> StakeOnChain:
        """Return an operator's stake; `horizon`: blocks ahead for which samples are asked."""
        avs, delegation = self._avs.functions, self._delegation.functions
        block = int(await self.web3.eth.block_number)
        signer = await avs.signerOf(operator).call()
        allocation = self._allocations.functions.getAllocation(operator, (self.service.avs, SET), self.service.strategy)
        allocated, pending, pending_at = await allocation.call()
        return StakeOnChain(
            operator=operator,
            block=block,
            block_seconds=await self._block_seconds(block),
            is_operator=await delegation.isOperator(operator).call(),
            is_member=await self._is_member(operator, block),
            signer=None if int(signer, 16) == 0 else Address(signer),
            deposited=await self._deposited(operator),
            allocated=allocated,
            pending=pending,
            pending_at=pending_at,
            slashable=await avs.slashable(operator).call(),
            samples=await self._samples(operator, block, horizon),
            waiting=await self._waiting(operator),
            delays=await self.delays(),
        )

    async def _samples(self, operator: Address, newest: int, horizon: int) -> tuple[StakeSample, ...]:
        final = int((await self.web3.eth.get_block("finalized"))["number"])
        return tuple([await self._sample(operator, block, horizon) for block in sorted({final, newest})])

    async def _sample(self, operator: Address, block: int, horizon: int) -> StakeSample:
        stake = self._avs.functions.stakeAt(operator, block + horizon)
        is_there = bool(await self.web3.eth.get_code(self._avs.address, block_identifier=block))
        return StakeSample(
            block=block,
            is_member=is_there and await self._is_member(operator, block),
            slashable=await stake.call(block_identifier=block) if is_there else 0,
        )

    async def _is_member(self, operator: Address, block: int) -> bool:
        member = self._allocations.functions.isMemberOfOperatorSet(operator, (self.service.avs, SET))
        return bool(await member.call(block_identifier=block))

    async def _deposited(self, operator: Address) -> int:
        shares, _ = await self._delegation.functions.getWithdrawableShares(operator, [self.service.strategy]).call()
        strategy = contract_at(self.web3, self.service.strategy, eigenlayer.STRATEGY)
        return int(await strategy.functions.sharesToUnderlyingView(shares[0]).call())

    async def _waiting(self, operator: Address) -> tuple[WaitingSlash, ...]:
        # Events would need a node that keeps them all.
        found = []
        there = await self._avs.functions.slashes().call()
        for number in range(max(0, there - _SLASHES_LOOKED_AT), there):
            who, state, executable_at, amount, _, evidence = await self._avs.functions.slashOf(number).call()
            if who == operator and state == _PROPOSED:
                found.append(
                    WaitingSlash(
                        number=number, amount=amount, executable_at=executable_at, evidence=f"0x{evidence.hex()}"
                    )
                )
        return tuple(found)

    async def _block_seconds(self, newest: int) -> float:
        back = min(newest, _BLOCKS_MEASURED)
        if back == 0:
            return 0.0
        first, last = await self.web3.eth.get_block(newest - back), await self.web3.eth.get_block(newest)
        return (last["timestamp"] - first["timestamp"]) / back

    @property
    def _avs(self) -> AsyncContract:
        return self.service.avs_of(self.web3)

    @property
    def _allocations(self) -> AsyncContract:
        return contract_at(self.web3, self.service.core.allocations, eigenlayer.ALLOCATIONS)

    @property
    def _delegation(self) -> AsyncContract:
        return contract_at(self.web3, self.service.core.delegation, eigenlayer.DELEGATION)
