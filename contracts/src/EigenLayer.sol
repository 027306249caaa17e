// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What ProofgridAvs asks of EigenLayer's core, spelled by us: one operator set of one service.
struct OperatorSet {
    address avs;
    uint32 id;
}

struct SetToCreate {
    uint32 operatorSetId;
    address[] strategies;
}

struct Slashing {
    address operator;
    uint32 operatorSetId;
    address[] strategies;
    uint256[] wadsToSlash;
    string description;
}

/// What slashOperator answers in later cores is not read: v1.3 answers nothing.
interface IAllocationManager {
    function updateAVSMetadataURI(address avs, string calldata uri) external;
    function setAVSRegistrar(address avs, address registrar) external;
    function createOperatorSets(address avs, SetToCreate[] calldata sets) external;
    function createRedistributingOperatorSets(address avs, SetToCreate[] calldata sets, address[] calldata to) external;
    function slashOperator(address avs, Slashing calldata slashing) external;
    function isMemberOfOperatorSet(address operator, OperatorSet calldata set) external view returns (bool);
    function isOperatorSlashable(address operator, OperatorSet calldata set) external view returns (bool);
    function getMinimumSlashableStake(
        OperatorSet calldata set,
        address[] calldata operators,
        address[] calldata strategies,
        uint32 futureBlock
    ) external view returns (uint256[][] memory shares);
}

interface IStrategy {
    function sharesToUnderlyingView(uint256 shares) external view returns (uint256);
    function underlyingToken() external view returns (address);
}

interface IAVSRegistrar {
    function registerOperator(address operator, address avs, uint32[] calldata sets, bytes calldata data) external;
    function deregisterOperator(address operator, address avs, uint32[] calldata sets) external;
    function supportsAVS(address avs) external view returns (bool);
}
