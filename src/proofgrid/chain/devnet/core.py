"""EigenLayer's core on a local chain, in the order in which its own script deploys it; with a token to stake."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.chain import artifacts
from proofgrid.chain.accounts import Sender, contract_at
from proofgrid.chain.devnet.downloads import Compiled, core
from proofgrid.chain.eigenlayer import Core, Delays
from proofgrid.chain.web3 import AsyncContract

_VERSION = "v1.3.0"
_NOBODY = "0x0000000000000000000000000000000000000000"
#: Behind each of these proxies stands a contract that needs the addresses of the others.
_PROXIES = (
    "delegation_manager",
    "strategy_manager",
    "allocation_manager",
    "permission_controller",
    "eigen_pod_manager",
)


SHORT = Delays(deallocation=12, configuration=2, withdrawal=10)  #: so that tests need not mine for long


@dataclass(frozen=True, slots=True, kw_only=True)
class Staked:
    """A core and what may be staked in it."""

    core: Core
    token: AsyncContract
    strategy: str
    delays: Delays


async def deploy_core(owner: Sender, delays: Delays) -> Staked:
    """Deploy the core, a token that anybody mints, and its strategy. Raises NotFetched, TransactionReverted."""
    making = _Making(owner, core())
    token = await owner.deploy(artifacts.abi("DevToken"), artifacts.bytecode("DevToken"))
    at = await making.managers(delays)
    strategy = await making.strategy(at, str(token.address))
    return Staked(
        core=Core(
            allocations=at["allocation_manager"], delegation=at["delegation_manager"], strategies=at["strategy_manager"]
        ),
        token=token,
        strategy=strategy,
        delays=delays,
    )


class _Making:
    def __init__(self, owner: Sender, contracts: dict[str, Compiled]) -> None:
        self._owner = owner
        self._contracts = contracts
        self._admin: AsyncContract | None = None
        self._pausers = _NOBODY

    async def managers(self, delays: Delays) -> dict[str, str]:
        """Return where each manager is, initialised."""
        me = self._owner.address
        self._admin = await self._new("proxy_admin")
        self._pausers = str((await self._new("pauser_registry", [me], me)).address)
        empty = str((await self._new("empty_contract")).address)
        at = {name: await self._proxy(empty) for name in _PROXIES}
        dm, sm, am, pc, pods = (at[name] for name in _PROXIES)
        pod = await self._new("eigen_pod", _NOBODY, pods, 0, _VERSION)
        beacon = str((await self._new("upgradeable_beacon", pod.address)).address)
        made = {
            "eigen_pod_manager": (_NOBODY, beacon, dm, self._pausers, _VERSION),
            "delegation_manager": (sm, pods, am, self._pausers, pc, delays.withdrawal, _VERSION),
            "strategy_manager": (dm, self._pausers, _VERSION),
            "allocation_manager": (dm, self._pausers, pc, delays.deallocation, delays.configuration, _VERSION),
            "permission_controller": (_VERSION,),
        }
        first = {
            "eigen_pod_manager": (me, 0),
            "delegation_manager": (me, 0),
            "strategy_manager": (me, me, 0),
            "allocation_manager": (me, 0),
        }
        for name, arguments in made.items():
            behind = await self._new(name, *arguments)
            await self._put_behind(at[name], behind, first.get(name))
        return at

    async def strategy(self, at: dict[str, str], token: str) -> str:
        """Return where a strategy of a token is, into which anybody may deposit."""
        manager = at["strategy_manager"]
        behind = await self._new("strategy_base", manager, self._pausers, _VERSION)
        proxy = await self._proxy(str(behind.address), behind.encode_abi("initialize", [token]))
        contract = self._at("strategy_manager", manager)
        await self._owner.call(contract, "addStrategiesToDepositWhitelist", [proxy])
        return proxy

    async def _new(self, name: str, *arguments: object) -> AsyncContract:
        contract = self._contracts[name]
        return await self._owner.deploy(contract.abi, contract.bytecode, *arguments)

    async def _proxy(self, behind: str, data: str = "0x") -> str:
        assert self._admin is not None  # noqa: S101 - managers() made it
        return str((await self._new("transparent_upgradeable_proxy", behind, self._admin.address, data)).address)

    async def _put_behind(self, proxy: str, behind: AsyncContract, first: tuple[object, ...] | None) -> None:
        assert self._admin is not None  # noqa: S101 - managers() made it
        if first is None:
            await self._owner.call(self._admin, "upgrade", proxy, behind.address)
        else:
            data = behind.encode_abi("initialize", list(first))
            await self._owner.call(self._admin, "upgradeAndCall", proxy, behind.address, data)

    def _at(self, name: str, address: str) -> AsyncContract:
        return contract_at(self._owner.web3, address, self._contracts[name].abi)
