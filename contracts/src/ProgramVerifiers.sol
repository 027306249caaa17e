// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title One door to the verifying contracts of programs
/// @notice EZKL's and UltraHonk's contracts answer false, gnark's revert, and each has a signature of its own. Here a
/// proof that is wrong always reverts, so estimates of gas are right and nobody forgets to look at an answer.
contract ProgramVerifiers is Ownable2Step {
    struct Verifier {
        address verifyingContract;
        bytes4 selector;
        bool answers; // true: it answers a bool; false: it answers nothing and reverts
        uint32 submitterAt; // where in the call a word has to be the address of who delivers it; 0: nowhere
    }

    mapping(bytes32 program => Verifier) public verifierOf;

    event Added(bytes32 indexed program, address verifyingContract, bytes4 selector);
    event Delivered(bytes32 indexed task, bytes32 indexed program, address indexed submitter, bytes32 call);

    error AlreadyThere();
    error NoContract();
    error UnknownProgram();
    error OtherFunction(bytes4 selector);
    error ProofRefused();
    error OtherSubmitter();

    constructor(address owner_) Ownable(owner_) {}

    /// @notice Say which contract verifies a program's proofs. Once: a digest names one program for ever.
    function add(bytes32 program, Verifier calldata verifier) external onlyOwner {
        if (verifierOf[program].verifyingContract != address(0)) revert AlreadyThere();
        if (verifier.verifyingContract.code.length == 0) revert NoContract();
        verifierOf[program] = verifier;
        emit Added(program, verifier.verifyingContract, verifier.selector);
    }

    /// @notice Revert unless the program's contract accepts the proof in `call`, which is calldata as the bundle has it.
    function verify(bytes32 program, bytes calldata call) public view {
        Verifier memory verifier = verifierOf[program];
        if (verifier.verifyingContract == address(0)) revert UnknownProgram();
        if (call.length < 4 || bytes4(call) != verifier.selector) revert OtherFunction(bytes4(call));
        (bool held, bytes memory answer) = verifier.verifyingContract.staticcall(call);
        if (!held) revert ProofRefused();
        if (verifier.answers && (answer.length != 32 || abi.decode(answer, (uint256)) != 1)) revert ProofRefused();
    }

    /// @notice Verify the final proof of a task and note who brought it. Where a program's proofs name who may deliver
    /// them, a proof that was seen on its way is of no use to anybody else.
    function deliver(bytes32 task, bytes32 program, bytes calldata call) external {
        verify(program, call);
        uint256 place = verifierOf[program].submitterAt;
        if (place != 0 && uint256(bytes32(call[place:place + 32])) != uint160(msg.sender)) revert OtherSubmitter();
        emit Delivered(task, program, msg.sender, keccak256(call));
    }
}
