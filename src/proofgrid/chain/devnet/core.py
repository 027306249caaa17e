"""EigenLayer's core on a local chain, in the order in which its own script deploys it; with a token to stake."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.chain import artifacts
from proofgrid.chain.accounts import Sender, contract_at
from proofgrid.chain.devnet.downloads import Compiled, core
from proofgrid.chain.eigenlayer import Core, Delays
from proofgrid.chain.web3 import AsyncContract
from proofgrid.primitives.errors import InvalidField

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


async def deploy_core(owner: Sender, delays: Delays, contracts: dict[str, Compiled] | None = None) -> Staked:
    """Deploy a core, a token that anybody mints, and its strategy. Raises NotFetched, TransactionReverted."""
    making = _Making(owner, contracts or core())
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
    """Deploys by the names of parameters, because each version of the core takes some more or some less."""

    def __init__(self, owner: Sender, contracts: dict[str, Compiled]) -> None:
        self._owner = owner
        self._contracts = contracts
        self._admin: AsyncContract | None = None
        #: what parameters of constructors and of `initialize` are given, by their names
        self._given: dict[str, object] = {
            "version": _VERSION,
            "ethpos": _NOBODY,
            "genesis_time": 0,
            "eigenstrategy": _NOBODY,
            "initialowner": owner.address,
            "initialstrategywhitelister": owner.address,
            "initialpausedstatus": 0,
            "initpausedstatus": 0,
        }

    async def managers(self, delays: Delays) -> dict[str, str]:
        """Return where each manager is, initialised."""
        me, given = self._owner.address, self._given
        self._admin = await self._new("proxy_admin")
        given["pauserregistry"] = str((await self._new("pauser_registry", [me], me)).address)
        empty = str((await self._new("empty_contract")).address)
        at = {name: await self._proxy(empty) for name in _PROXIES}
        given |= {name.replace("_", ""): address for name, address in at.items()}
        given["delegation"] = at["delegation_manager"]
        given |= {
            "min_withdrawal_delay": delays.withdrawal,
            "deallocation_delay": delays.deallocation,
            "allocation_configuration_delay": delays.configuration,
        }
        pod = await self._new("eigen_pod", *self._arguments("eigen_pod"))
        given["eigenpodbeacon"] = str((await self._new("upgradeable_beacon", pod.address)).address)
        if "allocation_manager_view" in self._contracts:  # from v1.9 on
            view = await self._new("allocation_manager_view", *self._arguments("allocation_manager_view"))
            given["allocationmanagerview"] = str(view.address)
        for name in _PROXIES:
            behind = await self._new(name, *self._arguments(name))
            first = self._arguments(name, "initialize") if name != "permission_controller" else None
            await self._put_behind(at[name], behind, first)
        return at

    async def strategy(self, at: dict[str, str], token: str) -> str:
        """Return where a strategy of a token is, into which anybody may deposit."""
        manager = at["strategy_manager"]
        behind = await self._new("strategy_base", *self._arguments("strategy_base"))
        proxy = await self._proxy(str(behind.address), behind.encode_abi("initialize", [token]))
        contract = self._at("strategy_manager", manager)
        await self._owner.call(contract, "addStrategiesToDepositWhitelist", [proxy])
        return proxy

    def _arguments(self, name: str, function: str = "") -> tuple[object, ...]:
        """Return what a constructor, or a function, takes. Raises InvalidField for a parameter that nobody knows."""
        for entry in self._contracts[name].abi:
            inputs = entry.get("inputs")
            is_it = entry.get("name") == function if function else entry["type"] == "constructor"
            if is_it and isinstance(inputs, list):
                names = [str(one["name"]).strip("_").lower() for one in inputs]
                if unknown := sorted(set(names) - set(self._given)):
                    raise InvalidField(f"the core's {name} takes {', '.join(unknown)}: what is that?", field="core")
                return tuple(self._given[one] for one in names)
        return ()

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
