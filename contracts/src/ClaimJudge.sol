// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

interface IConvicting {
    function operatorOf(address signer) external view returns (address);
    function convict(address operator, bytes32 evidence) external returns (uint256 id);
}

/// @title Two results that one operator signed for one lease and that say different things
/// @notice Anybody who has both shows them here, and the operator is slashed: no word of the network is needed.
/// @dev A result's text is the canonical JSON of rules/staking/results.py; it is put together here from its values, so
/// that nothing has to be parsed. Other bytes of a proof alone are no lie: proofs are randomised.
contract ClaimJudge {
    struct Result {
        uint256 fence;
        string jobId;
        string leaseId;
        string program;
        string proof;
        string publicDigest;
        uint256 slice;
        bytes signature; // r, s, v of EIP-191; s in the lower half
    }

    IConvicting public immutable avs;
    /// @notice Address of the network's key as results spell it.
    string public network;
    mapping(bytes32 lease => bool) public convicted;

    event Convicted(address indexed operator, bytes32 indexed lease, uint256 slash);

    error OtherLeases();
    error NoContradiction();
    error SignedByNoOperator();
    error SignedByTwo();
    error AlreadyConvicted();
    error NotPlain(bytes1 character);

    constructor(IConvicting avs_, string memory network_) {
        _checkPlain(network_);
        avs = avs_;
        network = network_;
    }

    /// @notice Slash the operator that signed both. Reverts where they do not contradict each other.
    function judge(Result calldata first, Result calldata second) external returns (uint256 slash) {
        if (first.fence != second.fence || !_same(first.leaseId, second.leaseId)) revert OtherLeases();
        if (
            first.slice == second.slice && _same(first.jobId, second.jobId) && _same(first.program, second.program)
                && _same(first.publicDigest, second.publicDigest)
        ) revert NoContradiction();
        bytes memory one = textOf(first);
        bytes memory other = textOf(second);
        address operator = _operatorOf(one, first.signature);
        if (operator != _operatorOf(other, second.signature)) revert SignedByTwo();
        bytes32 lease = keccak256(abi.encode(operator, first.leaseId, first.fence));
        if (convicted[lease]) revert AlreadyConvicted();
        convicted[lease] = true;
        slash = avs.convict(operator, keccak256(abi.encode(keccak256(one), keccak256(other))));
        emit Convicted(operator, lease, slash);
    }

    /// @notice What an operator signs for a result.
    function textOf(Result calldata result) public view returns (bytes memory) {
        _checkPlain(result.jobId);
        _checkPlain(result.leaseId);
        _checkPlain(result.program);
        _checkPlain(result.proof);
        _checkPlain(result.publicDigest);
        return bytes.concat(
            abi.encodePacked('proofgrid result 1 {"fence":', _digits(result.fence), ',"job_id":"', result.jobId),
            abi.encodePacked('","lease_id":"', result.leaseId, '","network":"', network),
            abi.encodePacked('","program":"', result.program, '","proof":"', result.proof),
            abi.encodePacked('","public":"', result.publicDigest, '","slice":', _digits(result.slice), "}")
        );
    }

    function _operatorOf(bytes memory text, bytes calldata signature) private view returns (address operator) {
        operator = avs.operatorOf(ECDSA.recover(MessageHashUtils.toEthSignedMessageHash(text), signature));
        if (operator == address(0)) revert SignedByNoOperator();
    }

    /// Ids and digests are letters, digits, ':', '-' and '_': nothing that ends a JSON string or begins an escape.
    function _checkPlain(string memory text) private pure {
        bytes memory content = bytes(text);
        for (uint256 i = 0; i < content.length; ++i) {
            bytes1 c = content[i];
            bool plain = (c >= "0" && c <= ":") || (c >= "A" && c <= "Z") || (c >= "a" && c <= "z") || c == "-" || c == "_";
            if (!plain) revert NotPlain(c);
        }
    }

    function _same(string calldata one, string calldata other) private pure returns (bool) {
        return keccak256(bytes(one)) == keccak256(bytes(other));
    }

    function _digits(uint256 number) private pure returns (bytes memory text) {
        uint256 length = 1;
        for (uint256 rest = number / 10; rest != 0; rest /= 10) ++length;
        text = new bytes(length);
        for (uint256 i = length; i > 0; number /= 10) text[--i] = bytes1(uint8(48 + number % 10));
    }
}
