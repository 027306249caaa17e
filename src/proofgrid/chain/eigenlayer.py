"""EigenLayer's core, as far as a network and its operators ask it: our spelling of functions that others deployed.

A test compares selectors and topics with the core itself. https://github.com/Layr-Labs/eigenlayer-contracts, v1.3 on.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.chain.abi import abi_of

ALLOCATIONS = abi_of(
    """
    function modifyAllocations(address operator, ((address avs, uint32 id) operatorSet, address[] strategies, uint64[] newMagnitudes)[] params)
    function setAllocationDelay(address operator, uint32 delay)
    function registerForOperatorSets(address operator, (address avs, uint32[] operatorSetIds, bytes data) params)
    function deregisterFromOperatorSets((address operator, address avs, uint32[] operatorSetIds) params)
    function isMemberOfOperatorSet(address operator, (address avs, uint32 id) operatorSet) view returns (bool)
    function isOperatorSlashable(address operator, (address avs, uint32 id) operatorSet) view returns (bool)
    function getAllocation(address operator, (address avs, uint32 id) operatorSet, address strategy) view returns ((uint64 currentMagnitude, int128 pendingDiff, uint32 effectBlock))
    function getAllocationDelay(address operator) view returns (bool isSet, uint32 delay)
    function getMaxMagnitude(address operator, address strategy) view returns (uint64)
    function getMembers((address avs, uint32 id) operatorSet) view returns (address[])
    function delegation() view returns (address)
    function DEALLOCATION_DELAY() view returns (uint32)
    function ALLOCATION_CONFIGURATION_DELAY() view returns (uint32)
    """  # noqa: E501 - as their sources spell them
)

DELEGATION = abi_of(
    """
    function registerAsOperator(address initDelegationApprover, uint32 allocationDelay, string metadataURI)
    function updateOperatorMetadataURI(address operator, string metadataURI)
    function delegateTo(address operator, (bytes signature, uint256 expiry) approval, bytes32 salt)
    function queueWithdrawals((address[] strategies, uint256[] depositShares, address withdrawer)[] params) returns (bytes32[])
    function completeQueuedWithdrawal((address staker, address delegatedTo, address withdrawer, uint256 nonce, uint32 startBlock, address[] strategies, uint256[] scaledShares) withdrawal, address[] tokens, bool receiveAsTokens)
    function getQueuedWithdrawals(address staker) view returns ((address staker, address delegatedTo, address withdrawer, uint256 nonce, uint32 startBlock, address[] strategies, uint256[] scaledShares)[] withdrawals, uint256[][] shares)
    function getWithdrawableShares(address staker, address[] strategies) view returns (uint256[] withdrawableShares, uint256[] depositShares)
    function isOperator(address operator) view returns (bool)
    function delegatedTo(address staker) view returns (address)
    function strategyManager() view returns (address)
    function minWithdrawalDelayBlocks() view returns (uint32)
    """  # noqa: E501 - as their sources spell them
)

STRATEGIES = abi_of(
    """
    function depositIntoStrategy(address strategy, address token, uint256 amount) returns (uint256)
    """
)

STRATEGY = abi_of(
    """
    function underlyingToken() view returns (address)
    function sharesToUnderlyingView(uint256 amountShares) view returns (uint256)
    function underlyingToSharesView(uint256 amountUnderlying) view returns (uint256)
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Where EigenLayer's core is on a chain."""

    allocations: str
    delegation: str
    strategies: str  #: the StrategyManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Of a core, in blocks. Mainnet: 100,800 to deallocate and to withdraw, 126,000 to configure."""

    deallocation: int
    configuration: int
    withdrawal: int


#: Errors of the core that operators and stakers meet, and what is wrong then.
REFUSALS = {
    "ActivelyDelegated": "it has delegated its stake already",
    "AlreadyMemberOfSet": "it is a member already",
    "CurrentlyPaused": "EigenLayer has paused this",
    "FullySlashed": "all of its stake was slashed: no more can be deposited",
    "InsufficientMagnitude": "more is allocated than there is: take some back from another set first",
    "InvalidAVSRegistrar": "what it joins is no service that takes members",
    "InvalidOperator": "this address is no operator of EigenLayer",
    "InvalidOperatorSet": "there is no such operator set",
    "InvalidPermissions": "this key may not act for that operator",
    "InvalidWadToSlash": "a slash takes more than nothing and at most everything",
    "ModificationAlreadyPending": "an earlier change of this allocation still waits for its block",
    "NotActivelyDelegated": "it has delegated nothing",
    "NotMemberOfSet": "it is no member",
    "OperatorNotSlashable": "it is no member, and none that is still leaving",
    "SameMagnitude": "so much is allocated already",
    "StrategyNotWhitelisted": "EigenLayer takes no deposits for this strategy",
    "UninitializedAllocationDelay": "its allocation delay is not in force yet: wait for the core's configuration delay",
    "WithdrawalDelayNotElapsed": "the withdrawal is not due yet",
    "WithdrawalNotQueued": "there is no such withdrawal",
}

#: The whole magnitude of an operator's stake of one strategy.
WAD = 10**18
